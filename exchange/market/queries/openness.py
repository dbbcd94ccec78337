"""Whose eyes and orders a listing is for: the seller's lists of buyers, and its term.

A buyer whom a listing is not open to does not see it and cannot buy from it; nobody but its seller
and staff ever sees a targeted one (decision 2).
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, or_

from exchange.core import clock, ids
from exchange.identity.models import Organization
from exchange.market.models import Listing, ListingMode

ENDS = Listing.__table__.c.expires_at
ONLY, NEVER = Listing.__table__.c.buyers_only, Listing.__table__.c.buyers_never


def open_to(viewer: UUID) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Listing: this buyer may see it; what state it is in is asked apart."""
    own = [ids.encode(Organization.PREFIX, viewer)]
    return (
        Listing.mode != ListingMode.TARGETED,
        or_(ENDS.is_(None), clock.now() < ENDS),
        or_(ONLY == [], ONLY.contains(own)),
        ~NEVER.contains(own),
    )


def is_open_to(listing: Listing, buyer: str) -> bool:
    """Whether the seller's lists let this buyer, by the public id, take part, and time does too.

    Says nothing of the mode: who sells to one contract asks for that contract himself.
    """
    listed = buyer in listing.buyers_only or not listing.buyers_only
    has_ended = listing.expires_at is not None and listing.expires_at <= clock.now()
    return listed and buyer not in listing.buyers_never and not has_ended


def may_see(listing: Listing, viewer: UUID) -> bool:
    """Whether this buyer may see it: `open_to` of one listing."""
    hidden = listing.mode is ListingMode.TARGETED
    return not hidden and is_open_to(listing, ids.encode(Organization.PREFIX, viewer))
