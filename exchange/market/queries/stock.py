"""What can be bought of a listing: the one answer on which search, orders and figures agree.

A listing offers what of its lot fits its criteria; an aged one the leads that were listed a second
time, every other one the rest. A lead is for sale while it is valid, lies under the lot's root (so
that the measured quality is about it), has a slot left, and its person is not suppressed. To one
buyer no lead is sold twice, and no person twice inside the vertical's duplicate window.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    LargeBinary,
    Row,
    Select,
    Uuid,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONPATH

from exchange.catalog.criteria import EVERYTHING, Criteria, to_sql
from exchange.catalog.jsonpaths import ALWAYS
from exchange.core.db import db, get
from exchange.identity.models import Organization
from exchange.leads import people
from exchange.leads.models import Contact, Lead, LeadStatus
from exchange.leads.naming import names_of
from exchange.market import matching
from exchange.market.models import LineStatus, Listing, OrderLine

Rows = Select[*tuple[Any, ...]]  # Any: rows of many shapes
ATTRIBUTES: Final = Lead.__table__.c.attributes
IN_FRAME: Final = Lead.__table__.c.in_frame


@dataclass(frozen=True, slots=True)
class Goods:
    """What of a lot a listing is about."""

    batch_id: UUID
    path: str = ALWAYS  # its criteria over the attributes
    is_aged: bool = False

    @classmethod
    def of(cls, listing: Listing) -> Self:
        """What this listing offers, as long as its terms stay."""
        return cls(listing.batch_id, listing.criteria_path, listing.is_aged)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a buyer asks for of a listing."""

    goods: Goods
    vertical_id: UUID
    buyer_id: UUID
    known_since: datetime  # people whom the buyer bought since then are not sold to them again
    criteria: Criteria = EVERYTHING
    lead_ids: tuple[UUID, ...] | None = None  # these and no others
    named_only: bool = False  # the vertical sells only to buyers whom the consent names
    seed: bytes | None = None  # of a test purchase: the leads are drawn by it

    @property
    def is_narrowed(self) -> bool:
        """Whether attributes were asked for."""
        return self.criteria != EVERYTHING


@dataclass(frozen=True, slots=True)
class Stock:
    """How much of a listing is sold and left, counted in sales."""

    leads: int  # of the lot, as far as the listing is about them
    sold: int
    left: int  # leads that can still be bought


def sellable() -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead, in the words of its index of what can be bought."""
    valid = literal(LeadStatus.VALID, Lead.status.type, literal_execute=True)
    return (Lead.status == valid, IN_FRAME, Lead.sold < Lead.sales_max)


def on_sale(goods: Goods) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead: what of this can still be bought, by whomever."""
    aged = Lead.aged_at.is_not(None) if goods.is_aged else Lead.aged_at.is_(None)
    narrowed = () if goods.path == ALWAYS else (_meets(literal(goods.path)),)
    return (Lead.batch_id == goods.batch_id, aged, *sellable(), *narrowed)


def belongs() -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead beside Listing in one statement: what each listing was ever about."""
    path = Listing.__table__.c.criteria_path
    again = or_(~Listing.is_aged, Lead.aged_at.is_not(None))
    return (Lead.batch_id == Listing.batch_id, again, or_(path == ALWAYS, _meets(path)))


def offered() -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead beside Listing in one statement: what each listing can still sell."""
    return (*belongs(), *sellable(), Lead.aged_at.is_not(None) == Listing.is_aged)


def _meets(path: ColumnElement[str]) -> ColumnElement[bool]:
    met: ColumnElement[bool] = ATTRIBUTES.path_match(cast(path, JSONPATH))
    return met


def in_list(column: Any, values: Collection[UUID]) -> ColumnElement[bool]:  # Any: a column of ids
    """The column is among the values, sent as one array however many there are."""
    found: ColumnElement[bool] = column == any_(literal(list(values), ARRAY(Uuid)))
    return found


def bought_by(buyer_id: UUID) -> ColumnElement[bool]:
    """A condition on Lead: the buyer has or had this very lead."""
    return (
        select(OrderLine.id)
        .where(OrderLine.lead_id == Lead.id, *_ever_sold_to(buyer_id))
        .correlate(Lead)
        .exists()
    )


