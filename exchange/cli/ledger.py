"""`exchange ledger`: check and verify the books, show balances, export them for an auditor."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import IO, Final

import click

from exchange.billing import queries
from exchange.billing.beancount import statements
from exchange.billing.chain import JournalEntry, account_name
from exchange.cli.application import application
from exchange.cli.exits import Failed, say
from exchange.cli.users import find_organization
from exchange.core import ids
from exchange.core.db import get
from exchange.core.invariants import INVARIANTS, violations
from exchange.core.money import Money
from exchange.identity.models import Organization

ACCOUNTS: Final = ("wallet", "held", "pending", "reserve", "payable", "in_transit", "debt")
HEAD: Final = [
    "posting", "key", "reason", "subject", "occurred_at", "created_at",
    "source", "target", "amount", "currency",
]  # fmt: skip

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def ledger() -> None:
    """Check, verify and export the books."""


@ledger.command()
@as_json
def check(*, as_json: bool) -> None:
    """Ask every invariant; end with 1 when one is violated."""
    with application():
        found = violations()
    if as_json:
        click.echo(json.dumps({"asked": len(INVARIANTS), "violations": found}, indent=2))
    else:
        for sentence in found:
            click.echo(sentence)
    if found:
        raise Failed(f"{len(found)} violations of {len(INVARIANTS)} invariants.")
    say(f"{len(INVARIANTS)} invariants hold.")


@ledger.command()
@click.argument("org")
@as_json
def balance(*, org: str, as_json: bool) -> None:
    """Print the balances of ORG, an id or a name."""
    with application():
        found = queries.balances(_organization(org).id)
    amounts = [(name, getattr(row, name)) for row in found for name in ACCOUNTS]
    rows = [(name, amount) for name, amount in amounts if amount]
    if as_json:
        facts = [
            {"account": name, "amount": amount.amount, "currency": amount.currency}
            for name, amount in rows
        ]
        click.echo(json.dumps(facts, indent=2))
        return
    for name, amount in rows:
        click.echo(f"{name:<12}{_decimal(amount):>18} {amount.currency}")


@ledger.command()
@as_json
def verify(*, as_json: bool) -> None:
    """Compute the hash chain again from genesis to head; end with 1 when anything was altered."""
    with application():
        report = queries.verify_chain()
    head = report.head.hex()
    if as_json:
        facts = {"links": report.links, "head": head, "waiting": report.waiting}
        click.echo(json.dumps({**facts, "faults": report.faults}, indent=2))
    else:
        click.echo(f"{report.links} links, head {head}")
        for fault in report.faults:
            click.echo(fault)
    if report.faults:
        raise Failed("The books are not as they were written.")
    say(f"Every link holds; {report.waiting} newer postings are not sealed yet.")


@ledger.command()
@click.option(
    "--format", "form", type=click.Choice(["beancount", "csv"]), default="csv", show_default=True
)
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-")
def export(*, form: str, output: IO[str]) -> None:
    """Write every posting, oldest first; beancount with a last word on each account."""
    with application():
        if form == "beancount":
            output.writelines(statements(queries.whole_journal()))
            return
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(HEAD)
        for entry in queries.whole_journal():
            writer.writerows(_rows(entry))


def _organization(org: str) -> Organization:
    row_id = ids.decode(Organization.PREFIX, org)
    found = find_organization(org) if row_id is None else get(Organization, row_id)
    if found is None:
        raise Failed(f"There is no organization {org}.")
    return found


def _rows(entry: JournalEntry) -> Iterator[list[object]]:
    for leg in entry.legs:
        yield [
            entry.id,
            entry.key,
            entry.reason.value,
            f"{entry.subject.kind}:{entry.subject.id}",
            entry.occurred_at.isoformat(),
            entry.created_at.isoformat(),
            account_name(leg.source),
            account_name(leg.target),
            leg.amount.amount,
            leg.amount.currency.value,
        ]


def _decimal(money: Money) -> str:
    whole, cents = divmod(abs(money.amount), 100)
    return f"{'-' if money.amount < 0 else ''}{whole:,}.{cents:02}"
