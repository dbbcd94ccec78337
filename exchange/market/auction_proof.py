"""The proof of an auction: what was promised, what arrived, what was opened, and who won. Pure.

Every arrival is an entry of a chain that begins with the hash of the terms; the entry of a bid
carries a commitment, the hash of what is sealed. Whoever saw one link of the chain sees whether
anything before it was changed, added or left out. After the close the bids that stood are opened,
and the rule of `auctioning` gives the result again. Bids that were changed or withdrawn stay
sealed for ever: they decide nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from exchange.market.auctioning import Allocation, OpenBid, award

FORMAT: Final = "exchange.auction/1"
SEPARATOR: Final = "\x1f"
Json = Mapping[str, Any]  # Any: JSON, of which `_read` takes nothing on trust


class EntryKind(StrEnum):
    BID = "bid"
    WITHDRAWAL = "withdrawal"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Entry:
    """One arrival. What a bid commits to; of the close the facts that the award depended on."""

    sequence: int
    kind: EntryKind
    bidder: str  # a pseudonym of this auction; empty: the exchange
    at: str  # RFC 3339, UTC, with microseconds
    commitment: str  # hex; empty: nothing is committed to
    link: str  # hex


@dataclass(frozen=True, slots=True)
class _Proof:
    terms: Json
    auction: str
    opens_at: datetime
    closes_at: datetime
    floor: int
    units: int
    entries: tuple[Entry, ...]
    facts: Json  # at the close
    openings: tuple[tuple[OpenBid, str], ...]  # with the nonce; the bidder is of the entry
    result: Json | None

    @property
    def is_closed(self) -> bool:
        return any(entry.kind is EntryKind.CLOSE for entry in self.entries)

    @property
    def by_sequence(self) -> dict[int, Entry]:
        return {entry.sequence: entry for entry in self.entries}


def instant(moment: datetime) -> str:
    """A moment as the chain writes it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def genesis(terms: Json) -> str:
    """The link before the first arrival: the hash of the terms."""
    return _hash("exchange.auction.terms", _canonical(terms))


def commit(auction: str, bid: OpenBid, *, nonce: str) -> str:
    """What is published of a bid when it arrives. Without the nonce (hex) it tells nothing."""
    numbers = (str(bid.amount), str(bid.units), str(bid.sequence))
    return _hash("exchange.auction.bid", auction, *numbers, bid.bidder, nonce)


def commit_facts(facts: Json) -> str:
    """What the entry of the close says of the facts that the award depended on."""
    return _hash("exchange.auction.facts", _canonical(facts))


def link(before: str, entry: Entry) -> str:
    """The hash of an entry onto the one before; its own `link` is not read."""
    written = (str(entry.sequence), entry.kind, entry.bidder, entry.at, entry.commitment)
    return _hash("exchange.auction.link", before, *written)


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """The bids that count: the last word of each bidder, unless it was a withdrawal."""
    last = {entry.bidder: entry for entry in entries if entry.kind is not EntryKind.CLOSE}
    return [entry for entry in last.values() if entry.kind is EntryKind.BID]


def verify(proof: Json, *, seen: Mapping[int, str] | None = None) -> list[str]:
    """What is wrong with a proof, one sentence for each problem; nothing where all agrees.

    `seen` are links that somebody noted while the auction ran, by sequence.
    """
    try:
        return list(_problems(_read(proof), seen or {}))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"this is no proof of an auction: {type(error).__name__} {error}"]


def _problems(proof: _Proof, seen: Mapping[int, str]) -> Iterator[str]:
    yield from _chain_problems(proof)
    yield from _arrival_problems(proof)
    yield from _seen(proof, seen)
    if proof.is_closed:
        yield from _opening_problems(proof)
        yield from _facts_problems(proof)
        yield from _result_problems(proof)
    elif proof.openings or proof.result is not None:
        yield "bids were opened before the close"


def _chain_problems(proof: _Proof) -> Iterator[str]:
    before = genesis(proof.terms)
    for place, entry in enumerate(proof.entries, start=1):
        if entry.sequence != place:
            yield f"entry {place} is missing or out of its order: {entry.sequence} stands there"
        if entry.link != link(before, entry):
            yield f"entry {entry.sequence} was altered: its link does not follow"
        before = entry.link


def _arrival_problems(proof: _Proof) -> Iterator[str]:
    for entry in proof.entries:
        at = _moment(entry.at)
        if entry.kind is EntryKind.CLOSE:
            if at < proof.closes_at:
                yield f"entry {entry.sequence} closes the auction before its time"
        elif not proof.opens_at <= at < proof.closes_at:
            yield f"{entry.kind} {entry.sequence} arrived while the auction was not open"
    for entry, after in pairwise(proof.entries):
        if entry.kind is EntryKind.CLOSE:
            yield f"entry {after.sequence} was added after the close"


