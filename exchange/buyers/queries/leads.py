"""What a buyer has bought: lines with leads, orders and returns. Contacts stay locked here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import select

from exchange.buyers.queries.orders import contracts_of
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import LeadSchema, Vertical
from exchange.core import clock
from exchange.core.db import Record, db
from exchange.core.events import Event
from exchange.core.pagination import Page
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.models import LeadReturn
from exchange.identity.models import User
from exchange.leads.models import Batch, Lead
from exchange.leads.people import ConsentSeen, consents_of
from exchange.leads.temperature import Warmth
from exchange.market import queries as market
from exchange.market.contract_models import Contract
from exchange.market.models import LineAction, LineStatus, Order, OrderLine

Row = TypeVar("Row", bound=Record)
SOON: Final = timedelta(hours=24)
OPENINGS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class BoughtLead:
    """A line with what its owner sees of it without opening the contact."""

    line: OrderLine
    lead: Lead
    order: Order
    vertical: Vertical
    fields: LeadFields
    contract: Contract | None  # by which it came
    lead_return: LeadReturn | None  # the newest one
    conversion: Conversion | None  # the newest one, under CPA
    consent: ConsentSeen | None

    @property
    def temperature(self) -> Warmth:
        """How warm the lead is now."""
        return market.warmth_of(self.lead)

    @property
    def is_readable(self) -> bool:
        """Whether the contact can be opened; a refunded lead never again (decision 46)."""
        return self.line.status in market.READABLE

    @property
    def age_at_delivery(self) -> timedelta | None:
        """How long after the request the lead came."""
        if self.line.delivered_at is None:
            return None
        return self.line.delivered_at - self.lead.requested_at

    @property
    def can_be_returned(self) -> bool:
        """Whether the window is open and no return has been asked for.

        A lead that is paid by its action has nothing to give back.
        """
        waits = self.line.status is LineStatus.DELIVERED and self.lead_return is None
        return waits and not self.line.is_per_action and self._is_open

    @property
    def can_have_action(self) -> bool:
        """Whether an action of the lead can be reported and counts."""
        waits = self.line.status in market.READABLE and self.line.action is LineAction.NONE
        return waits and self.line.is_per_action and self._is_open

    @property
    def _is_open(self) -> bool:
        return self.line.window_until is not None and clock.now() < self.line.window_until


def bought_leads(
    *,
    viewer: UUID,
    order_id: UUID | None = None,
    status: LineStatus | None = None,
    closing: bool = False,
    contract_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[BoughtLead]:
    """What a buyer bought, newest first; `closing` for windows that close inside a day."""
    wanted = LineStatus.DELIVERED if closing else status
    page: Page[OrderLine] = market.lines(
        viewer=viewer,
        order_id=order_id,
        status=(wanted,) if wanted else (),
        window_before=clock.now() + SOON if closing else None,
        contract_id=contract_id,
        cursor=cursor,
        limit=limit,
    )
    return Page(with_leads(page.items), page.next_cursor)


def get_bought_lead(line_id: UUID, *, viewer: UUID) -> BoughtLead:
    """One line of the viewer's. Raises NotFound."""
    return with_leads([market.get_line(line_id, viewer=viewer)])[0]


def with_leads(lines: Sequence[OrderLine]) -> list[BoughtLead]:
    """The lines with what belongs to them, in their order."""
    leads = market.leads_of_lines([line.lead_id for line in lines])
    orders = _by_id(Order, {line.order_id for line in lines})
    verticals = _by_id(Vertical, {lead.vertical_id for lead in leads.values()})
    fields = _fields_of_batches({lead.batch_id for lead in leads.values()})
    contracts = contracts_of(line.contract_id for line in lines)
    returns = fulfillment.returns_of_lines([line.id for line in lines])
    actions = fulfillment.conversions_of_lines([line.id for line in lines if line.is_per_action])
    consents = consents_of([line.lead_id for line in lines])
    return [
        BoughtLead(
            line=line,
            lead=leads[line.lead_id],
            order=orders[line.order_id],
            vertical=verticals[leads[line.lead_id].vertical_id],
            fields=fields[leads[line.lead_id].batch_id],
            contract=contracts[line.contract_id] if line.contract_id else None,
            lead_return=returns.get(line.id),
            conversion=actions.get(line.id),
            consent=consents.get(line.lead_id),
        )
        for line in lines
    ]


@dataclass(frozen=True, slots=True)
class Opening:
    """Who of us opened a contact, when, and what for."""

    at: datetime
    by: str
    purpose: str


def openings(bought: BoughtLead, *, viewer: UUID) -> list[Opening]:
    """The openings of a contact by the viewer's own people, newest first."""
    rows = db.session.execute(
        select(Event.occurred_at, User.name, Event.facts)
        .outerjoin(User, User.id == Event.actor_id)
        .where(
            Event.subject_kind == Lead.KIND,
            Event.subject_id == bought.lead.id,
            Event.type == "contact.opened",
            Event.actor_organization_id == viewer,
        )
        .order_by(Event.occurred_at.desc(), Event.id.desc())
        .limit(OPENINGS_SHOWN)
    )
    return [Opening(row.occurred_at, row.name or "", row.facts["purpose"]) for row in rows]


def _fields_of_batches(batch_ids: Collection[UUID]) -> dict[UUID, LeadFields]:
    rows = db.session.execute(
        select(Batch.id, LeadSchema)
        .join(LeadSchema, LeadSchema.id == Batch.schema_id)
        .where(Batch.id.in_(batch_ids))
    ).all()
    # Reading a schema is work: each version once, however many lots have it.
    fields = {schema.id: schema.fields for schema in {row.LeadSchema for row in rows}}
    return {row.id: fields[row.LeadSchema.id] for row in rows}


def _by_id(model: type[Row], ids: Collection[UUID]) -> dict[UUID, Row]:
    found = db.session.scalars(select(model).where(model.id.in_(ids)))
    return {row.id: row for row in found}
