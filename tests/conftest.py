"""Servers, databases and the cast that every test knows.

One PostgreSQL and one Valkey serve the whole run; each test process has a database of its own,
made from a migrated template. A test's work is rolled back; what must commit gets a database of
its own. After every test all invariants are asked.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import event, text

from exchange import embedded
from exchange.app import create_app
from exchange.config import Settings, as_application
from exchange.core import jobs, schema
from exchange.core.db import db
from exchange.core.invariants import violations
from exchange.core.limits import limiter
from exchange.market import kept
from tests.cast import Cast, make_cast
from tests.doorbell import run_jobs as drain
from tests.invariants import Watch

TEMPLATE = "exchange_template"
MASTER_KEYS = "1:" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SERVERS = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the process that hands out the tests."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    stack = ExitStack()
    folder = Path(tempfile.mkdtemp(prefix="exchange-tests-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    servers = stack.enter_context(embedded.servers(folder, tuning=embedded.TESTS))
    config.stash[SERVERS] = stack
    _make_template(servers.database_url)
    os.environ["TEST_DATABASE_URL"] = servers.database_url
    os.environ["TEST_REDIS_URL"] = servers.redis_url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts processes of its own, and takes longest.

    Each worker begins with its half and whoever is done takes over the other's last tests, so the
    run ends with short ones on all workers, and no browser or house is started twice for a module.
    """
    items.sort(key=lambda item: item.get_closest_marker("commits") is None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, by their own process ids."""
    if SERVERS in config.stash:
        config.stash[SERVERS].close()


def _make_template(url: str) -> None:
    _execute(url, f"CREATE DATABASE {TEMPLATE}")
    schema.migrate(named(url, TEMPLATE), instance="sandbox")


def named(url: str, database: str) -> str:
    """The same server, another database."""
    head, mark, query = url.partition("?")
    return head.rsplit("/", 1)[0] + f"/{database}{mark}{query}"


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def fresh_database(name: str) -> Iterator[str]:
    """A migrated database of this name for the length of the block; gives its owner's address."""
    owner = os.environ["TEST_DATABASE_URL"]
    _execute(owner, f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    try:
        yield named(owner, name)
    finally:
        _execute(owner, f'DROP DATABASE "{name}" WITH (FORCE)')


class Browser(FlaskClient):
    """A client whose requests know nothing of each other.

    In tests they share one application context, and would share `g` with it: who is acting, and
    whether the request's unit of work has ended.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:  # Any: werkzeug's own signature
        for name in list(g):
            g.pop(name)
        return super().open(*args, **kwargs)


def worker_number(worker_id: str) -> int:
    """0 for the only process, 1.. for those of a parallel run."""
    return int(worker_id.removeprefix("gw")) + 1 if worker_id.startswith("gw") else 0


def make_settings(database_url: str, *, redis_database: int, folder: Path) -> Settings:
    """Settings of an application under test: cheap passwords, a sandbox."""
    return Settings(
        database_url=database_url,
        app_database_url=as_application(database_url),
        redis_url=with_redis_database(redis_database),
        secret_key="a key for tests",
        master_keys=MASTER_KEYS,
        instance="sandbox",
        base_url="http://localhost",
        data_folder=folder,
        stripe_secret_key="sk_test_exchange",
        stripe_webhook_secret="whsec_dGVzdHM",
        stripe_api_url=None,
        argon2_memory_kib=64,
        argon2_time_cost=1,
    )


def with_redis_database(number: int) -> str:
    """The doorbell's address with a database of our own."""
    url = os.environ["TEST_REDIS_URL"]
    return f"{url}{'&' if '?' in url else '?'}db={number}"


@pytest.fixture(scope="session")
def settings(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of this test process, with its own database."""
    number = worker_number(worker_id)
    with fresh_database(f"test_{number}") as url:
        yield make_settings(url, redis_database=number, folder=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The name of this process in a parallel run."""
    return getattr(request.config, "workerinput", {}).get("workerid", "master")


@pytest.fixture(scope="session")
def shared_app(settings: Settings) -> Iterator[Flask]:
    """The application of this test process."""
    app = create_app(settings)
    app.test_client_class = Browser
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    # The limiter reads its settings once, and there is one for all applications of the process.
    limiter.enabled = False
    _spare_the_collector()
    yield app
    with app.app_context():
        db.engine.dispose()


def _spare_the_collector() -> None:
    """What is there by now, tests and application, stays to the end: never walk over it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def watch(shared_app: Flask, settings: Settings) -> Watch:
    """What is asked after each test, noted before the first."""
    with shared_app.app_context():
        made = Watch(settings.database_url)
        db.session.remove()
        return made


@pytest.fixture
def app(shared_app: Flask, watch: Watch) -> Iterator[Flask]:
    """The application inside a transaction that is rolled back; commits become savepoints."""
    with shared_app.app_context():
        engine = db.engines[None]
        connection = engine.connect()
        outer = connection.begin()
        db.engines[None] = connection  # type: ignore[index]  # the session asks this mapping for its bind
        jobs.redis_connection().flushdb()
        shared_app.extensions.pop(kept.BOOKS, None)  # of contracts that were rolled back
        try:
            yield shared_app
            _after_test(watch)
        finally:
            db.session.remove()
            outer.rollback()
            connection.close()
            db.engines[None] = engine  # type: ignore[index]  # as above


def _after_test(watch: Watch) -> None:
    db.session.rollback()
    # A savepoint never checks deferred constraints, so they are asked for here.
    db.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert watch.violations() == []


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser, or a program, that nobody has signed in."""
    return app.test_client()


@pytest.fixture
def cast(app: Flask) -> Cast:
    """The seller, the buyer, the verifier, the operator and the strangers."""
    return make_cast()


@pytest.fixture
def run_jobs(app: Flask) -> Callable[[], int]:
    """Run what was rung for, in this process, until the doorbell is silent."""
    return drain


@pytest.fixture
def sweep(app: Flask) -> Callable[[str], None]:
    """Run one sweep by its name, as the scheduler does."""
    return jobs.run_sweep


@pytest.fixture
def committed(worker_id: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An application on a database of its own, where commits are real."""
    number = worker_number(worker_id)
    with fresh_database(f"commits_{number}") as url:
        app = create_app(make_settings(url, redis_database=number, folder=tmp_path))
        app.test_client_class = Browser
        app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        limiter.enabled = False
        with app.app_context():
            jobs.redis_connection().flushdb()
            try:
                yield app
                db.session.rollback()
                if request.node.get_closest_marker("control") is None:
                    assert violations() == []
            finally:
                db.session.remove()
                db.engine.dispose()


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """Every statement that is sent inside the block."""
    seen: list[str] = []
    engine = db.engines[None]

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