def _seen(proof: _Proof, seen: Mapping[int, str]) -> Iterator[str]:
    for sequence, noted in seen.items():
        entry = proof.by_sequence.get(sequence)
        if entry is None:
            yield f"entry {sequence} was seen while the auction ran and is missing"
        elif entry.link != noted:
            yield f"entry {sequence} or one before it is not what was seen while the auction ran"


def _opening_problems(proof: _Proof) -> Iterator[str]:
    expected = {entry.sequence: entry for entry in standing(proof.entries)}
    opened = [bid.sequence for bid, _ in proof.openings]
    for sequence in sorted(set(expected) - set(opened)):
        yield f"bid {sequence} is missing among the opened bids"
    for bid, nonce in proof.openings:
        entry = expected.get(bid.sequence)
        if entry is None or opened.count(bid.sequence) > 1:
            yield f"bid {bid.sequence} was added: no such bid stood at the close"
        elif entry.commitment != commit(proof.auction, bid, nonce=nonce):
            yield f"bid {bid.sequence} was altered: it is not what was committed to"


def _facts_problems(proof: _Proof) -> Iterator[str]:
    for entry in proof.entries:
        if entry.kind is EntryKind.CLOSE and entry.commitment != commit_facts(proof.facts):
            yield "the facts of the close were altered: they are not what was committed to"
    if not 0 <= proof.facts["offered"] <= proof.units:
        yield "more leads were offered than the terms say"


def _result_problems(proof: _Proof) -> Iterator[str]:
    if proof.result is None:
        yield "the result is missing"
        return
    limits: Mapping[str, int] = proof.facts["limits"]
    due = award(
        [bid for bid, _ in proof.openings],
        units=proof.facts["offered"],
        floor=proof.floor,
        serve=lambda bid, units: min(units, limits.get(bid.bidder, units)),
    )
    stated = list(proof.result["allocations"])
    wanted = [allocation_json(one) for one in due]
    for one in stated:
        if one not in wanted or stated.count(one) > 1:
            yield f"bid {one['sequence']} did not win {one['units']} leads at {one['price']}"
    for one in wanted:
        if one not in stated:
            yield f"bid {one['sequence']} won {one['units']} leads at {one['price']}"
    if proof.result["status"] != ("awarded" if due else "void"):
        yield f"the auction is not {proof.result['status']}"


def allocation_json(one: Allocation) -> dict[str, Any]:  # Any: JSON
    """An allocation as the proof writes it."""
    return {
        "sequence": one.sequence, "bidder": one.bidder, "units": one.units, "price": one.price,
    }  # fmt: skip


def _read(proof: Json) -> _Proof:
    """Raises KeyError, TypeError, ValueError or AttributeError for anything but a proof."""
    if proof["format"] != FORMAT:
        raise ValueError("unknown format")
    terms, facts = proof["terms"], proof["facts"] or {"offered": 0, "limits": {}}
    entries = tuple(_entry(one) for one in proof["entries"])
    bidders = {entry.sequence: entry.bidder for entry in entries}
    _whole(facts["offered"], *facts["limits"].values(), terms["floor"], terms["units"])
    return _Proof(
        terms=terms,
        auction=str(terms["auction"]),
        opens_at=_moment(terms["opens_at"]),
        closes_at=_moment(terms["closes_at"]),
        floor=terms["floor"],
        units=terms["units"],
        entries=entries,
        facts=facts,
        openings=tuple(_opening(one, bidders) for one in proof["openings"]),
        result=proof["result"],
    )


def _entry(one: Json) -> Entry:
    _whole(one["sequence"])
    texts = {name: one[name] for name in ("bidder", "at", "commitment", "link")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("an entry is of texts")
    return Entry(sequence=one["sequence"], kind=EntryKind(one["kind"]), **texts)


def _opening(one: Json, bidders: Mapping[int, str]) -> tuple[OpenBid, str]:
    _whole(one["sequence"], one["amount"], one["units"])
    bidder = bidders.get(one["sequence"], "")
    return OpenBid(one["sequence"], bidder, one["amount"], one["units"]), str(one["nonce"])


def _whole(*values: Any) -> None:  # Any: whatever a file holds
    if any(type(value) is not int for value in values):
        raise TypeError("a number is whole")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment has its zone")
    return moment


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _hash(*parts: str) -> str:
    return sha256(SEPARATOR.join(parts).encode()).hexdigest()
