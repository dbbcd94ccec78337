"""How commands end: the codes that scripts may rely on."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitCode(IntEnum):
    """What the caller learns from the code alone."""

    OK = 0
    ERROR = 1
    USAGE = 2  # click's own
    PARTLY_IMPORTED = 3
    NOT_ALLOWED = 4
    NETWORK = 5  # trying again is safe


class Failed(click.ClickException):
    """End the command with a sentence on stderr and a code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it here


def say(message: str) -> None:
    """Talk to the person: stderr, so that data on stdout stays clean."""
    click.echo(message, err=True)