def candidates(wanted: Wanted) -> Select[UUID, datetime]:
    """Leads on sale that the buyer never had, in the order of `matching`; a page of an index.

    Whether the person behind a lead may be sold to the buyer is asked afterwards, for a page at
    once: in one statement the planner had too much to choose from and now and then chose badly.
    """
    statement = (
        select(Lead.id, Lead.requested_at)
        .where(*on_sale(wanted.goods), _never_had(wanted.buyer_id))
        .order_by(*_order(wanted))
    )
    if wanted.is_narrowed:
        statement = statement.where(to_sql(wanted.criteria, ATTRIBUTES))
    if wanted.lead_ids is not None:
        statement = statement.where(in_list(Lead.id, wanted.lead_ids))
    return statement


def after(
    wanted: Wanted, statement: Select[UUID, datetime], last: Row[UUID, datetime]
) -> Select[UUID, datetime]:
    """The same statement behind its row `last`."""
    if wanted.seed is not None:
        return statement.where(_ticket(wanted.seed) > matching.ticket(wanted.seed, last.id))
    place = tuple_(literal(last.requested_at), literal(last.id, Uuid))
    return statement.where(tuple_(Lead.requested_at, Lead.id) < place)


def pick(wanted: Wanted, found: Iterable[matching.Candidate], quantity: int) -> list[UUID]:
    """What is taken of the candidates: the freshest, or those that the seed draws."""
    if wanted.seed is not None:
        return matching.draw(found, quantity, seed=wanted.seed)
    return matching.pick(found, quantity)


def _order(wanted: Wanted) -> tuple[ColumnElement[Any], ...]:
    if wanted.seed is not None:
        return (_ticket(wanted.seed),)
    return (Lead.requested_at.desc(), Lead.id.desc())


def _ticket(seed: bytes) -> ColumnElement[bytes]:
    """`matching.ticket` in the words of the database."""
    return func.sha256(literal(seed, LargeBinary).concat(func.uuid_send(Lead.id)))


def read_candidates(
    wanted: Wanted, rows: Sequence[Row[UUID, datetime]]
) -> list[matching.Candidate]:
    """Those of the rows whose person may be sold to the buyer, ready to be picked from.

    Left out are people who were erased, who are suppressed by the exchange, the seller or the
    buyer, whom the buyer knows or bought lately, and whose consent names other buyers.
    """
    found = _people(wanted, [row.id for row in rows])
    known = _known_people(wanted, found.values()) if found else frozenset()
    return [
        matching.Candidate(row.id, row.requested_at, found[row.id])
        for row in rows
        if row.id in found and known.isdisjoint(found[row.id])
    ]


