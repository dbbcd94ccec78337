"""The application for commands: on the right instance, its refusals turned into exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from redis import RedisError
from sqlalchemy.exc import OperationalError

from exchange.app import create_app
from exchange.cli.exits import ExitCode, Failed
from exchange.cli.instances import settings
from exchange.core.db import db
from exchange.core.errors import DomainError

COMMAND_SECONDS = 600  # a person waits and can interrupt


@contextmanager
def application() -> Iterator[Flask]:
    """The application in its context; refusals and lost connections end the command in words.

    `with application(), unit_of_work():` is the whole frame of a command that changes something.
    """
    app = create_app(settings(), statement_timeout_seconds=COMMAND_SECONDS)
    with app.app_context(), spoken():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@contextmanager
def spoken() -> Iterator[None]:
    """Raise Failed with the code that fits in place of errors that a person can understand."""
    try:
        yield
    except DomainError as error:
        code = ExitCode.NOT_ALLOWED if error.status in {401, 403} else ExitCode.ERROR
        lines = [error.detail, *(f"{e.pointer}: {e.detail}" for e in error.errors)]
        raise Failed("\n".join(lines), code) from error
    except (OperationalError, RedisError, ConnectionError) as error:
        raise Failed(f"No connection: {error}", ExitCode.NETWORK) from error
