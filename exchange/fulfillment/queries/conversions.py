"""Questions about actions under CPA: each side sees its own; what is due; what always holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import aliased

from exchange.billing.models import Account, AccountKind, Hold, HoldStatus
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.ids import encode
from exchange.core.invariants import invariant
from exchange.core.money import Currency, Money
from exchange.core.pagination import LIMIT, Page, paginate
from exchange.fulfillment.conversion_models import LIVE, Conversion, ConversionStatus
from exchange.market.contract_models import Contract
from exchange.market.models import LineAction, LineStatus, OrderLine, PricingModel

# What the hold of an action is while the action is in each state.
HOLDS = {
    ConversionStatus.ON_HOLD: HoldStatus.ACTIVE,
    ConversionStatus.APPROVED: HoldStatus.CAPTURED,
    ConversionStatus.REVERSED: HoldStatus.CAPTURED,
    ConversionStatus.REJECTED: HoldStatus.RELEASED,
}


@dataclass(frozen=True, slots=True)
class SeenConversion:
    """An action as its viewer sees it: the buyer's own words are not the seller's to read."""

    conversion: Conversion
    viewer: UUID

    @property
    def is_mine(self) -> bool:
        """Whether the viewer reported it."""
        return self.viewer == self.conversion.buyer_id

    @property
    def reference(self) -> str | None:
        """The buyer's own id, for the buyer."""
        return self.conversion.reference if self.is_mine else None

    @property
    def contract_id(self) -> str | None:
        """The contract that it is reported under, for the buyer."""
        return encode(Contract.PREFIX, self.conversion.contract_id) if self.is_mine else None


@dataclass(frozen=True, slots=True)
class ActionSums:
    """What is reported of a seller's leads in one currency, by how far the money has come."""

    held: Money  # set apart; the buyer decides
    held_n: int
    waiting: Money  # approved, and not the seller's yet
    waiting_n: int
    owed: Money  # of that, what buyers have to pay in first
    settled: Money
    settled_n: int
    rejected_n: int


def get_conversion(conversion_id: UUID, *, viewer: UUID | None) -> Conversion:
    """An action that the viewer reported or sold the lead of; staff see all. Raises NotFound."""
    found = get(Conversion, conversion_id)
    if viewer is None or viewer in {found.buyer_id, found.seller_id}:
        return found
    raise NotFound


