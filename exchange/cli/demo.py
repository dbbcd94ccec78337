"""`exchange demo`: tell the demo story once, and say who can sign in."""

from __future__ import annotations

import click

from exchange.cli.application import application
from exchange.cli.exits import ExitCode, Failed, say


@click.group()
def demo() -> None:
    """Tell the demo story."""


@demo.command()
def seed() -> None:
    """Tell the chapters that were not told yet; a second time changes nothing."""
    from exchange.cli import story  # noqa: PLC0415  # the story is heavy
    from exchange.core.clock import InstanceKind, instance_kind  # noqa: PLC0415

    with application():
        if instance_kind() is not InstanceKind.DEMO:
            raise Failed("Only a demo instance has a story.", ExitCode.NOT_ALLOWED)
        for title in story.tell():
            say(f"Demo: {title}")


@demo.command()
def logins() -> None:
    """Print one line per role."""
    from exchange.cli.story_people import LOGINS, PASSWORD  # noqa: PLC0415  # as above

    for role, email in LOGINS.items():
        click.echo(f"  {role:<12}{email:<34}{PASSWORD}")
