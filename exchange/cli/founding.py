"""`exchange founding`: where the first administrator opens an empty house, and with what code."""

from __future__ import annotations

import click

from exchange.cli.application import application
from exchange.config import Settings
from exchange.identity import queries, services


@click.command()
def founding() -> None:
    """Say how the first administrator opens an empty house; nothing once there is an operator."""
    with application() as app:
        if queries.operator() is not None:
            return
        settings: Settings = app.config["SETTINGS"]
        code = services.founding_code(settings.secret_key)
        click.echo(f"Nobody has moved in yet. Open {settings.base_url}/found with the code {code}")
