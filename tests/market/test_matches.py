"""Leads on sale meet contracts: who gets them, for how much, and why the others do not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.catalog.criteria import All, Not
from exchange.core import clock, jobs
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.errors import Conflict
from exchange.core.money import Currency, Money
from exchange.fulfillment.services import lines
from exchange.leads.models import LeadKind
from exchange.market import queries
from exchange.market.allocation import Refusal
from exchange.market.contract_models import CapUse, Contract, ContractSource, ContractStatus
from exchange.market.contract_terms import Caps, Opening, Period
from exchange.market.match_models import ContractRefusal, LeadMatch, MatchRequest
from exchange.market.models import Listing, ListingMode, Order, OrderLine, OrderStatus
from exchange.market.services import contracts, matches, meetings
from tests.factories.billing import fund_wallet, grant_credit
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of, make_person
from tests.factories.market import make_listing, place

PRICE = 45_00


@pytest.fixture
def listing(cast) -> Listing:
    return make_listing(cast.seller, leads=4, price=PRICE)


@pytest.fixture(autouse=True)
def money(cast):
    for player in (cast.buyer, cast.other_buyer):
        fund_wallet(player)


def reasons(contract: Contract) -> dict[str, int]:
    meetings.add_up_refusals(limit=100)
    rows = db.session.execute(
        select(ContractRefusal.reason, ContractRefusal.leads).where(
            ContractRefusal.contract_id == contract.id
        )
    )
    return {str(row.reason): row.leads for row in rows}


def lines_of(contract: Contract) -> list[OrderLine]:
    return list(db.session.scalars(select(OrderLine).where(OrderLine.contract_id == contract.id)))


def wallet(player) -> int:
    return billing.balance(player.organization.id, AccountKind.WALLET, Currency.USD).amount


def test_the_dearest_contract_takes_every_lead_at_its_own_price(cast, listing):
    cheap = make_contract(cast.buyer, price=PRICE)
    dear = make_contract(cast.other_buyer, price=50_00)
    before = wallet(cast.other_buyer)
    assert matches.match_listing(listing_id=listing.id) == 4
    assert lines_of(cheap) == []
    assert {line.price.amount for line in lines_of(dear)} == {50_00}
    order = db.session.scalar(select(Order).where(Order.contract_id == dear.id))
    assert (order.status, order.quantity, order.total.amount) == (
        OrderStatus.CONFIRMED, 4, 200_00,
    )  # fmt: skip
    assert wallet(cast.other_buyer) == before - 200_00
    assert reasons(cheap) == {"outbid": 4}


def test_of_equal_prices_who_came_first_wins(cast, listing):
    later = make_contract(cast.buyer, price=PRICE)
    first = make_contract(cast.other_buyer, price=PRICE)
    first.ranked_at = later.ranked_at - timedelta(seconds=1)
    db.session.flush()
    matches.match_listing(listing_id=listing.id)
    assert len(lines_of(first)) == 4


def test_leads_meet_contracts_once(cast, listing):
    make_contract(cast.buyer, price=PRICE - 1)
    assert matches.match_round(listing_id=listing.id).leads == 4
    assert matches.match_round(listing_id=listing.id).leads == 0


def test_a_price_below_the_listing_is_counted(cast, listing):
    contract = make_contract(cast.buyer, price=PRICE - 1)
    assert matches.match_listing(listing_id=listing.id) == 0
    assert reasons(contract) == {"price": 4}


def test_shared_leads_go_to_different_buyers(cast):
    listing = make_listing(cast.seller, leads=2, kind=LeadKind.SHARED, sales_max=3, price=PRICE)
    first = make_contract(cast.buyer, price=60_00)
    own = make_contract(cast.buyer, price=55_00)
    second = make_contract(cast.other_buyer, price=50_00)
    assert matches.match_listing(listing_id=listing.id) == 4
    assert (len(lines_of(first)), len(lines_of(own)), len(lines_of(second))) == (2, 0, 2)
    assert reasons(own) == {"duplicate": 2}
    assert {line.slot for line in lines_of(first) + lines_of(second)} == {0, 1}


@pytest.mark.parametrize("caps", [Caps({Period.DAY: 3}), Caps(amount={Period.DAY: 3 * PRICE + 1})])
def test_a_cap_is_hard_and_the_next_contract_takes_the_rest(cast, listing, caps):
    capped = make_contract(cast.buyer, price=PRICE, caps=caps)
    make_contract(cast.other_buyer, price=PRICE)
    assert matches.match_listing(listing_id=listing.id) == 4
    assert len(lines_of(capped)) == 3
    assert reasons(capped) == {"cap": 1}
    used = db.session.scalars(select(CapUse).where(CapUse.contract_id == capped.id)).all()
    assert {use.period for use in used} == set(Period)
    assert {(use.leads, use.amount) for use in used} == {(3, 3 * PRICE)}


def test_a_wallet_that_ends_leaves_the_others_what_they_won(cast, listing):
    spender = make_contract(cast.buyer, price=wallet(cast.buyer) // 2)
    other = make_contract(cast.other_buyer, price=PRICE)
    assert matches.match_listing(listing_id=listing.id) == 4
    assert (len(lines_of(spender)), len(lines_of(other))) == (2, 2)
    assert reasons(spender) == {"funds": 2}
    assert wallet(cast.buyer) == 0


def test_credit_pays_as_the_ledger_lets_it(cast, listing):
    price = wallet(cast.buyer) // 2
    grant_credit(cast, cast.buyer, Money(price + 1, Currency.USD))
    contract = make_contract(cast.buyer, price=price)
    assert matches.match_listing(listing_id=listing.id) == 3
    assert reasons(contract) == {"funds": 1}
    assert -price <= wallet(cast.buyer) < 0


def test_on_credit_contracts_meet_at_once_what_they_could_not_pay(cast, listing, run_jobs):
    price = wallet(cast.buyer) + 1
    contract = make_contract(cast.buyer, price=price)
    assert matches.match_listing(listing_id=listing.id) == 0
    contracts.note_limit(contract_id=contract.id, limit="funds")
    with unit_of_work():
        grant_credit(cast, cast.buyer, Money(price, Currency.USD))
    run_jobs()
    assert len(lines_of(contract)) == 1


def test_the_hour_has_its_own_price(cast, listing):
    always = Opening(frozenset(range(7)), clock.now().min.time(), clock.now().min.time(), 70_00)
    contract = make_contract(cast.buyer, price=PRICE, schedule=(always,))
    make_contract(cast.other_buyer, price=60_00)
    matches.match_listing(listing_id=listing.id)
    assert {line.price.amount for line in lines_of(contract)} == {70_00}


def test_outside_its_hours_a_contract_takes_nothing(cast, listing):
    local = clock.now()
    closed = Opening(frozenset({(local.weekday() + 3) % 7}), local.min.time(), local.min.time())
    contract = make_contract(cast.buyer, schedule=(closed,))
    assert matches.match_listing(listing_id=listing.id) == 0
    assert reasons(contract) == {"schedule": 4}


def test_a_source_waits_for_the_buyers_word(cast, listing):
    contract = make_contract(cast.buyer, approves_sources=True)
    assert matches.match_listing(listing_id=listing.id) == 0
    assert reasons(contract) == {"source_not_approved": 4}
    asked = db.session.scalars(select(ContractSource)).one()
    assert asked.contract_id == contract.id


def test_one_buyer_never_gets_a_person_twice(cast, listing):
    person = make_person()
    contract = make_contract(cast.buyer)
    first = make_listing(cast.seller, people=[person], window=timedelta(0))
    second = make_listing(cast.other_seller, people=[person])
    assert matches.match_listing(listing_id=first.id) == 1
    assert matches.match_listing(listing_id=second.id) == 0
    assert reasons(contract) == {"duplicate": 1}


def test_sellers_lists_hold(cast, listing):
    contract = make_contract(cast.buyer)
    listing.buyers_never = [cast.buyer.organization.public_id]
    db.session.flush()
    assert matches.match_listing(listing_id=listing.id) == 0
    assert reasons(contract) == {"buyer_not_wanted": 4}


def test_paused_contracts_and_other_ways_to_sell_take_no_part(cast, listing):
    make_contract(cast.buyer, status=ContractStatus.PAUSED)
    assert matches.match_listing(listing_id=listing.id) == 0
    auction = make_listing(cast.seller, leads=2)
    auction.mode = ListingMode.AUCTION
    make_contract(cast.buyer)
    db.session.flush()
    assert matches.match_round(listing_id=auction.id) == matches.Matched()


def test_a_trial_takes_its_leads_and_pauses(cast, listing):
    contract = make_contract(cast.buyer, trial_leads=2)
    assert matches.match_listing(listing_id=listing.id) == 2
    assert contract.status is ContractStatus.PAUSED
    assert reasons(contract) == {"trial": 2}


def test_one_lead_for_one_contract(cast, listing):
    contract = make_contract(cast.buyer, price=50_00)
    lead = leads_of(queries.get_batch_of(listing))[0]
    order = matches.buy_for(contract_id=contract.id, lead_id=lead.id, price_min=PRICE, actor=SYSTEM)
    assert (order.quantity, order.price.amount) == (1, 50_00)
    with pytest.raises(Conflict) as refused:
        matches.buy_for(contract_id=contract.id, lead_id=lead.id, price_min=1, actor=SYSTEM)
    assert refused.value.code == "not_on_sale"


def test_one_lead_is_refused_with_the_reason(cast, listing):
    lead = leads_of(queries.get_batch_of(listing))[0]
    asks = [
        ({"regions": ("nowhere",)}, "region"),
        ({"criteria": Not(All(()))}, "criteria"),
        ({"price": PRICE - 1}, "price"),
        ({"caps": Caps({Period.TOTAL: 0})}, "cap"),
        ({"status": ContractStatus.PAUSED}, "not_active"),
    ]
    for asked, reason in asks:
        contract = make_contract(cast.buyer, **asked)
        with pytest.raises(Conflict) as refused:
            matches.buy_for(contract_id=contract.id, lead_id=lead.id, price_min=PRICE, actor=SYSTEM)
        assert refused.value.code == reason


def test_a_lead_knows_who_asked_for_it(cast, listing):
    contract = make_contract(cast.buyer, price=PRICE - 1)
    matches.match_listing(listing_id=listing.id)
    met = db.session.scalars(select(LeadMatch)).all()
    assert len(met) == 4
    assert {(one.fitting, one.taken) for one in met} == {(1, 0)}
    assert met[0].refusals == {"price": {"contracts": 1, "first": [str(contract.id)]}}


def test_what_rounds_noted_is_added_up_once(cast, sweep):
    contract = make_contract(cast.buyer, price=PRICE - 1)
    for leads in (2, 3):
        listing = make_listing(cast.seller, leads=leads, price=PRICE)
        matches.match_listing(listing_id=listing.id)
    meetings.add_up_refusals(limit=1)
    assert [one.leads for one in queries.refusals_of_contract(contract.id)] == [2]
    for _ in range(2):
        sweep("market.add_up_refusals")
        assert [one.leads for one in queries.refusals_of_contract(contract.id)] == [5]


def test_a_buyer_who_took_a_lead_by_hand_does_not_get_it_again(cast):
    listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED, sales_max=2)
    place(cast.buyer, listing)
    contract = make_contract(cast.buyer)
    assert matches.match_listing(listing_id=listing.id) == 0
    assert reasons(contract) == {"duplicate": 1}


def test_both_sides_learn_why(cast, client, listing):
    contract = make_contract(cast.buyer, caps=Caps({Period.DAY: 1}))
    make_contract(cast.other_buyer, price=PRICE - 1)
    matches.match_listing(listing_id=listing.id)
    meetings.add_up_refusals(limit=100)
    seen = queries.refusals_of_contract(contract.id)
    today = clock.now().date()
    assert seen == [queries.Refused(Refusal.CAP, 3, first=today, last=today)]
    batch = queries.get_batch_of(listing).public_id
    met = queries.refusals_of_batch(listing.batch_id)
    assert met == queries.Met(4, 4, 1, {}, few=7)
    page = cast.seller.sign_in(client).get(f"/sellers/batches/{batch}")
    assert "Reasons of fewer than three buyers" in page.text


def test_what_the_queue_forgot_is_found_by_the_sweeps(cast, listing, sweep, run_jobs):
    jobs.redis_connection().flushdb()
    contract = make_contract(cast.buyer)
    for name in ("market.match", "fulfillment.deliver_order"):
        sweep(name)
        run_jobs()
    order = db.session.scalars(select(Order).where(Order.contract_id == contract.id)).one()
    assert order.status is OrderStatus.FULFILLED
    assert db.session.scalars(select(MatchRequest)).all() == []


def test_a_full_contract_goes_on_when_its_cap_is_over(cast, listing, sweep, run_jobs):
    with unit_of_work():
        contract = make_contract(cast.buyer, caps=Caps({Period.DAY: 3}))
        matches.match_listing(listing_id=listing.id)
    with unit_of_work():
        clock.advance(timedelta(days=1, hours=1))
    sweep("market.match_contract")
    run_jobs()
    assert len(lines_of(contract)) == 4


def test_a_new_contract_meets_what_is_on_sale(cast, listing, run_jobs):
    with unit_of_work():
        matches.match_listing(listing_id=listing.id)
    with unit_of_work():
        contract = make_contract(cast.buyer)
        meetings.call(contract.id)
    run_jobs()
    assert len(lines_of(contract)) == 4


def test_what_is_let_go_of_counts_no_more_and_meets_again(cast, listing, run_jobs):
    contract = make_contract(cast.buyer, caps=Caps({Period.DAY: 2}))
    matches.match_listing(listing_id=listing.id)
    order = db.session.scalars(select(Order).where(Order.contract_id == contract.id)).one()
    line = lines_of(contract)[0]
    lines.release(order, {line.id: line.lead_id}, reason="not_deliverable", actor=SYSTEM)
    used = db.session.scalars(select(CapUse.leads).where(CapUse.contract_id == contract.id))
    assert set(used) == {1}
    assert matches.match_listing(listing_id=listing.id) == 1
