"""The buyers of a seller, who knows them by a pseudonym and a country alone (decision 1).

A pseudonym is a keyed hash of the two: the same buyer is somebody else to every seller, and
nobody can tell from it who the buyer is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from exchange.core import ids
from exchange.core.db import db
from exchange.core.keys import keyring
from exchange.identity.models import Organization
from exchange.market.models import LineStatus, OrderLine

PREFIX: Final = "buyer"
BYTES: Final = 5  # eight letters: 2^40 of them, for the few hundred buyers of one seller


@dataclass(frozen=True, slots=True)
class KnownBuyer:
    """A buyer as one seller knows them."""

    pseudonym: str
    country: str
    leads: int  # bought from this seller
    last_at: datetime
    public_id: str  # of the organization; never shown to the seller


def pseudonym(*, seller_id: UUID, buyer_id: UUID) -> str:
    """By what this seller knows this buyer, always."""
    digest = keyring().blind_index("market.pseudonym", f"{seller_id}|{buyer_id}")
    number, letters = int.from_bytes(digest[:BYTES], "big"), ""
    while len(letters) < BYTES * 8 // 5:
        number, place = divmod(number, 32)
        letters += ids.ALPHABET[place]
    return f"{PREFIX}_{letters}"


def buyers_of(seller_id: UUID) -> Sequence[KnownBuyer]:
    """Everybody who bought from the seller, who bought last first."""
    rows = db.session.execute(
        select(
            Organization.id,
            Organization.country,
            func.count().label("leads"),
            func.max(OrderLine.created_at).label("last_at"),
        )
        .join(Organization, Organization.id == OrderLine.buyer_id)
        .where(OrderLine.seller_id == seller_id, OrderLine.status != LineStatus.RELEASED)
        .group_by(Organization.id)
        .order_by(func.max(OrderLine.created_at).desc(), Organization.id)
    )
    return [
        KnownBuyer(
            pseudonym=pseudonym(seller_id=seller_id, buyer_id=row.id),
            country=row.country,
            leads=row.leads,
            last_at=row.last_at,
            public_id=ids.encode(Organization.PREFIX, row.id),
        )
        for row in rows
    ]


def pseudonyms_of(public_ids: Collection[str], *, seller_id: UUID) -> list[str]:
    """What the seller calls the organizations that a listing names."""
    found = (ids.decode(Organization.PREFIX, text) for text in public_ids)
    return [pseudonym(seller_id=seller_id, buyer_id=one) for one in found if one]
