"""What can be bought of a lot: the one answer on which search, orders and sellers' figures agree.

A lead is for sale while it is valid, lies under the lot's root (so that the measured quality is
about it), has a slot left, and its person is not suppressed. To one buyer no lead is sold twice,
and no person twice inside the vertical's duplicate window.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, any_, literal, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from exchange.catalog.criteria import EVERYTHING, Criteria, to_sql
from exchange.core.db import db
from exchange.leads.models import Contact, Lead, LeadStatus
from exchange.leads.queries import is_person_suppressed
from exchange.market.matching import Candidate
from exchange.market.models import LineStatus, OrderLine

Index = InstrumentedAttribute[bytes | None]
Rows = Select[*tuple[Any, ...]]  # Any: rows of many shapes
# The people whom a buyer has, and their leads.
Known, Theirs = aliased(Contact), aliased(Lead)
ATTRIBUTES: Final = Lead.__table__.c.attributes
IS_SEALED: Final = Lead.__table__.c.is_sealed


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a buyer asks for of a lot."""

    batch_id: UUID
    vertical_id: UUID
    buyer_id: UUID
    known_since: datetime  # people whom the buyer bought since then are not sold to them again
    criteria: Criteria = EVERYTHING
    lead_ids: tuple[UUID, ...] | None = None  # these and no others

    @property
    def is_narrowed(self) -> bool:
        """Whether attributes were asked for."""
        return self.criteria != EVERYTHING


def sellable() -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead, in the words of its index of what can be bought."""
    valid = literal(LeadStatus.VALID, Lead.status.type, literal_execute=True)
    return (Lead.status == valid, IS_SEALED, Lead.sold < Lead.sales_max)


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


def candidates(wanted: Wanted) -> Rows:
    """The leads that may be sold to the buyer, in the order of `matching`."""
    statement = (
        select(Lead.id, Lead.requested_at, Contact.phone_index, Contact.email_index)
        .join(Contact, Contact.lead_id == Lead.id)
        .where(
            Lead.batch_id == wanted.batch_id,
            *sellable(),
            to_sql(wanted.criteria, ATTRIBUTES),
            ~is_person_suppressed(),
            ~bought_by(wanted.buyer_id),
            ~_is_person_known(wanted, Contact.phone_index),
            ~_is_person_known(wanted, Contact.email_index),
        )
        .order_by(Lead.requested_at.desc(), Lead.id.desc())
    )
    if wanted.lead_ids is not None:
        statement = statement.where(in_list(Lead.id, wanted.lead_ids))
    return statement


def read_candidates(statement: Rows) -> list[Candidate]:
    """The rows of such a statement, ready to be picked from."""
    return [
        Candidate(
            row.id,
            row.requested_at,
            frozenset(value for value in (row.phone_index, row.email_index) if value),
        )
        for row in db.session.execute(statement)
    ]


def slots_in_use(lead_ids: Sequence[UUID]) -> dict[UUID, set[int]]:
    """By lead, the slots that lines hold now."""
    used: dict[UUID, set[int]] = {lead_id: set() for lead_id in lead_ids}
    held = select(OrderLine.lead_id, OrderLine.slot).where(
        in_list(OrderLine.lead_id, lead_ids), OrderLine.slot.is_not(None)
    )
    for row in db.session.execute(held):
        used[row.lead_id].add(row.slot)
    return used


def has_stock(batch_id: UUID) -> bool:
    """Whether anything of the lot can still be bought, by whomever."""
    return bool(db.session.scalar(select(select(Lead.id).where(*on_sale(batch_id)).exists())))


def on_sale(batch_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """Conditions on Lead: what of this lot can still be bought, by whomever."""
    return (Lead.batch_id == batch_id, *sellable())


def _ever_sold_to(buyer_id: UUID) -> tuple[ColumnElement[bool], ...]:
    released = literal(LineStatus.RELEASED, OrderLine.status.type, literal_execute=True)
    return (OrderLine.buyer_id == buyer_id, OrderLine.status != released)


def _is_person_known(wanted: Wanted, index: Index) -> ColumnElement[bool]:
    """A condition on Contact: the buyer bought the same person in this vertical since then."""
    return (
        select(OrderLine.id)
        .join(Known, Known.lead_id == OrderLine.lead_id)
        .join(Theirs, Theirs.id == OrderLine.lead_id)
        .where(
            getattr(Known, index.key) == index,
            Theirs.vertical_id == wanted.vertical_id,
            OrderLine.created_at > wanted.known_since,
            *_ever_sold_to(wanted.buyer_id),
        )
        .correlate(Contact)
        .exists()
    )
