"""Contracts that pay for actions meet leads: whom they come after, and where their money ends."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core.db import db
from exchange.core.money import Currency
from exchange.leads.models import Lead
from exchange.market.action_pool import chance, prices_held
from exchange.market.contract_models import CapUse, Contract
from exchange.market.contract_terms import Caps, Period
from exchange.market.match_models import ContractRefusal
from exchange.market.models import Listing, ListingMode, OrderLine, PricingModel
from exchange.market.queries.actions import NOTHING
from exchange.market.services import action_holds, matches, meetings
from tests.cast import Cast
from tests.factories.actions import make_action_contract
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.market import make_listing

PRICE = 60_00


def backed(leads: int) -> int:
    """What a pool holds for so many open leads of a contract without a record, in cents."""
    return PRICE * prices_held(leads, chance(own=NOTHING, vertical=NOTHING))


def make_lot(cast: Cast, leads: int, *, mode: ListingMode = ListingMode.CONTRACTS) -> Listing:
    listing = make_listing(cast.seller, leads=leads, price=45_00)
    listing.mode = mode
    db.session.flush()
    return listing


def lines_of(contract: Contract) -> list[OrderLine]:
    return list(db.session.scalars(select(OrderLine).where(OrderLine.contract_id == contract.id)))


def reasons(contract: Contract) -> dict[str, int]:
    meetings.add_up_refusals(limit=100)
    counted = select(ContractRefusal.reason, ContractRefusal.leads)
    rows = db.session.execute(counted.where(ContractRefusal.contract_id == contract.id))
    return {str(row.reason): row.leads for row in rows}


def held(cast: Cast) -> int:
    return billing.balance(cast.buyer.organization.id, AccountKind.HELD, Currency.USD).amount


def test_leads_come_without_a_price_of_their_own(cast: Cast) -> None:
    fund_wallet(cast.buyer)
    contract = make_action_contract(cast.buyer, price=PRICE)
    assert matches.match_listing(listing_id=make_lot(cast, 6).id) == 6
    lines = lines_of(contract)
    assert {line.pricing_model for line in lines} == {PricingModel.CPA}
    assert {line.price.amount for line in lines} == {PRICE}
    assert held(cast) == backed(6)


def test_who_pays_for_each_lead_goes_first(cast: Cast) -> None:
    for player in (cast.buyer, cast.other_buyer):
        fund_wallet(player)
    per_action = make_action_contract(cast.buyer, price=PRICE)
    per_lead = make_contract(cast.other_buyer, price=45_00, caps=Caps({Period.TOTAL: 4}))
    matches.match_listing(listing_id=make_lot(cast, 6).id)
    assert (len(lines_of(per_lead)), len(lines_of(per_action))) == (4, 2)


@pytest.mark.parametrize("mode", [ListingMode.FIXED])
def test_leads_with_a_price_for_everybody_are_not_waited_for(cast: Cast, mode: ListingMode) -> None:
    fund_wallet(cast.buyer)
    contract = make_action_contract(cast.buyer, price=PRICE)
    assert matches.match_listing(listing_id=make_lot(cast, 3, mode=mode).id) == 0
    assert reasons(contract) == {"per_action": 3}


def test_as_many_leads_come_as_the_pool_can_grow_for(cast: Cast) -> None:
    fund_wallet(cast.buyer, 5 * PRICE)
    contract = make_action_contract(cast.buyer, price=PRICE)
    most = max(n for n in range(40) if backed(n) <= 5 * PRICE)
    listing = make_lot(cast, 30)
    assert matches.match_listing(listing_id=listing.id) == most
    assert reasons(contract) == {"funds": 30 - most}
    assert held(cast) == 5 * PRICE
    assert action_holds.missing(contract).amount == PRICE
    fund_wallet(cast.buyer, PRICE)
    left = [line.lead_id for line in lines_of(contract)]
    assert matches.match_listing(listing_id=listing.id, lead_ids=_others(listing, left)) > 0


def test_a_cap_counts_leads_and_no_money(cast: Cast) -> None:
    fund_wallet(cast.buyer)
    contract = make_action_contract(cast.buyer, price=PRICE, caps=Caps({Period.DAY: 2}))
    matches.match_listing(listing_id=make_lot(cast, 5).id)
    assert len(lines_of(contract)) == 2
    used = db.session.scalars(select(CapUse).where(CapUse.contract_id == contract.id)).all()
    assert {(use.leads, use.amount) for use in used} == {(2, 0)}


def _others(listing: Listing, taken: list[UUID]) -> list[UUID]:
    statement = select(Lead.id).where(Lead.batch_id == listing.batch_id, Lead.id.not_in(taken))
    return list(db.session.scalars(statement))
