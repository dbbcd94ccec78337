"""Questions about contracts and what they ask. A buyer sees the own ones, staff all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from exchange.catalog import places
from exchange.catalog.criteria import on_day
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.money import Money
from exchange.core.pagination import LIMIT, Page, paginate
from exchange.leads.models import Lead
from exchange.leads.queries import fields_of, vertical_of
from exchange.market.cap_periods import starts
from exchange.market.contract_health import Used
from exchange.market.contract_models import (
    Contract,
    ContractSource,
    ContractSourceStatus,
    ContractStatus,
    ContractTerms,
)
from exchange.market.contract_terms import Period, Terms
from exchange.market.models import LineAction, LineStatus, OrderLine
from exchange.market.queries import caps
from exchange.market.queries.charged import CHARGED

WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Bought:
    """What came by a contract: counts of leads that were not let go of, and what they cost."""

    leads: int
    today: int
    week: int
    delivered: int
    returned: int
    checked: int  # verified by us
    actions: int  # that were paid; none but under CPA
    spent: Money  # for what was kept, and under CPA for actions
    last_at: datetime | None

    @property
    def per_lead(self) -> Money | None:
        """What a lead that was kept has cost; None without one."""
        kept = self.leads - self.returned
        return Money(self.spent.amount // kept, self.spent.currency) if kept else None

    @property
    def per_action(self) -> Money | None:
        """What a paid action has cost; None without one."""
        each = self.spent.amount // self.actions if self.actions else None
        return None if each is None else Money(each, self.spent.currency)


def get_contract(contract_id: UUID, *, viewer: UUID | None) -> Contract:
    """A buyer's own contract; staff look with viewer None. Raises NotFound."""
    contract = get(Contract, contract_id)
    if viewer is not None and contract.organization_id != viewer:
        raise NotFound
    return contract


def contracts(
    *,
    viewer: UUID,
    status: ContractStatus | None = None,
    vertical_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Contract]:
    """A buyer's contracts, newest first."""
    statement = select(Contract).where(Contract.organization_id == viewer)
    if status is not None:
        statement = statement.where(Contract.status == status)
    if vertical_id is not None:
        statement = statement.where(Contract.vertical_id == vertical_id)
    return paginate(statement, Contract, cursor=cursor, limit=limit)


def contract_versions(contract_id: UUID) -> Sequence[ContractTerms]:
    """Every version of what a contract asks, newest first."""
    statement = select(ContractTerms).where(ContractTerms.contract_id == contract_id)
    return db.session.scalars(statement.order_by(ContractTerms.version.desc())).all()


def sources_of_contract(
    contract_id: UUID, *, status: ContractSourceStatus | None = None
) -> Sequence[ContractSource]:
    """The sources that asked to deliver to a contract, oldest first."""
    statement = select(ContractSource).where(ContractSource.contract_id == contract_id)
    if status is not None:
        statement = statement.where(ContractSource.status == status)
    return db.session.scalars(statement.order_by(ContractSource.id)).all()


def get_contract_source(contract_source_id: UUID, *, viewer: UUID | None) -> ContractSource:
    """A source as the viewer's own contract sees it. Raises NotFound."""
    found = get(ContractSource, contract_source_id)
    get_contract(found.contract_id, viewer=viewer)
    return found


def get_contract_terms(contract_id: UUID, *, version: int) -> ContractTerms:
    """One version of what a contract asks. Raises NotFound."""
    row = db.session.scalar(
        select(ContractTerms).where(
            ContractTerms.contract_id == contract_id, ContractTerms.version == version
        )
    )
    if row is None:
        raise NotFound
    return row


def terms_of(contract: Contract) -> Terms:
    """What a contract asks now."""
    row = get_contract_terms(contract.id, version=contract.terms_version)
    return Terms.from_json(row.content, fields_of(contract.schema_id))


