"""Turns and gates: who waits for whom at a listing, before any row is locked.

Buyers go through a listing's gate side by side; whoever changes the listing closes it first, waits
until those inside are done, and is not overtaken by those who come later. A shared row lock would
let a stream of buyers keep the seller out for ever.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, func, literal, select

from exchange.core.db import db, lock
from exchange.market.models import Listing

# The first halves of advisory locks; the second is the buyer or the listing. Two that share a
# number wait for each other now and then, and nothing worse.
TURN: Final = 7_015_503
GATE: Final = 7_015_504


def enter(*, buyer_id: UUID, listing_id: UUID) -> None:
    """Wait for the buyer's turn and go through the listing's gate, until the unit of work ends.

    The buyer's orders come one after the other, so that each knows what the last one took; the
    listing stays as it is.
    """
    db.session.execute(
        select(
            func.pg_advisory_xact_lock(TURN, _number(buyer_id)),
            func.pg_advisory_xact_lock_shared(GATE, _number(listing_id)),
        )
    )


def enter_with_all(buyer_ids: Collection[UUID], *, listing_id: UUID) -> None:
    """The same for many buyers at once, their turns in one order: two rounds cannot cross."""
    numbers = literal(sorted({_number(buyer_id) for buyer_id in buyer_ids}), ARRAY(Integer))
    each = func.unnest(numbers).column_valued("number")
    db.session.execute(select(func.pg_advisory_xact_lock(TURN, each)))
    db.session.execute(select(func.pg_advisory_xact_lock_shared(GATE, _number(listing_id))))


def close(listing_id: UUID) -> Listing:
    """The listing, locked to be changed: nobody is buying from it now. Raises NotFound."""
    db.session.execute(select(func.pg_advisory_xact_lock(GATE, _number(listing_id))))
    return lock(Listing, listing_id)


def _number(value: UUID) -> int:
    return int.from_bytes(value.bytes[-4:], "big", signed=True)
