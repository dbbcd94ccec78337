"""The assembly: settings, extensions, doors, errors and the request's unit of work."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Final

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.engine import make_url

from exchange import api
from exchange.app import context, errors, hooks, porter
from exchange.config import ROOT, Settings
from exchange.core import db, jobs, keys, limits, passwords, storage
from exchange.identity import access

# From the ground up, so that a listener is registered after what it listens to.
PACKAGES: Final = (
    "core", "identity", "catalog", "billing", "leads", "verification", "market", "fulfillment",
    "notifications", "reports", "sellers", "buyers", "admin",
)  # fmt: skip
UPLOAD_BYTES_MAX: Final = 201_000_000  # 200 MB and the rest of the form
FORM_BYTES_MAX: Final = 2_000_000
csrf = CSRFProtect()


def create_app(settings: Settings, *, statement_timeout_seconds: int = 15) -> Flask:
    """The application, ready to serve, to work and to be asked from the command line."""
    app = Flask(
        "exchange",
        root_path=str(ROOT),
        static_folder=str(ROOT / "static"),
        template_folder=str(ROOT / "templates"),
    )
    _configure(app, settings, statement_timeout_seconds)
    import_models()
    db.init_app(app)
    keys.init_app(app, settings.master_keys)
    storage.init_app(app, settings.data_folder)
    jobs.init_app(app, settings.redis_url)
    passwords.init_app(
        app, memory_kib=settings.argon2_memory_kib, time_cost=settings.argon2_time_cost
    )
    limits.init_app(app, settings.redis_url)
    csrf.init_app(app)
    access.init_app(app)
    context.init_app(app)
    errors.init_app(app)
    hooks.init_app(app, settings)
    porter.init_app(app)
    _open_doors(app)
    return app


def import_models() -> None:
    """Know every table, every listener, every job and every invariant."""
    for table in ("clock", "events", "idempotency"):
        import_module(f"exchange.core.{table}")
    for part in ("models", "queries", "listeners", "jobs"):
        for _ in _modules(part):
            pass


def _configure(app: Flask, settings: Settings, statement_timeout_seconds: int) -> None:
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=db.sqlalchemy_url(settings.app_database_url),
        SQLALCHEMY_ENGINE_OPTIONS={
            "hide_parameters": True,  # a failed statement must not print a contact
            "pool_size": 8,
            "max_overflow": 8,
            "pool_timeout": 5,
            "pool_pre_ping": True,
            "query_cache_size": 2_000,  # there are more than the 500 queries that it keeps unasked
            "connect_args": {
                "connect_timeout": 3,
                "options": _connection_options(settings, statement_timeout_seconds),
            },
        },
        MAX_CONTENT_LENGTH=UPLOAD_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES_MAX,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,
    )


def _connection_options(settings: Settings, statement_timeout_seconds: int) -> str:
    """Limits of every connection; the role in the address is kept, options do not add up."""
    role = make_url(settings.app_database_url).query.get("options", "")
    return (
        f"{role} -c lock_timeout=3s -c statement_timeout={statement_timeout_seconds}s"
        " -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
    )


def _open_doors(app: Flask) -> None:
    for module in (*_modules("views"), *_modules("webhooks")):
        app.register_blueprint(module.blueprint)
        if module.__name__.endswith("webhooks"):
            csrf.exempt(module.blueprint)
    for blueprint in api.init_app(app, [m.blueprint for m in _modules("api")]):
        csrf.exempt(blueprint)


def _modules(part: str) -> Iterator[ModuleType]:
    for package in PACKAGES:
        name = f"exchange.{package}.{part}"
        if find_spec(name):
            yield import_module(name)
