"""What a buyer has bought: lines with their leads, orders and returns. Contacts stay locked here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from exchange.catalog.fields import LeadFields
from exchange.catalog.models import LeadSchema, Vertical
from exchange.core import clock
from exchange.core.db import db, get
from exchange.core.pagination import Page
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import LeadReturn
from exchange.leads.models import Batch, Lead
from exchange.market import queries as market
from exchange.market.models import LineStatus, Order, OrderLine


@dataclass(frozen=True, slots=True)
class BoughtLead:
    """A line with what its owner sees of it without opening the contact."""

    line: OrderLine
    lead: Lead
    order: Order
    vertical: Vertical
    fields: LeadFields
    lead_return: LeadReturn | None  # the newest one

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
        """Whether the window is open and no return has been asked for."""
        until = self.line.window_until
        waits = self.line.status is LineStatus.DELIVERED and self.lead_return is None
        return waits and until is not None and clock.now() < until


@dataclass(frozen=True, slots=True)
class BoughtPage:
    """A page of what was bought, in the shape of every page."""

    items: Sequence[BoughtLead]
    next_cursor: str | None

    @property
    def next(self) -> str | None:
        """The cursor by the name that templates use."""
        return self.next_cursor


def bought_leads(
    *,
    viewer: UUID,
    order_id: UUID | None = None,
    status: LineStatus | None = None,
    window_before: datetime | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> BoughtPage:
    """What a buyer bought, newest first."""
    page: Page[OrderLine] = market.lines(
        viewer=viewer,
        order_id=order_id,
        status=(status,) if status else (),
        window_before=window_before,
        cursor=cursor,
        limit=limit,
    )
    return BoughtPage(with_leads(page.items), page.next_cursor)


def get_bought_lead(line_id: UUID, *, viewer: UUID) -> BoughtLead:
    """One line of the viewer's. Raises NotFound."""
    return with_leads([market.get_line(line_id, viewer=viewer)])[0]


def with_leads(lines: Sequence[OrderLine]) -> list[BoughtLead]:
    """The lines with what belongs to them, in their order."""
    leads = market.leads_of_lines([line.lead_id for line in lines])
    orders = _by_id(Order, {line.order_id for line in lines})
    verticals = _by_id(Vertical, {lead.vertical_id for lead in leads.values()})
    fields = _fields_of_batches({lead.batch_id for lead in leads.values()})
    returns = fulfillment.returns_of_lines([line.id for line in lines])
    return [
        BoughtLead(
            line=line,
            lead=leads[line.lead_id],
            order=orders[line.order_id],
            vertical=verticals[leads[line.lead_id].vertical_id],
            fields=fields[leads[line.lead_id].batch_id],
            lead_return=returns.get(line.id),
        )
        for line in lines
    ]


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with what its page says about it."""

    order: Order
    vertical: Vertical
    seller: str  # the trade name
    tally: market.LineTally
    window_until: datetime | None  # of the lines that can still be returned

    @property
    def readable(self) -> int:
        """How many contacts can be opened."""
        return self.tally.readable


def get_order_view(order_id: UUID, *, viewer: UUID) -> OrderView:
    """A buyer's own order. Raises NotFound."""
    return order_views([market.get_order(order_id, viewer=viewer)])[0]


def order_views(orders: Iterable[Order]) -> list[OrderView]:
    """These orders with what is shown of them."""
    return [_order_view(order) for order in orders]


def _order_view(order: Order) -> OrderView:
    listing = market.get_listing_of(order)
    return OrderView(
        order=order,
        vertical=get(Vertical, listing.vertical_id),
        seller=market.seller_of(listing).trade_name,
        tally=market.tally(order),
        window_until=_window_of(order),
    )


def _window_of(order: Order) -> datetime | None:
    return db.session.scalar(
        select(OrderLine.window_until)
        .where(OrderLine.order_id == order.id, OrderLine.status == LineStatus.DELIVERED)
        .limit(1)
    )


def _fields_of_batches(batch_ids: Collection[UUID]) -> dict[UUID, LeadFields]:
    rows = db.session.execute(
        select(Batch.id, LeadSchema)
        .join(LeadSchema, LeadSchema.id == Batch.schema_id)
        .where(Batch.id.in_(batch_ids))
    ).all()
    # Reading a schema is work: each version once, however many lots have it.
    fields = {schema.id: schema.fields for schema in {row.LeadSchema for row in rows}}
    return {row.id: fields[row.LeadSchema.id] for row in rows}


def _by_id[Row: (Order, Vertical)](model: type[Row], ids: Collection[UUID]) -> dict[UUID, Row]:
    found = db.session.scalars(select(model).where(model.id.in_(ids)))
    return {row.id: row for row in found}