def conversions(
    *,
    viewer: UUID,
    status: ConversionStatus | None = None,
    contract_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[SeenConversion]:
    """What an organization reported, or what is reported of its leads, newest first."""
    mine = or_(Conversion.buyer_id == viewer, Conversion.seller_id == viewer)
    statement = select(Conversion).where(mine)
    if status is not None:
        statement = statement.where(Conversion.status == status)
    if contract_id is not None:
        statement = statement.where(Conversion.contract_id == contract_id)
    page = paginate(statement, Conversion, cursor=cursor, limit=limit)
    return Page([SeenConversion(one, viewer) for one in page.items], page.next_cursor)


def action_sales(
    *, seller_id: UUID, cursor: str | None = None, limit: int = LIMIT
) -> Page[OrderLine]:
    """A seller's leads that are paid by their action, newest first."""
    statement = select(OrderLine).where(
        OrderLine.seller_id == seller_id,
        OrderLine.pricing_model == PricingModel.CPA,
        OrderLine.status != LineStatus.RELEASED,
    )
    return paginate(statement, OrderLine, cursor=cursor, limit=limit)


def action_sums(seller_id: UUID) -> list[ActionSums]:
    """What is reported of a seller's leads and where its money is, a row for each currency."""
    price, code = Conversion.__table__.c.price_amount, Conversion.__table__.c.price_currency
    is_approved = Conversion.status == ConversionStatus.APPROVED
    parts = {
        "held": Conversion.status == ConversionStatus.ON_HOLD,
        "waiting": is_approved & Conversion.settled_at.is_(None),
        "settled": is_approved & Conversion.settled_at.is_not(None),
        "rejected": Conversion.status == ConversionStatus.REJECTED,
    }
    counts = [func.count().filter(part).label(f"{name}_n") for name, part in parts.items()]
    amounts = [func.sum(price).filter(part).label(name) for name, part in parts.items()]
    owed = func.sum(Conversion.owed).filter(parts["waiting"]).label("owed")
    rows = db.session.execute(
        select(code.label("currency"), *counts, *amounts, owed)
        .where(Conversion.seller_id == seller_id)
        .group_by(code)
        .order_by(code)
    )
    return [_sums(row) for row in rows]


def _sums(row: Any) -> ActionSums:  # Any: a row of sums by name
    held, waiting, owed, settled = (
        Money(int(amount or 0), Currency(row.currency))
        for amount in (row.held, row.waiting, row.owed, row.settled)
    )
    return ActionSums(
        held=held,
        held_n=row.held_n,
        waiting=waiting,
        waiting_n=row.waiting_n,
        owed=owed,
        settled=settled,
        settled_n=row.settled_n,
        rejected_n=row.rejected_n,
    )


def conversions_of_lines(line_ids: Collection[UUID]) -> dict[UUID, Conversion]:
    """The newest action of each of these lines that has one."""
    statement = select(Conversion).where(Conversion.line_id.in_(line_ids))
    found = db.session.scalars(statement.order_by(Conversion.id))
    return {conversion.line_id: conversion for conversion in found}


def conversions_of_line(line_id: UUID) -> Sequence[Conversion]:
    """Every report about a line, newest first."""
    statement = select(Conversion).where(Conversion.line_id == line_id)
    return db.session.scalars(statement.order_by(Conversion.id.desc())).all()


def find_live_conversion(line_id: UUID) -> Conversion | None:
    """The action of a line that waits or is paid, if it has one."""
    return db.session.scalar(
        select(Conversion).where(Conversion.line_id == line_id, Conversion.status.in_(LIVE))
    )


def find_reported(contract_id: UUID, reference: str) -> Conversion | None:
    """What a buyer reported under an id of their own."""
    return db.session.scalar(
        select(Conversion).where(
            Conversion.contract_id == contract_id, Conversion.reference == reference
        )
    )


def actions_past_due(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Actions about which their buyer said nothing in time, the oldest deadline first."""
    statement = select(Conversion.id).where(
        Conversion.status == ConversionStatus.ON_HOLD, Conversion.decide_by <= now
    )
    return db.session.scalars(statement.order_by(Conversion.decide_by).limit(limit)).all()


def actions_to_settle(*, limit: int) -> Sequence[UUID]:
    """Approved actions whose money nobody lent, or whose buyer owes nothing any more."""
    statement = select(Conversion.id).where(
        Conversion.status == ConversionStatus.APPROVED,
        Conversion.settled_at.is_(None),
        or_(Conversion.owed == 0, ~_owes()),
    )
    return db.session.scalars(statement.order_by(Conversion.id).limit(limit)).all()


def _owes() -> ColumnElement[bool]:
    return (
        select(Account.id)
        .where(
            Account.organization_id == Conversion.buyer_id,
            Account.currency == Conversion.__table__.c.price_currency,
            Account.kind == AccountKind.BUYER_DEBT,
            Account.balance < 0,
        )
        .exists()
    )


@invariant("fulfillment.actions")
def lines_that_do_not_fit_their_actions() -> list[str]:
    """A line says what its action says; only lines that are paid by their action have one."""
    live = aliased(Conversion)
    said = case(
        (live.status == ConversionStatus.APPROVED, LineAction.PAID.value),
        (live.id.is_not(None), LineAction.REPORTED.value),
        else_=LineAction.NONE.value,
    )
    # The money of a paid action went back with its lead: both stay as they were.
    is_undone = (OrderLine.status == LineStatus.RETURNED) & (OrderLine.action == LineAction.PAID)
    wrong = db.session.scalars(
        select(OrderLine.id)
        .outerjoin(live, (live.line_id == OrderLine.id) & live.status.in_(LIVE))
        .where(
            or_(
                (OrderLine.action != said) & ~is_undone,
                (OrderLine.pricing_model == PricingModel.CPL)
                & (OrderLine.action != LineAction.NONE),
            )
        )
    )
    return [f"line {line_id} says something else than its action" for line_id in wrong]


@invariant("fulfillment.action_holds")
def actions_without_their_money() -> list[str]:
    """What is set apart for an action is its price, and resolved as the action is."""
    state = case(
        *((Conversion.status == status, hold.value) for status, hold in HOLDS.items()), else_=""
    )
    price, held = Conversion.__table__.c.price_amount, Hold.__table__.c.amount_amount
    wrong = db.session.scalars(
        select(Conversion.id)
        .outerjoin(
            Hold, (Hold.subject_kind == Conversion.KIND) & (Hold.subject_id == Conversion.id)
        )
        .where(
            Conversion.decide_by.is_not(None),
            or_(Hold.id.is_(None), Hold.status != state, held != price),
        )
    )
    stray = db.session.scalar(
        select(func.count())
        .select_from(Conversion)
        .where(Conversion.status == ConversionStatus.PENDING)
    )
    return [f"action {found} and its hold do not fit" for found in wrong] + (
        [f"{stray} actions are neither held nor rejected"] if stray else []
    )
