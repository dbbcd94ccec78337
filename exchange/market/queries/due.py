"""Which listings wait for a job: what is out of step with its stock, its price or its term."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from exchange.core import clock
from exchange.core.db import db
from exchange.leads.models import Lead
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries.stock import offered

# On sale, or a word away from it.
ALIVE: Final = (ListingStatus.PUBLISHED, ListingStatus.PAUSED, ListingStatus.SOLD_OUT)


def draft_listings(organization_id: UUID) -> Sequence[UUID]:
    """What a seller has not put on sale yet, oldest first."""
    statement = select(Listing.id).where(
        Listing.organization_id == organization_id, Listing.status == ListingStatus.DRAFT
    )
    return db.session.scalars(statement.order_by(Listing.id)).all()


def listings_out_of_step(*, limit: int) -> Sequence[UUID]:
    """Listings that say "published" without stock, or "sold out" with some."""
    stocked = select(Lead.id).where(*offered()).correlate(Listing).exists()
    empty = (Listing.status == ListingStatus.PUBLISHED) & ~stocked
    refilled = (Listing.status == ListingStatus.SOLD_OUT) & stocked
    return db.session.scalars(
        select(Listing.id).where(empty | refilled).order_by(Listing.id).limit(limit)
    ).all()


def listings_to_reprice(*, limit: int) -> Sequence[UUID]:
    """Listings whose price has to fall by now."""
    return _due(Listing.reprices_at <= clock.now(), limit=limit)


def listings_to_expire(*, limit: int) -> Sequence[UUID]:
    """Listings whose term is over."""
    return _due(Listing.expires_at <= clock.now(), limit=limit)


def listings_to_warn_of(notice: timedelta, *, limit: int) -> Sequence[UUID]:
    """Listings whose term is over within the time of `notice`, and whose seller was not told."""
    untold = Listing.warned_of.is_distinct_from(Listing.expires_at)
    return _due((Listing.expires_at <= clock.now() + notice) & untold, limit=limit)


def _due(condition: ColumnElement[bool], *, limit: int) -> Sequence[UUID]:
    alive = Listing.status.in_(ALIVE)
    statement = select(Listing.id).where(condition, alive).order_by(Listing.id).limit(limit)
    return db.session.scalars(statement).all()
