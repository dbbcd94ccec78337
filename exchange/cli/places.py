"""`exchange places`: what a radius around a postal code is measured by."""

from __future__ import annotations

import json
from pathlib import Path

import click

from exchange.catalog.places import import_places
from exchange.cli.application import application
from exchange.cli.exits import ExitCode, Failed, say
from exchange.core.db import unit_of_work


@click.group()
def places() -> None:
    """Gazetteers of postal codes."""


@places.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_(file: Path, *, as_json: bool) -> None:
    """Read postal codes in the format of GeoNames, in the stead of those of their countries.

    Download a country's file from download.geonames.org/export/zip and unpack it. It is under the
    license CC BY 4.0: name GeoNames where you show what comes of it.
    """
    with application(), unit_of_work():
        try:
            with file.open(encoding="utf-8") as lines:
                counts = import_places(lines)
        except UnicodeDecodeError as error:
            raise Failed("This file is not UTF-8 text.", ExitCode.ERROR) from error
    if as_json:
        click.echo(json.dumps(counts))
    for country, count in sorted(counts.items()):
        say(f"{country}: {count} postal codes.")
