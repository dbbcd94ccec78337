"""`exchange auction`: recompute an auction from its public proof alone.

The proof comes from the instance that is asked, or from a file that anybody may have downloaded:
then no database is needed and nothing of the exchange is trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from exchange.cli.application import application
from exchange.cli.exits import Failed, say
from exchange.core.db import parse_id
from exchange.market import queries
from exchange.market.auction_models import Auction
from exchange.market.auction_proof import verify as problems_of

Proof = Mapping[str, Any]  # Any: JSON


@click.group()
def auction() -> None:
    """Verify an auction."""


@auction.command()
@click.argument("source", metavar="ID|FILE")
@click.option(
    "--seen",
    multiple=True,
    metavar="N:LINK",
    help="A link that you noted while the auction ran, such as that of your own bid.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(*, source: str, seen: tuple[str, ...], as_json: bool) -> None:
    """Recompute commitments, chain and result; end with 1 and name what does not agree."""
    proof = _ask(source) if source.startswith(f"{Auction.PREFIX}_") else _read(Path(source))
    problems = problems_of(proof, seen=dict(map(_noted, seen)))
    if as_json:
        click.echo(json.dumps({"agrees": not problems, "problems": problems}, indent=2))
    else:
        for line in problems or _lines(proof):
            click.echo(line)
    if problems:
        raise Failed("This proof does not agree with itself.")
    if proof["result"] is None:
        say("No bid is opened yet: only the chain of arrivals was checked.")


def _ask(auction_id: str) -> Proof:
    with application():
        found = queries.get_auction(parse_id(auction_id, Auction), viewer=None)
        # Through JSON and back: what is checked is what anybody else would get.
        proof: Proof = json.loads(json.dumps(queries.auction_proof(found)))
        return proof


def _read(path: Path) -> Proof:
    try:
        proof = json.loads(path.read_text())
    except OSError as error:
        raise Failed(f"{path} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise Failed(f"{path} is not JSON ({error}).") from None
    if not isinstance(proof, dict):
        raise Failed(f"{path} holds no proof: a JSON object is expected.")
    return proof


def _noted(text: str) -> tuple[int, str]:
    sequence, _, link = text.partition(":")
    if not sequence.isdecimal() or not link:
        raise click.UsageError("--seen takes the number and the link, such as 3:0f1e...")
    return int(sequence), link


def _lines(proof: Proof) -> list[str]:
    result = proof["result"] or {"status": "open", "allocations": []}
    return [
        f"{len(proof['entries'])} arrivals, {len(proof['openings'])} bids opened",
        *(_line(one) for one in result["allocations"]),
        f"{result['status']}: everything agrees",
    ]


def _line(one: Proof) -> str:
    return f"  bid {one['sequence']} of {one['bidder'][:10]} won {one['units']} at {one['price']}"
