"""Which leads an order takes, in what order: the rule is public and the same for every buyer.

The freshest request comes first, because a lead cools in hours; of requests of the same moment
the one that was taken in last. No buyer ranks before another: who asks first chooses first. Two
leads of one person never go into one order. Pure: what can be sold at all is asked elsewhere.

Who tries a listing gets leads at random instead: by the hash of a recorded seed and their ids, so
that neither side chose them and both can do it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

ORDER_LEADS_MAX: Final = 1_000
SEED_BYTES: Final = 16  # of a draw
TEST_LEADS: Final = 5  # who never bought from a listing may try it with so many


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead that could be sold, with the keyed hashes by which equal people meet."""

    lead_id: UUID
    requested_at: datetime
    person: frozenset[bytes]


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The freshest first; equal moments by the id, which sorts by the time of intake."""
    return sorted(candidates, key=lambda c: (c.requested_at, c.lead_id), reverse=True)


def pick(candidates: Iterable[Candidate], quantity: int) -> list[UUID]:
    """At most `quantity` leads of different people, freshest first."""
    return _of_different_people(in_order(candidates), quantity)


def ticket(seed: bytes, lead_id: UUID) -> bytes:
    """The place of a lead in the draw of a test purchase; the smallest are drawn."""
    return sha256(seed + lead_id.bytes).digest()


def draw(candidates: Iterable[Candidate], quantity: int, *, seed: bytes) -> list[UUID]:
    """At most `quantity` leads of different people, drawn by the seed."""
    shuffled = sorted(candidates, key=lambda c: ticket(seed, c.lead_id))
    return _of_different_people(shuffled, quantity)


def _of_different_people(candidates: Iterable[Candidate], quantity: int) -> list[UUID]:
    picked: list[UUID] = []
    people: set[bytes] = set()
    for candidate in candidates:
        if len(picked) == quantity:
            break
        if people.isdisjoint(candidate.person):
            picked.append(candidate.lead_id)
            people |= candidate.person
    return picked
