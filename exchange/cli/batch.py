"""`exchange batch`: show a batch's draw, and recompute it from the public record alone.

The record, the leaves and the map of sources come from the instance that is asked, or from files
that anybody may have downloaded: then no database is needed and nothing of the exchange is trusted.
A single lead is proved by the record and its path alone.
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
from exchange.leads.models import Batch, Lead
from exchange.leads.seal import read_leaves
from exchange.verification import queries
from exchange.verification.records import Check, OpenLeaves, check_lead, check_record

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
@click.option("--sources", type=click.Path(path_type=Path), help="Write the map of sources to it.")
@as_json
def show(*, batch_id: str, leaves: Path | None, sources: Path | None, as_json: bool) -> None:
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
            if sources is not None:
                sources.write_bytes(record.source_map() or b"")
        else:
            facts = queries.draw_so_far(found)
            if leaves is not None or sources is not None:
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
@click.option("--sources", type=FILE, help="The map of sources, a byte to each leaf.")
@click.option("--lead", "lead_id", metavar="LEAD", help="Prove this lead of the batch too.")
@click.option("--proof", type=FILE, help="What `prove` printed of a lead; needs --file alone.")
@as_json
def verify(
    *,
    batch_id: str | None,
    record: Path | None,
    leaves: Path | None,
    sources: Path | None,
    lead_id: str | None,
    proof: Path | None,
    as_json: bool,
) -> None:
    """Recompute a decided batch from its public record; end with 1 if a piece does not agree.

    With --file and --proof one lead is proved, without the other leaves.
    """
    if (record is None) == (batch_id is None):
        raise click.UsageError("Give an ID, or --file with --leaves or --proof.")
    if record is None:
        if leaves or sources or proof:
            raise click.UsageError("--leaves, --sources and --proof need --file.")
        header, checks = _ask(batch_id or "", lead_id=lead_id)
    else:
        if (leaves is None and proof is None) or lead_id is not None:
            raise click.UsageError("--file needs --leaves, or --proof for one lead.")
        header = _read(record)
        checks = _checks_of(header, leaves=leaves, sources=sources, proof=proof)
    _report(header, checks, as_json=as_json)


@batch.command()
@click.argument("batch_id", metavar="ID")
@click.option("--lead", "lead_id", metavar="LEAD", help="The lead to be proved.")
@click.option("--leaf", type=click.IntRange(min=0), help="Or its place among the leaves, from 0.")
def prove(*, batch_id: str, lead_id: str | None, leaf: int | None) -> None:
    """Print the path of one lead to its batch's root as JSON, which `verify --proof` reads."""
    if (lead_id is None) == (leaf is None):
        raise click.UsageError("Give --lead or --leaf.")
    with application():
        found = get(Batch, _id(batch_id))
        if not queries.is_public(found):
            raise Failed("The leaves are public once the batch is decided.")
        proof = _proof(found, lead_id) if lead_id else queries.leaf_proof(found, index=leaf or 0)
    click.echo(json.dumps(proof, indent=2))


def _proof(batch: Batch, lead_id: str) -> Mapping[str, Any]:  # Any: JSON
    return queries.lead_proof(batch, lead_id=parse_id(lead_id, Lead))


def _ask(batch_id: str, *, lead_id: str | None) -> tuple[Mapping[str, Any], list[Check]]:
    with application():
        public = queries.public_record(_id(batch_id))
        # Through JSON and back: what is checked is what anybody else would get.
        header = json.loads(json.dumps(public.header))
        checks = check_record(header, public.leaves, source_map=public.source_map())
        if lead_id is not None:
            checks.append(check_lead(header, _proof(get(Batch, _id(batch_id)), lead_id)))
        return header, checks


def _checks_of(
    header: Mapping[str, Any],  # Any: JSON
    *,
    leaves: Path | None,
    sources: Path | None,
    proof: Path | None,
) -> list[Check]:
    checks = []
    if leaves is not None:
        numbers = sources.read_bytes() if sources else None
        checks += check_record(header, partial(_leaves_of, leaves), source_map=numbers)
    if proof is not None:
        checks.append(check_lead(header, _read(proof)))
    return checks


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
    names = ("batch", "quality_class", "population", "commitment", "root", "source_map", "nonce")
    for name in (*names, "nonce_by", "seed", "drawn_at"):
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
    for source in facts.get("sources") or ():
        found = f"{source['status']}, {source['bad']} bad of {source['n']} called"
        yield f"  {'source ' + str(source['number']):<14}{found} ({source['population']} leads)"


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
