"""`exchange batch`: show a batch's draw, and recompute it from the public record alone.

The record and the leaves come from the instance that is asked, or from two files that anybody may
have downloaded: then no database is needed and nothing of the exchange is trusted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from exchange.cli.application import application
from exchange.cli.exits import Failed, say
from exchange.core.db import get, parse_id
from exchange.leads.models import Batch
from exchange.leads.seal import read_leaves
from exchange.verification import queries
from exchange.verification.records import Check, OpenLeaves, check_record

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
TRUST: Final = {
    "seller": "The seller added the nonce.",
    "witness": "A witness added the nonce.",
    "nobody": "Nobody added a nonce and there is no beacon: trust the commitment only.",
}

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def batch() -> None:
    """Show a batch, or verify its draw."""


@batch.command()
@click.argument("batch_id", metavar="ID")
@click.option("--leaves", type=click.Path(path_type=Path), help="Write the leaves to this file.")
@as_json
def show(*, batch_id: str, leaves: Path | None, as_json: bool) -> None:
    """Show what is fixed of a batch's draw, and its whole record once it is decided.

    With --json the record is what `verify --file` reads.
    """
    with application():
        found = get(Batch, parse_id(batch_id, Batch))
        status, name = found.status.value, found.name
        if queries.is_public(found):
            record = queries.public_record(found.id)
            facts = record.header
            if leaves is not None:
                _write_leaves(leaves, record.leaves)
        else:
            facts = queries.draw_so_far(found)
            if leaves is not None:
                raise Failed("The leaves are public once the batch is decided.")
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"{name}: {status}")
    for line in _lines(facts):
        click.echo(line)


@batch.command()
@click.argument("batch_id", metavar="[ID]", required=False)
@click.option("--file", "record", type=FILE, help="The record as JSON; needs --leaves.")
@click.option("--leaves", type=FILE, help="The leaves, 32 bytes each; needs --file.")
@as_json
def verify(
    *, batch_id: str | None, record: Path | None, leaves: Path | None, as_json: bool
) -> None:
    """Recompute a decided batch from its public record; end with 1 if a piece does not agree."""
    if (record is None) != (leaves is None) or (record is None) == (batch_id is None):
        raise click.UsageError("Give an ID, or both --file and --leaves.")
    if record is not None and leaves is not None:
        header = _read(record)
        checks = check_record(header, partial(_leaves_of, leaves))
    else:
        header, checks = _ask(batch_id or "")
    _report(header, checks, as_json=as_json)


def _ask(batch_id: str) -> tuple[Mapping[str, Any], list[Check]]:  # Any: JSON
    with application():
        public = queries.public_record(_id(batch_id))
        # Through JSON and back: what is checked is what anybody else would get.
        header = json.loads(json.dumps(public.header))
        return header, check_record(header, public.leaves)


def _report(
    header: Mapping[str, Any],  # Any: JSON
    checks: list[Check],
    *,
    as_json: bool,
) -> None:
    wrong = [check.piece for check in checks if not check.agrees]
    if as_json:
        pieces = [
            {"piece": check.piece, "agrees": check.agrees, "detail": check.detail}
            for check in checks
        ]
        answer = {"batch": header.get("batch"), "agrees": not wrong, "pieces": pieces}
        click.echo(json.dumps(answer, indent=2))
    else:
        for check in checks:
            mark = "agrees" if check.agrees else f"DOES NOT AGREE: {check.detail}"
            click.echo(f"{check.piece:<12}{mark}")
    if wrong:
        raise Failed(f"This record does not agree with itself: {', '.join(wrong)}.")
    say(TRUST.get(str(header.get("nonce_by")), "Nothing was drawn: this lot is unverified."))


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:  # Any: JSON
    names = ("batch", "quality_class", "population", "commitment", "root", "nonce", "nonce_by")
    for name in (*names, "seed", "drawn_at"):
        if facts.get(name) is not None:
            yield f"  {name:<14}{facts[name]}"
    if facts.get("plan"):
        looks = ", ".join(map(str, facts["plan"]["looks"]))
        yield f"  {'plan':<14}{facts['plan']['name']}, looks at {looks}"
    if facts.get("progress"):
        done = facts["progress"]
        yield f"  {'progress':<14}{done['checked']} of at most {done['most']} checked"
    if facts.get("quality"):
        found = facts["quality"]
        counts = f"{found['good']} good, {found['bad']} bad, {found['open']} open"
        yield f"  {'measured':<14}{counts} of {found['n']} called"
        if found["bad_upper"] is not None:
            bound = f"{found['bad_upper']:.2%} bad at {found['confidence']:.0%} confidence"
            yield f"  {'bound':<14}at most {bound}"


def _read(path: Path) -> Mapping[str, Any]:  # Any: JSON
    try:
        header = json.loads(path.read_text())
    except ValueError as error:
        raise Failed(f"{path} is not JSON ({error}).") from None
    if not isinstance(header, dict):
        raise Failed(f"{path} holds no record: a JSON object is expected.")
    return header


def _leaves_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from read_leaves(file)


def _write_leaves(path: Path, leaves: OpenLeaves) -> None:
    with path.open("wb") as file:
        for leaf in leaves():
            file.write(leaf)


def _id(text: str) -> UUID:
    return parse_id(text, Batch)