def cap_uses(
    asked: Collection[tuple[Contract, Terms]], *, now: datetime
) -> dict[UUID, dict[Period, Used]]:
    """By contract, what it took in each period of its own clock that holds `now`."""
    begun = {contract.id: starts(terms.time_zone, now) for contract, terms in asked}
    found = caps.uses(begun) if begun else {}
    return {
        contract.id: {period: Used(*used) for period, used in found.get(contract.id, {}).items()}
        for contract, _ in asked
    }


def bought_by_contracts(asked: Collection[Contract], *, now: datetime) -> dict[UUID, Bought]:
    """By contract, what came by it so far, today (the last 24 hours) and in seven days."""
    kept = OrderLine.status != LineStatus.RETURNED
    rows = db.session.execute(
        select(
            OrderLine.contract_id,
            func.count().label("leads"),
            _count(OrderLine.created_at > now - timedelta(days=1)).label("today"),
            _count(OrderLine.created_at > now - WEEK).label("week"),
            _count(OrderLine.delivered_at.is_not(None)).label("delivered"),
            _count(OrderLine.status == LineStatus.RETURNED).label("returned"),
            _count(Lead.checked_at.is_not(None)).label("checked"),
            _count(OrderLine.action == LineAction.PAID).label("actions"),
            func.sum(CHARGED - OrderLine.refunded).filter(kept).label("spent"),
            func.max(OrderLine.created_at).label("last_at"),
        )
        .join(Lead, Lead.id == OrderLine.lead_id)
        .where(
            OrderLine.contract_id.in_([contract.id for contract in asked]),
            OrderLine.status != LineStatus.RELEASED,
        )
        .group_by(OrderLine.contract_id)
    )
    found = {row.contract_id: row for row in rows}
    return {contract.id: _bought(contract, found.get(contract.id)) for contract in asked}


def trial_left(contract: Contract) -> int | None:
    """How many leads the trial of a contract still takes; None where it is no trial."""
    trial = terms_of(contract).trial_leads
    return None if trial is None else trial - count_lines(contract.id)


def count_lines(contract_id: UUID) -> int:
    """How many leads came by a contract, without those let go of before delivery."""
    statement = select(func.count()).where(
        OrderLine.contract_id == contract_id, OrderLine.status != LineStatus.RELEASED
    )
    return db.session.scalar(statement) or 0


def resolved_terms(contract: Contract, day: date) -> Terms:
    """What a contract asks now as it is meant on that day, ready to be asked of a lead.

    Spans of days are dates; the codes within the radius stand beside those listed by name, so a
    lead fits by either.
    """
    return resolve(terms_of(contract), country=vertical_of(contract.vertical_id).country, day=day)


def has_asked_people(contract_id: UUID) -> bool:
    """Whether a version of its terms asks people's answers or places (`Terms.asks_people`)."""
    asked = (
        ContractTerms.content[name].is_not(None) for name in ("criteria", "postal_codes", "radius")
    )
    versions = select(ContractTerms.id).where(ContractTerms.contract_id == contract_id, or_(*asked))
    return bool(db.session.scalar(select(versions.exists())))


def resolve(terms: Terms, *, country: str, day: date) -> Terms:
    """The same of terms that are no contract's yet."""
    resolved = replace(terms, criteria=on_day(terms.criteria, day))
    if terms.radius is None:
        return resolved
    around = places.codes_within(country, terms.radius.postal_code, km=terms.radius.km)
    codes = tuple(dict.fromkeys((*terms.postal_codes, *around)))
    return replace(resolved, postal_codes=codes, radius=None)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


def _bought(contract: Contract, row: Any) -> Bought:  # Any: a row of counts, or none
    currency = contract.price.currency
    if row is None:
        return Bought(0, 0, 0, 0, 0, 0, 0, Money(0, currency), None)
    spent = Money(int(row.spent or 0), currency)
    return Bought(
        row.leads, row.today, row.week, row.delivered, row.returned, row.checked, row.actions,
        spent, row.last_at,
    )  # fmt: skip
