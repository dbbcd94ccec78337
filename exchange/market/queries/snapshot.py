"""Reading the market into sets: what changed since the snapshot before, and nothing else.

One pass over the index of what can be sold tells which lots changed; only these are read again.
What leads are like never changes once they are written, so it is read once and kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    cast,
    extract,
    func,
    or_,
    select,
)

from exchange.catalog.fields import LeadFields
from exchange.core import bits, clock
from exchange.core.db import db
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Batch, Lead
from exchange.leads.queries import fields_of
from exchange.leads.rights import ConsentBuyer
from exchange.leads.temperature import AGAIN, REACHED
from exchange.market.cube import Cube, Mark, Snapshot
from exchange.market.filters import CONSENT, EMAIL
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.queries.narrowed import grades_of_sellers, has_consent, has_email
from exchange.market.queries.stock import ATTRIBUTES, Rows, in_list, offered, sellable, stocks
from exchange.market.segments import (
    Form,
    Places,
    Segment,
    Sliced,
    attribute,
    columns_to_sets,
    form_of,
    slice_column,
)
from exchange.market.shelves import (
    NAMED,
    REQUESTED,
    Goods,
    ListingFacts,
    Stand,
    Warm,
    shelf_of,
)
from exchange.verification.reputation import Grade

LEADS_MIN: Final = 5_000  # on sale; below, the database counts fast enough by itself
LISTINGS_AT_ONCE: Final = 50
Listed = Row[*tuple[Any, ...]]  # Any: columns of a listing and its lot
Columns = Mapping[str, Sequence[str | None]]


def read_market(former: Snapshot | None, *, leads_min: int = LEADS_MIN) -> Snapshot | None:
    """The market as it is now; None where fewer leads are on sale.

    Everything that was committed before `counted_at` is in it.
    """
    now = clock.after_lock()
    rows, marks = _listings(), _marks()
    lots = {row.batch_id for row in rows} & marks.keys()
    if sum(marks[batch_id][0] for batch_id in lots) < leads_min:
        return None
    before = former or Snapshot(Cube(now, {}), {}, {})
    wanted = {row.id: (marks.get(row.batch_id), row.terms_version, row.rows_done) for row in rows}
    kept = {
        stand.facts.id: stand.goods
        for shelf in before.cube.shelves.values()
        for stand in shelf.stands
        if before.marks[stand.facts.id] == wanted.get(stand.facts.id)
    }
    changed = [row for row in rows if row.id not in kept and row.batch_id in marks]
    segments = _segments(rows, before.segments)
    goods = {**kept, **_goods(changed, segments, now=now)}
    shelves = {
        vertical_id: shelf_of(stands, now=now, former=before.cube.shelves.get(vertical_id))
        for vertical_id, stands in _stands(rows, goods, segments).items()
    }
    return Snapshot(Cube(now, shelves), wanted, segments)


def _listings() -> Sequence[Listed]:
    """What anybody may see, in the order in which it came on sale."""
    table = Listing.__table__.c
    statement = (
        select(
            *(Listing.id, Listing.batch_id, Listing.vertical_id, Listing.organization_id),
            *(Listing.quality_class, Listing.bad_upper, Listing.terms_version, Listing.is_aged),
            *(Listing.published_at, Listing.expires_at, Listing.buyers_only, Listing.buyers_never),
            table.price_amount,
            *(Batch.schema_id, Batch.rows_done),
        )
        .join(Batch, Batch.id == Listing.batch_id)
        .join(Organization, Organization.id == Listing.organization_id)
        .where(
            Listing.status == ListingStatus.PUBLISHED,
            Listing.mode != ListingMode.TARGETED,
            Organization.status == OrganizationStatus.APPROVED,
        )
        .order_by(Listing.id)
    )
    return db.session.execute(statement).all()


def _marks() -> dict[UUID, Mark]:
    """By lot, figures over its leads that can be sold: read from the index alone.

    One that is sold and one that comes back are another sum of hashes. They differ also when a
    shared one is sold once more, when somebody is called, and when somebody asks again.
    """
    statement = (
        select(
            Lead.batch_id,
            *(func.count(), func.sum(func.uuid_hash(Lead.id)), func.sum(Lead.sold)),
            *(func.count(Lead.checked_at), func.max(Lead.checked_at)),
            *(func.sum(Lead.asks), func.max(Lead.last_asked_at)),
        )
        .where(*sellable())
        .group_by(Lead.batch_id)
    )
    return {row[0]: tuple(row[1:]) for row in db.session.execute(statement)}


def _stands(
    rows: Sequence[Listed],
    goods: Mapping[UUID, Goods],
    segments: Mapping[UUID, tuple[int, Segment]],
) -> Mapping[UUID, list[Stand]]:
    """By vertical, the listings that have something to sell."""
    grades = grades_of_sellers()
    stands: defaultdict[UUID, list[Stand]] = defaultdict(list)
    for row in rows:
        if row.id in goods:
            facts = _facts(row, grades.get(row.organization_id, Grade.NEW))
            stand = Stand(facts, goods[row.id], segments[row.batch_id][1])
            stands[row.vertical_id].append(stand)
    return stands


def _facts(row: Listed, grade: Grade) -> ListingFacts:
    return ListingFacts(
        id=row.id,
        batch_id=row.batch_id,
        vertical_id=row.vertical_id,
        seller_id=row.organization_id,
        grade=grade,
        quality_class=row.quality_class,
        price=row.price_amount,
        is_aged=row.is_aged,
        bad_upper=row.bad_upper,
        published_at=row.published_at,
        expires_at=row.expires_at,
        buyers_only=frozenset(row.buyers_only),
        buyers_never=frozenset(row.buyers_never),
    )


def _goods(
    rows: Sequence[Listed], segments: Mapping[UUID, tuple[int, Segment]], *, now: datetime
) -> dict[UUID, Goods]:
    found: dict[UUID, Goods] = {}
    for start in range(0, len(rows), LISTINGS_AT_ONCE):
        some = rows[start : start + LISTINGS_AT_ONCE]
        sizes = {row.id: segments[row.batch_id][1].size for row in some}
        found |= _goods_of(sizes, now=now)
    return found


def _goods_of(sizes: Mapping[UUID, int], *, now: datetime) -> dict[UUID, Goods]:
    listings = db.session.scalars(select(Listing).where(in_list(Listing.id, sizes.keys()))).all()
    stock, warm = stocks(listings), _warm(sizes.keys(), now=now)
    place = Lead.row_number - 1
    statement = _offered(
        select(
            Listing.id,
            func.array_agg(place).label("live"),
            func.array_agg(place).filter(Lead.checked_at.is_not(None)).label("checked"),
            func.min(Lead.kind).label("kind"),
            func.max(Lead.sales_max).label("sales_max"),
        ),
        sizes.keys(),
    )
    return {
        row.id: Goods(
            live=bits.of(row.live, size=sizes[row.id]),
            leads=stock[row.id].leads,
            sold=stock[row.id].sold,
            kind=row.kind,
            sales_max=row.sales_max,
            checked=bits.of(row.checked or (), size=sizes[row.id]),
            warm=tuple(warm[row.id]),
        )
        for row in db.session.execute(statement.group_by(Listing.id))
    }


def _offered(statement: Rows, listing_ids: Collection[UUID]) -> Rows:
    """Leads that these listings can sell."""
    return (
        statement.select_from(Listing)
        .join(Lead, and_(*offered()))
        .where(in_list(Listing.id, listing_ids))
    )


def _warm(listing_ids: Collection[UUID], *, now: datetime) -> Mapping[UUID, list[Warm]]:
    """Whose warmth comes from more than their age, and is not over."""
    asked_at = func.greatest(Lead.requested_at, Lead.last_asked_at)
    asked_again = and_(Lead.asks > 1, asked_at > now - AGAIN)
    statement = _offered(
        select(
            *(Listing.id, (Lead.row_number - 1).label("place"), Lead.requested_at),
            *(Lead.asks, Lead.last_asked_at, Lead.checked_at),
        ),
        listing_ids,
    ).where(or_(Lead.checked_at > now - REACHED, asked_again))
    found: defaultdict[UUID, list[Warm]] = defaultdict(list)
    for row in db.session.execute(statement):
        found[row.id].append(Warm(*row[1:]))
    return found


def _segments(
    rows: Sequence[Listed], former: Mapping[UUID, tuple[int, Segment]]
) -> dict[UUID, tuple[int, Segment]]:
    """The segment of each lot, read where there is none yet or the lot grew."""
    lots = {row.batch_id: row for row in rows}
    stale = [
        batch_id
        for batch_id, row in lots.items()
        if batch_id not in former or former[batch_id][0] != row.rows_done
    ]
    named = _named(stale)
    fresh = {
        batch_id: (lots[batch_id].rows_done, _read(lots[batch_id], named[batch_id]))
        for batch_id in stale
    }
    return {batch_id: fresh.get(batch_id) or former[batch_id] for batch_id in lots}


def _named(batch_ids: Collection[UUID]) -> Mapping[UUID, dict[str, list[int]]]:
    """By lot and name, the places of leads whose consent names a buyer so."""
    statement = (
        select(Lead.batch_id, Lead.row_number - 1, ConsentBuyer.name)
        .join(ConsentBuyer, ConsentBuyer.lead_id == Lead.id)
        .where(in_list(Lead.batch_id, batch_ids))
    )
    found: defaultdict[UUID, dict[str, list[int]]] = defaultdict(dict)
    for batch_id, place, name in db.session.execute(statement) if batch_ids else ():
        found[batch_id].setdefault(name, []).append(place)
    return found


def _read(lot: Listed, named: Mapping[str, Sequence[int]]) -> Segment:
    fields = fields_of(lot.schema_id)
    row = db.session.execute(_columns(lot.batch_id, fields)).one()
    columns = _by_place(row._asdict())
    size = len(columns["region"])
    has = {
        name: bits.of((n for n, is_so in enumerate(columns[name]) if is_so), size=size)
        for name in (EMAIL, CONSENT)
    }
    names = {name: bits.of(places, size=size) for name, places in named.items()}
    sets: dict[str, Places] = {"region": bits.by_value(columns["region"]), "has": has, NAMED: names}
    numbers = {REQUESTED: slice_column(columns["requested_at"], form=Form.MOMENT)}
    for spec in fields.attributes:
        name = attribute(spec.name)
        found = columns_to_sets(form_of(spec), columns[name])
        if isinstance(found, Sliced):
            numbers[spec.name, form_of(spec)] = found
        else:
            sets[name] = found
        filled = (place for place, value in enumerate(columns[name]) if value is not None)
        has[spec.name] = bits.of(filled, size=size)
    return Segment(size, sets, numbers)


def _columns(batch_id: UUID, fields: LeadFields) -> Select[*tuple[Any, ...]]:
    """One row with a list for each column of a lot's leads, in the order of their numbers."""
    microseconds = cast(extract("epoch", Lead.requested_at) * 1_000_000, BigInteger)
    columns: list[ColumnElement[Any]] = [
        Lead.row_number.label("row_number"),
        Lead.region.label("region"),
        microseconds.label("requested_at"),
        has_email().label(EMAIL),
        has_consent().label(CONSENT),
        *(ATTRIBUTES[spec.name].astext.label(attribute(spec.name)) for spec in fields.attributes),
    ]
    leads = select(*columns).where(Lead.batch_id == batch_id).order_by(Lead.row_number).subquery()
    return select(*(func.array_agg(column).label(column.name) for column in leads.c))


def _by_place(lists: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The columns by place; a row of the file that is no lead leaves its place empty."""
    numbers: list[int] = lists["row_number"]
    size = numbers[-1]
    if size == len(numbers):
        return dict(lists)
    found = {}
    for name, column in lists.items():
        found[name] = [None] * size
        for number, value in zip(numbers, column, strict=True):
            found[name][number - 1] = value
    return found