def offered_to(viewer: UUID) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead: the viewer never had it and may be named.

    Whom the viewer's own lists name is shown like everybody: a list of one number would point at
    the lead that goes missing. Such a person is passed over when leads are taken.
    """
    return (~bought_by(viewer), ~people.names_others(names_of_buyer(viewer)))


def count_shown(wanted: Wanted) -> int:
    """How many leads the market shows the buyer of what is wanted, criteria aside."""
    shown = (*on_sale(wanted.goods), *offered_to(wanted.buyer_id))
    if wanted.lead_ids is not None:
        shown = (*shown, in_list(Lead.id, wanted.lead_ids))
    return db.session.scalar(select(func.count()).select_from(Lead).where(*shown)) or 0


def names_of_buyer(organization_id: UUID) -> frozenset[str]:
    """By what a consent may name this organization."""
    found = get(Organization, organization_id)
    return names_of(public_id=found.public_id, trade_name=found.trade_name, legal_name=found.name)


def slots_in_use(lead_ids: Sequence[UUID]) -> dict[UUID, set[int]]:
    """By lead, the slots that lines hold now."""
    used: dict[UUID, set[int]] = {lead_id: set() for lead_id in lead_ids}
    held = select(OrderLine.lead_id, OrderLine.slot).where(
        in_list(OrderLine.lead_id, lead_ids), OrderLine.slot.is_not(None)
    )
    for row in db.session.execute(held):
        used[row.lead_id].add(row.slot)
    return used


def lowest_free(used: set[int], count: int) -> list[int]:
    """The first `count` slots that no line holds; a slot that was given back is used again."""
    return [slot for slot in range(len(used) + count) if slot not in used][:count]


def stocks(listings: Collection[Listing]) -> dict[UUID, Stock]:
    """How much is sold and left, by listing."""
    rows = db.session.execute(
        select(
            Listing.id,
            func.count().label("leads"),
            func.sum(_sales()).label("sold"),
            func.count().filter(*offered()).label("left"),
        )
        .join(Lead, and_(*belongs()))
        .where(Listing.id.in_([listing.id for listing in listings]), Lead.in_frame)
        .group_by(Listing.id)
    )
    found = {row.id: Stock(row.leads, int(row.sold), row.left) for row in rows}
    return {one.id: found.get(one.id, Stock(0, 0, 0)) for one in listings}


def _sales() -> ColumnElement[int]:
    """Of a lead, the sales before it was listed as aged, or the one after."""
    before = Lead.sales_max - case((Lead.aged_at.is_not(None), 1), else_=0)
    after = func.greatest(Lead.sold - before, 0)
    return case((Listing.is_aged, after), else_=func.least(Lead.sold, before))


def has_stock(goods: Goods) -> bool:
    """Whether anything of it can still be bought, by whomever."""
    return bool(db.session.scalar(select(select(Lead.id).where(*on_sale(goods)).exists())))


def _ever_sold_to(buyer_id: UUID) -> tuple[ColumnElement[bool], ...]:
    released = literal(LineStatus.RELEASED, OrderLine.status.type, literal_execute=True)
    return (OrderLine.buyer_id == buyer_id, OrderLine.status != released)


def _never_had(buyer_id: UUID) -> ColumnElement[bool]:
    """`bought_by` the other way round, as a look-up for each lead, for pages of a large lot."""
    had = select(OrderLine.id).where(OrderLine.lead_id == Lead.id, *_ever_sold_to(buyer_id))
    return had.limit(1).correlate(Lead).scalar_subquery().is_(None)


def _people(wanted: Wanted, lead_ids: Sequence[UUID]) -> dict[UUID, frozenset[bytes]]:
    """By lead, the hashes of its person; who was erased, is listed or names others is missing."""
    rows = db.session.execute(
        select(
            Contact.lead_id,
            Contact.phone_index,
            Contact.email_index,
            people.is_named().label("is_named"),
        )
        .join(Lead, Lead.id == Contact.lead_id)
        .where(
            in_list(Contact.lead_id, lead_ids),
            ~people.is_person_suppressed(buyer_id=wanted.buyer_id),
        )
    ).all()
    named = [row.lead_id for row in rows if row.is_named]
    ours = people.named_for(named, names_of_buyer(wanted.buyer_id)) if named else set()
    return {
        row.lead_id: frozenset(value for value in (row.phone_index, row.email_index) if value)
        for row in rows
        if row.lead_id in ours or not (row.is_named or wanted.named_only)
    }


def _known_people(wanted: Wanted, people: Iterable[frozenset[bytes]]) -> frozenset[bytes]:
    """All hashes of people whom the buyer bought in this vertical since `known_since`."""
    hashes = sorted(set().union(*people))
    same = any_(literal(hashes, ARRAY(LargeBinary)))
    found = (
        select(Contact.lead_id).where(Contact.phone_index == same)
        .union(select(Contact.lead_id).where(Contact.email_index == same))
        .cte("same").prefix_with("MATERIALIZED")
    )  # fmt: skip
    rows = db.session.execute(
        select(Contact.phone_index, Contact.email_index)
        .join(found, found.c.lead_id == Contact.lead_id)
        .join(OrderLine, OrderLine.lead_id == Contact.lead_id)
        .join(Lead, Lead.id == Contact.lead_id)
        .where(
            Lead.vertical_id == wanted.vertical_id,
            OrderLine.created_at > wanted.known_since,
            *_ever_sold_to(wanted.buyer_id),
        )
    )
    return frozenset(value for row in rows for value in row if value)
