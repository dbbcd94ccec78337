"""Questions about returns: each side sees its own, staff what waits for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, tuple_
from sqlalchemy.orm import aliased

from exchange.catalog import queries as catalog
from exchange.catalog.definition import Terms
from exchange.catalog.models import Vertical
from exchange.catalog.policies import ReturnReason
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.pagination import LIMIT, Page, paginate
from exchange.fulfillment.models import LeadReturn, ReturnStatus
from exchange.leads.models import Contact, Lead
from exchange.market import queries as market
from exchange.market.models import LineStatus, Order, OrderLine

# A line with one of these is not settled: its money may still go back.
OPEN: Final = (ReturnStatus.REQUESTED, ReturnStatus.IN_RECHECK)
EARLIER_SALES_MAX: Final = 20  # shown as evidence of a duplicate


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for returns of a line, as it was said before the purchase."""

    vertical: Vertical
    terms: Terms  # of the vertical, in the version that was agreed to
    window_until: datetime | None

    @property
    def reasons(self) -> tuple[ReturnReason, ...]:
        """The reasons that are covered."""
        return self.terms.return_reasons


def get_return(return_id: UUID, *, viewer: UUID | None) -> LeadReturn:
    """A return that the viewer asked for or must answer; staff see all. Raises NotFound."""
    lead_return = get(LeadReturn, return_id)
    if viewer is None or viewer in {lead_return.buyer_id, lead_return.seller_id}:
        return lead_return
    raise NotFound


def returns_of_seller(
    organization_id: UUID,
    *,
    status: Collection[ReturnStatus] = (),
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[LeadReturn]:
    """What is asked back of a seller, newest first."""
    own = LeadReturn.seller_id == organization_id
    return _returns(select(LeadReturn).where(own), status=status, cursor=cursor, limit=limit)


def returns_of_buyer(
    organization_id: UUID,
    *,
    status: Collection[ReturnStatus] = (),
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[LeadReturn]:
    """What a buyer asked back, newest first."""
    own = LeadReturn.buyer_id == organization_id
    return _returns(select(LeadReturn).where(own), status=status, cursor=cursor, limit=limit)


def returns_of_anyone(
    organization_id: UUID,
    *,
    status: Collection[ReturnStatus] = (),
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[LeadReturn]:
    """What an organization asked back or must answer, newest first."""
    either = or_(LeadReturn.buyer_id == organization_id, LeadReturn.seller_id == organization_id)
    return _returns(select(LeadReturn).where(either), status=status, cursor=cursor, limit=limit)


def returns_to_decide(*, cursor: str | None = None, limit: int = LIMIT) -> Page[LeadReturn]:
    """What the operator must look at: asked and not decided, or objected to; newest first."""
    waiting = (*OPEN, ReturnStatus.CONTESTED)
    return _returns(select(LeadReturn), status=waiting, cursor=cursor, limit=limit)


def most_urgent(*, limit: int = LIMIT) -> Sequence[LeadReturn]:
    """The same by deadline, the next one first."""
    waiting = LeadReturn.status.in_((*OPEN, ReturnStatus.CONTESTED))
    statement = select(LeadReturn).where(waiting).order_by(LeadReturn.decide_by, LeadReturn.id)
    return db.session.scalars(statement.limit(limit)).all()


def find_return_of_line(line_id: UUID) -> LeadReturn | None:
    """The newest return of a line, if there is one."""
    statement = select(LeadReturn).where(LeadReturn.line_id == line_id)
    return db.session.scalar(statement.order_by(LeadReturn.id.desc()).limit(1))


def returns_of_lines(line_ids: Collection[UUID]) -> dict[UUID, LeadReturn]:
    """The newest return of each of these lines that has one."""
    found = db.session.scalars(
        select(LeadReturn).where(LeadReturn.line_id.in_(line_ids)).order_by(LeadReturn.id)
    )
    return {lead_return.line_id: lead_return for lead_return in found}


def open_returns_of_lead(lead_id: UUID) -> Sequence[LeadReturn]:
    """Undecided returns of a lead, by whatever buyers, oldest first."""
    statement = select(LeadReturn).where(LeadReturn.lead_id == lead_id, LeadReturn.status.in_(OPEN))
    return db.session.scalars(statement.order_by(LeadReturn.id)).all()


def rules_of(line: OrderLine) -> Rules:
    """The vertical's rules for returns in the version that the buyer agreed to."""
    order = get(Order, line.order_id)
    agreed = market.get_agreed_terms(order)
    vertical = get(Vertical, get(Lead, line.lead_id).vertical_id)
    terms = catalog.get_terms(vertical, version=agreed.vertical_terms_version)
    return Rules(vertical, terms, line.window_until)


def has_open_return(line: type[OrderLine] | None = None) -> ColumnElement[bool]:
    """A condition on OrderLine: somebody still has to decide about its money."""
    target = line or OrderLine
    return (
        select(LeadReturn.id)
        .where(LeadReturn.line_id == target.id, LeadReturn.status.in_(OPEN))
        .correlate(target)
        .exists()
    )


def earlier_purchases(line: OrderLine, *, window: timedelta) -> Sequence[OrderLine]:
    """Lines by which the buyer had bought the same person in this vertical inside the window."""
    known, theirs, ours = aliased(Contact), aliased(Lead), aliased(Contact)
    same_person = or_(known.phone_index == ours.phone_index, known.email_index == ours.email_index)
    vertical_id = select(Lead.vertical_id).where(Lead.id == line.lead_id).scalar_subquery()
    statement = (
        select(OrderLine)
        .join(known, known.lead_id == OrderLine.lead_id)
        .join(theirs, theirs.id == OrderLine.lead_id)
        .join(ours, ours.lead_id == line.lead_id)
        .where(
            OrderLine.buyer_id == line.buyer_id,
            OrderLine.status != LineStatus.RELEASED,
            tuple_(OrderLine.created_at, OrderLine.id) < tuple_(line.created_at, line.id),
            OrderLine.created_at >= line.created_at - window,
            theirs.vertical_id == vertical_id,
            same_person,
        )
        .order_by(OrderLine.created_at, OrderLine.id)
    )
    return db.session.scalars(statement.limit(EARLIER_SALES_MAX)).all()


def returns_past_deadline(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Returns about which the exchange was silent too long, and objections likewise."""
    waiting = (*OPEN, ReturnStatus.CONTESTED)
    statement = select(LeadReturn.id).where(
        LeadReturn.status.in_(waiting), LeadReturn.decide_by <= now
    )
    return db.session.scalars(statement.order_by(LeadReturn.id).limit(limit)).all()


def returns_to_close(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Decided returns to which nobody can object any more."""
    decided = LeadReturn.status.in_((ReturnStatus.AUTO_DECIDED, ReturnStatus.DECIDED))
    ended = or_(LeadReturn.contest_until.is_(None), LeadReturn.contest_until <= now)
    final = LeadReturn.status == ReturnStatus.ARBITRATED
    statement = select(LeadReturn.id).where(or_(decided & ended, final))
    return db.session.scalars(statement.order_by(LeadReturn.id).limit(limit)).all()


def _returns(
    statement: Select[LeadReturn],
    *,
    status: Collection[ReturnStatus],
    cursor: str | None,
    limit: int,
) -> Page[LeadReturn]:
    if status:
        statement = statement.where(LeadReturn.status.in_(status))
    return paginate(statement, LeadReturn, cursor=cursor, limit=limit)
