"""What came on sale in a vertical lately, as contracts see it: a bounded sample for figures.

A lead comes on sale when its listing is published, or later, when it is posted into a lot that is
on sale. Where more came than can be looked at, every so many-th lead is taken, by its place over
all lots one after the other (a systematic sample): each stands for `step` of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Result, Row, cast, func, or_, select, true

from exchange.catalog.criteria import EVERYTHING, Criteria, from_json, matches, on_day
from exchange.catalog.fields import Value
from exchange.core import clock
from exchange.core.db import db, get
from exchange.identity import queries as identity
from exchange.identity.models import Organization
from exchange.leads.models import Batch, Lead, LeadStatus
from exchange.leads.queries import fields_of
from exchange.market.contract_terms import Terms
from exchange.market.filters import COUNT_MIN
from exchange.market.fitting import LeadFacts
from exchange.market.models import Listing, ListingMode
from exchange.market.open_values import Types, area, hidden_values, openly
from exchange.market.queries.meeting import facts_of
from exchange.market.queries.open_values import types_of
from exchange.market.queries.stock import Rows

SAMPLE_MAX: Final = 4_000  # leads that are looked at
LISTINGS_MAX: Final = 500  # the newest
MATCHED_MODES: Final = (ListingMode.FIXED, ListingMode.CONTRACTS)
Came = ColumnElement[datetime]
AnyRow = Row[*tuple[Any, ...]]  # Any: rows of several shapes


@dataclass(frozen=True, slots=True)
class Seen:
    """A lead that came on sale."""

    lead_id: UUID
    came_at: datetime
    sales_max: int
    facts: LeadFacts
    for_contracts: bool  # nobody can buy it but a standing order


@dataclass(frozen=True, slots=True)
class Supply:
    """What came on sale since a moment; each of `leads` stands for `step` of them."""

    leads: Sequence[Seen]
    step: int
    since: datetime
    first_at: datetime | None  # when anything of the vertical first came on sale
    types: Types  # of its attributes

    @property
    def count(self) -> int:
        """How many came on sale, about."""
        return len(self.leads) * self.step

    def asked_openly(self, terms: Terms) -> Terms:
        """Resolved terms as they may be asked of it: what few share is asked of nobody."""
        asked = hidden_values(terms.criteria, self.types)
        shared = {field: self._shared(field) & values for field, values in asked.items()}
        return replace(
            terms,
            criteria=openly(terms.criteria, types=self.types, shared=shared),
            postal_codes=tuple(dict.fromkeys(map(area, terms.postal_codes))),
        )

    def _shared(self, field: str) -> set[Value]:
        return _common(one.facts.attributes.get(field) for one in self.leads)


def supply(vertical_id: UUID, *, viewer: UUID, days: int, sample_max: int = SAMPLE_MAX) -> Supply:
    """What came on sale in the last `days` days that the viewer's contracts might have met."""
    since = clock.now() - timedelta(days=days)
    lots = _lots(vertical_id, viewer=viewer, since=since)
    rows_in_all = sum(row.rows for row in lots)
    step = max(1, -(-rows_in_all // sample_max))
    found = db.session.execute(_sampled(lots, step=step, since=since)).all() if lots else []
    seen, types = _by_area(_seen(found)), types_of(vertical_id)
    return Supply(seen, step, since, _first_at(vertical_id), types)


def _lots(vertical_id: UUID, *, viewer: UUID, since: datetime) -> Sequence[AnyRow]:
    """The newest listings that the viewer may be offered, with how many rows their lots have."""
    is_recent = or_(
        Listing.published_at >= since, Batch.sealed_at >= since, Batch.sealed_at.is_(None)
    )
    rows: Result[*tuple[Any, ...]] = db.session.execute(
        select(Listing, Batch.rows_done.label("rows"))
        .join(Batch, Batch.id == Listing.batch_id)
        .where(
            Listing.vertical_id == vertical_id,
            Listing.organization_id.not_in(identity.relatives(viewer)),
            Listing.mode.in_(MATCHED_MODES),
            Listing.published_at.is_not(None),
            is_recent,
        )
        .order_by(Listing.id.desc())
        .limit(LISTINGS_MAX)
    )
    me = get(Organization, viewer).public_id
    return [row for row in rows.all() if _is_open_to(row.Listing, me)]


def _is_open_to(listing: Listing, buyer: str) -> bool:
    is_named = not listing.buyers_only or buyer in listing.buyers_only
    return is_named and buyer not in listing.buyers_never


def _sampled(lots: Sequence[AnyRow], *, step: int, since: datetime) -> Rows:
    """Every `step`-th row over all lots one after the other, found by its number."""
    earlier = func.sum(Batch.rows_done).over(order_by=Listing.id)
    places = (
        select(
            Listing.id.label("listing_id"),
            Batch.id.label("batch_id"),
            Batch.rows_done.label("rows"),
            cast(earlier - Batch.rows_done, Integer).label("before"),
        )
        .join(Batch, Batch.id == Listing.batch_id)
        .where(Listing.id.in_([row.Listing.id for row in lots]))
        .subquery()
    )
    first = 1 + (step - places.c.before % step) % step
    numbers = func.generate_series(first, places.c.rows, step).table_valued("n").render_derived()
    came: Came = func.greatest(Lead.created_at, Listing.published_at)
    return (
        select(Lead, Listing, came.label("came_at"), Batch.schema_id)
        .select_from(places)
        .join(numbers, true())
        .join(Lead, (Lead.batch_id == places.c.batch_id) & (Lead.row_number == numbers.c.n))
        .join(Listing, Listing.id == places.c.listing_id)
        .join(Batch, Batch.id == places.c.batch_id)
        .where(Lead.status == LeadStatus.VALID, Lead.in_frame, came >= since)
    )


def _seen(rows: Sequence[AnyRow]) -> list[Seen]:
    """The leads, each once: beside filters over a lot the cheapest listing counts."""
    filters = _filters(rows)
    found: dict[UUID, Seen] = {}
    for row in rows:
        lead, listing = row.Lead, row.Listing
        former = found.get(lead.id)
        if former is not None and former.facts.price_min <= listing.price.amount:
            continue
        if matches(filters[listing.id], lead.attributes):
            facts = facts_of(lead, listing)
            is_theirs = listing.mode is ListingMode.CONTRACTS
            found[lead.id] = Seen(lead.id, row.came_at, lead.sales_max, facts, is_theirs)
    return list(found.values())


def _by_area(leads: Sequence[Seen]) -> list[Seen]:
    """Of where people live only the area is known, and only one in which five of them do."""
    areas = _common(area(one.facts.postal_code) for one in leads)

    def place(one: Seen) -> str:
        found = area(one.facts.postal_code)
        return found if found in areas else ""

    return [replace(one, facts=replace(one.facts, postal_code=place(one))) for one in leads]


def _common(values: Iterable[Any]) -> set[Any]:  # Any: JSON values
    """Those that five leads share that were looked at, however many they stand for."""
    return {value for value, n in Counter(values).items() if n >= COUNT_MIN}


def _filters(rows: Sequence[AnyRow]) -> Mapping[UUID, Criteria]:
    """What each listing takes of its lot."""
    today = clock.now().date()
    narrowed = {row.Listing.id: row for row in rows if row.Listing.criteria}
    read = {
        listing_id: on_day(from_json(row.Listing.criteria, fields_of(row.schema_id)), today)
        for listing_id, row in narrowed.items()
    }
    return {row.Listing.id: read.get(row.Listing.id, EVERYTHING) for row in rows}


def _first_at(vertical_id: UUID) -> datetime | None:
    return db.session.scalar(
        select(func.min(Listing.published_at)).where(
            Listing.vertical_id == vertical_id, Listing.mode.in_(MATCHED_MODES)
        )
    )
