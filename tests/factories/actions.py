"""Leads that are paid by their action, as matching sells them: order, lines and pool together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.core.actors import SYSTEM
from exchange.core.db import db, lock, save
from exchange.core.states import transition
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.services import conversions
from exchange.leads.models import Lead, LeadStatus
from exchange.leads.services.slots import claim_slots
from exchange.market import queries
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import ActionTerms
from exchange.market.models import Listing, Order, OrderLine, OrderStatus, PricingModel
from exchange.market.services import action_holds
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
    lock(Contract, contract.id)
    action_holds.cover(
        contract=contract, terms=queries.terms_of(contract), new_leads=leads, actor=SYSTEM
    )
    order = save(
        Order(
            buyer_id=contract.organization_id,
            listing_id=listing.id,
            terms_version=listing.terms_version,
            quantity=leads,
            criteria={},
            price=contract.price,
            total=contract.price * 0,
            contract_id=contract.id,
            contract_version=contract.terms_version,
        )
    )
    for lead_id, slot in _slots(listing, leads).items():
        save(_line(order, listing, lead_id, slot))
    transition(order, OrderStatus.CONFIRMED, actor=SYSTEM, quantity=leads)
    return queries.lines_of(order.id)


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


def _slots(listing: Listing, count: int) -> dict[UUID, int]:
    fresh = (
        select(Lead.id)
        .where(
            Lead.batch_id == listing.batch_id,
            Lead.status == LeadStatus.VALID,
            Lead.sold < Lead.sales_max,
        )
        .order_by(Lead.id)
        .limit(count)
    )
    claimed = claim_slots(db.session.scalars(fresh).all())
    assert len(claimed) == count
    return claimed


def _line(order: Order, listing: Listing, lead_id: UUID, slot: int) -> OrderLine:
    return OrderLine(
        order_id=order.id,
        lead_id=lead_id,
        buyer_id=order.buyer_id,
        seller_id=listing.organization_id,
        contract_id=order.contract_id,
        pricing_model=PricingModel.CPA,
        slot=slot,
        price=order.price,
    )
