"""`exchange erase`: destroy a person everywhere and print the certificate.

A phone or an e-mail is asked for or read from stdin, never taken from the command line: there it
would stand in the history of the shell and in the list of processes.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from exchange.cli.application import application
from exchange.cli.exits import Failed, say
from exchange.core.actors import SYSTEM
from exchange.core.db import parse_id, unit_of_work
from exchange.fulfillment import queries
from exchange.leads.models import Lead
from exchange.leads.services import erasures


@click.command()
@click.option("--phone", is_flag=False, flag_value="-", help="Asked for, or a line of stdin.")
@click.option("--email", is_flag=False, flag_value="-", help="Asked for, or a line of stdin.")
@click.option("--lead", "lead_id", metavar="ID", help="Whoever is behind this lead.")
@click.option("--country", default="US", show_default=True, help="Of a number without its code.")
@click.option("--yes", is_flag=True, help="Do not ask again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def erase(
    *,
    phone: str | None,
    email: str | None,
    lead_id: str | None,
    country: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase a person in every lot, sold or not, suppress them, and print the certificate."""
    if [phone, email, lead_id].count(None) != 2:
        raise click.UsageError("Give one of --phone, --email and --lead.")
    if (phone or "-") != "-" or (email or "-") != "-":
        raise click.UsageError("Never write a person on the command line: it is asked for.")
    person = None if lead_id else _ask("Phone" if phone else "E-mail")
    if not yes and not click.confirm("This cannot be undone. Erase?", err=True):
        raise Failed("Nothing was erased.")
    with application():
        with unit_of_work():
            made = erasures.erase(
                person=person,
                lead_id=parse_id(lead_id, Lead) if lead_id else None,
                region=country.upper(),
                actor=SYSTEM,
            )
        paper = queries.certificate(made.id)
    if as_json:
        click.echo(json.dumps(paper, indent=2))
    else:
        _print(paper)
    say("Buyers who received the person are told; their answers appear on the certificate.")


def _ask(what: str) -> str:
    """From the terminal without an echo, else one line of stdin."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    return sys.stdin.readline().strip()


def _print(paper: dict[str, Any]) -> None:  # Any: JSON values
    click.echo(f"Certificate of erasure {paper['receipt']}, {paper['erased_at']}")
    for name, count in paper["destroyed"].items():
        click.echo(f"  {name.replace('_', ' '):<24}{count}")
    click.echo(f"  {'files still being read':<24}{paper['uploaded_files_pending']}")
    click.echo(f"  {'buyers told':<24}{paper['buyers_told']}")
    for lead in paper["leads"]:
        click.echo(f"  {lead}")
    click.echo(f"Kept: {paper['kept']}.")
