"""Leads that are paid by their action, as matching sells them: order, lines and pool together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.ids import uuid7
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.services import conversions, deliveries
from exchange.leads.models import Batch, Lead, LeadStatus
from exchange.market import queries
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import ActionTerms
from exchange.market.models import Listing, OrderLine, PricingModel
from exchange.market.queries.standings import Seller, contract_rows, standings
from exchange.market.services import contract_orders
from exchange.market.services.contract_orders import Win
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.market import make_listing

ACTION = ActionTerms(action="signed application", attribution_days=30, decision_days=14)


def make_action_contract(
    buyer: Player, *, price: int = 50_00, action: ActionTerms = ACTION, **asked: Any
) -> Contract:
    """An active contract of the buyer that pays `price` minor units for each action."""
    model = PricingModel.CPA
    return make_contract(buyer, price=price, pricing_model=model, action=action, **asked)


def deliver(contract: Contract, listing: Listing, leads: int) -> Sequence[OrderLine]:
    """So many leads of the listing are sold to the contract and delivered, or nothing is."""
    rows = contract_rows([contract.id], locked=True)
    seller = Seller(listing, get(Batch, listing.batch_id).source_id)
    known = standings(rows, seller=seller, entries={}, now=clock.now())[contract.id]
    win = Win(known.entry, known.taker.price, _fresh(listing, leads), uuid7())
    contract_orders.write(listing, [win], at=clock.now(), actor=SYSTEM)
    deliveries.deliver_order(order_id=win.order_id, actor=SYSTEM)
    return queries.lines_of(win.order_id)


def make_action_lines(
    cast: Cast, leads: int = 1, *, funds: int = 1_000_00, **options: Any
) -> Sequence[OrderLine]:
    """Delivered lines of a new contract of the cast's buyer, in a wallet with these funds."""
    fund_wallet(cast.buyer, funds)
    contract = make_action_contract(cast.buyer, **options)
    return deliver(contract, make_listing(cast.seller, leads=max(leads, 2)), leads)


def report(buyer: Player, line: OrderLine, reference: str = "") -> Conversion:
    """The buyer reports an action of the line, under the line's own id where none is given."""
    reference = reference or f"crm-{line.public_id[-8:]}"
    return conversions.report(line_id=line.id, reference=reference, actor=buyer.actor)


def _fresh(listing: Listing, count: int) -> Sequence[UUID]:
    statement = select(Lead.id).where(
        Lead.batch_id == listing.batch_id,
        Lead.status == LeadStatus.VALID,
        Lead.sold < Lead.sales_max,
    )
    found = db.session.scalars(statement.order_by(Lead.id).limit(count)).all()
    assert len(found) == count
    return found
