"""A buyer's orders with what belongs to them: from whom, of what, until when it can go back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from exchange.catalog.fields import LeadFields
from exchange.catalog.models import Vertical
from exchange.core.db import db
from exchange.core.pagination import Page
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import Delivery
from exchange.identity.models import Organization
from exchange.leads import queries as inventory
from exchange.market import queries as market
from exchange.market.contract_models import Contract
from exchange.market.models import (
    LineStatus,
    Listing,
    ListingTerms,
    Order,
    OrderLine,
    OrderStatus,
    PricingModel,
)
from exchange.market.queries import LineTally


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order in a list."""

    order: Order
    listing: Listing
    vertical: Vertical
    seller: str  # the trade name
    window_until: datetime | None  # of the lines that can still be returned
    contract: Contract | None  # by which it came


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with all that its page says about it."""

    row: OrderRow
    tally: LineTally
    delivery: Delivery | None
    agreed: ListingTerms


def orders(
    *,
    viewer: UUID,
    status: OrderStatus | None = None,
    contract_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[OrderRow]:
    """A buyer's orders, newest first; those that came by one contract where it is named."""
    page = market.orders(
        viewer=viewer, status=status, contract_id=contract_id, cursor=cursor, limit=limit
    )
    return Page(order_rows(page.items), page.next_cursor)


def get_order_view(order_id: UUID, *, viewer: UUID) -> OrderView:
    """A buyer's own order. Raises NotFound."""
    order = market.get_order(order_id, viewer=viewer)
    return OrderView(
        row=order_rows([order])[0],
        tally=market.tally(order),
        delivery=fulfillment.find_delivery(order.id),
        agreed=market.get_agreed_terms(order),
    )


def fields_of_order(seen: OrderView) -> LeadFields:
    """The fields of the lot that was bought from."""
    return inventory.fields_of(market.get_batch_of(seen.row.listing).schema_id)


def order_rows(orders: Sequence[Order]) -> list[OrderRow]:
    """These orders with what is shown of them."""
    rows = db.session.execute(
        select(Listing, Vertical, Organization.trade_name)
        .join(Vertical, Vertical.id == Listing.vertical_id)
        .join(Organization, Organization.id == Listing.organization_id)
        .where(Listing.id.in_({order.listing_id for order in orders}))
    )
    sold = {row.Listing.id: row for row in rows}
    windows = _windows([order.id for order in orders])
    contracts = contracts_of(order.contract_id for order in orders)
    return [
        OrderRow(
            order=order,
            listing=sold[order.listing_id].Listing,
            vertical=sold[order.listing_id].Vertical,
            seller=sold[order.listing_id].trade_name,
            window_until=windows.get(order.id),
            contract=contracts[order.contract_id] if order.contract_id else None,
        )
        for order in orders
    ]


def contracts_of(contract_ids: Iterable[UUID | None]) -> Mapping[UUID, Contract]:
    """The contracts behind some orders, by id."""
    wanted = {contract_id for contract_id in contract_ids if contract_id is not None}
    found = db.session.scalars(select(Contract).where(Contract.id.in_(wanted))) if wanted else ()
    return {contract.id: contract for contract in found}


def _windows(order_ids: Collection[UUID]) -> Mapping[UUID, datetime]:
    """When the last return window of each order closes; orders without an open line are missing."""
    rows = db.session.execute(
        select(OrderLine.order_id, func.max(OrderLine.window_until).label("until"))
        .where(
            OrderLine.order_id.in_(order_ids),
            OrderLine.status == LineStatus.DELIVERED,
            OrderLine.pricing_model == PricingModel.CPL,
        )
        .group_by(OrderLine.order_id)
    )
    return {row.order_id: row.until for row in rows}
