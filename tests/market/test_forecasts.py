"""What came on sale, a week from it as a range, and what keeps a contract from buying."""

from __future__ import annotations

import math
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta

import pytest

from exchange.buyers import diagnosing
from exchange.catalog.criteria import Is
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.leads.models import LeadKind
from exchange.market import queries
from exchange.market.contract_health import Facts, Limit, Met, Used, limit_of, limits
from exchange.market.contract_models import ContractStatus
from exchange.market.contract_terms import ActionTerms, Caps, Opening, Period, Terms
from exchange.market.forecasting import (
    Range,
    by_day,
    days_until_spent,
    leads_a_week,
    week_range,
)
from exchange.market.models import ListingMode, PricingModel
from exchange.market.queries.supply import supply
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of
from tests.factories.market import make_listing, place

ZONE = "America/New_York"


class TestWeek:
    def test_steady_days_give_the_range_of_a_poisson_process(self):
        around = 1.2816 * math.sqrt(7 * 1 * 10 * (1 + 7 / 30))
        assert week_range([10] * 30) == Range(math.floor(70 - around), math.ceil(70 + around))

    def test_lumps_and_samples_widen_it(self):
        steady, lumpy = week_range([10] * 30), week_range([100] + [0] * 9 + [100, 100] + [0] * 18)
        assert lumpy.low < steady.low < steady.high < lumpy.high
        assert week_range([10] * 30, step=5).low < steady.low

    def test_no_range_under_a_week_and_nothing_of_nothing(self):
        assert week_range([10] * 6) is None
        assert week_range([0] * 30) == Range(0, 0)

    def test_days_are_counted_from_now(self):
        assert by_day([0.1, 0.9, 1.0, 2.99, 3.0, -0.1], days=3, step=2) == [2, 2, 4]

    def test_the_tightest_cap_binds(self):
        caps = Caps(leads={Period.DAY: 10, Period.MONTH: 100})
        assert leads_a_week(caps) == pytest.approx(100 * 7 / 30.4375)
        assert Range(10, 50).at_most(22.9) == Range(10, 22)
        assert Range(10, 50).at_most(leads_a_week(Caps())) == Range(10, 50)

    def test_a_wallet_lasts_as_long_as_a_week_costs(self):
        assert days_until_spent(100, Range(50, 200), most=30) == Range(3, 14)
        assert days_until_spent(100, Range(0, 10), most=30) == Range(30, 30)
        assert days_until_spent(0, Range(0, 10), most=30) == Range(0, 0)


def see(cast, **options):
    return supply(make_vertical().id, viewer=cast.buyer.organization.id, days=30, **options)


class TestSupply:
    def test_what_came_on_sale_is_seen_sold_or_not(self, cast):
        fund_wallet(cast.buyer, 1_000_00)
        listing = make_listing(cast.seller, leads=3)
        place(cast.buyer, listing, 1)
        found = see(cast)
        assert {one.lead_id for one in found.leads} == {
            lead.id for lead in leads_of(queries.get_batch_of(listing))
        }
        assert found.step == 1
        facts = found.leads[0].facts
        assert facts.seller == cast.seller.organization.public_id
        assert facts.price_min == listing.price.amount

    def test_what_the_viewer_is_not_offered_is_not_seen(self, cast):
        make_listing(cast.seller, leads=1).buyers_only = [cast.other_buyer.organization.public_id]
        make_listing(cast.seller, leads=2).buyers_never = [cast.buyer.organization.public_id]
        make_listing(cast.seller, leads=3).mode = ListingMode.AUCTION
        db.session.flush()
        assert see(cast).count == 0

    def test_a_filter_over_a_lot_is_seen_as_far_as_it_goes(self, cast):
        listing = make_listing(cast.seller, leads=4)
        lead = leads_of(queries.get_batch_of(listing))[0]
        lead.attributes = {**lead.attributes, "is_homeowner": not lead.attributes["is_homeowner"]}
        wanted = lead.attributes["is_homeowner"]
        listing.criteria = {"field": "is_homeowner", "is": wanted}
        db.session.flush()
        assert [one.lead_id for one in see(cast).leads] == [lead.id]

    def test_a_sample_takes_every_so_many_th_over_all_lots(self, cast):
        for leads in (3, 1, 8):
            make_listing(cast.seller, leads=leads)
        found = see(cast, sample_max=4)
        assert found.step == 3
        assert len(found.leads) == 4
        assert found.count == 12


def ask(cast, price=50_00, **terms):
    return queries.forecast(
        Terms(time_zone=ZONE, **terms),
        price=Money(price, Currency.USD),
        vertical=make_vertical(),
        viewer=cast.buyer.organization.id,
    )


def aged(listing, days):
    """The listing as if it had come on sale earlier, with its leads."""
    earlier = clock.now() - timedelta(days=days)
    listing.published_at = earlier
    for lead in leads_of(queries.get_batch_of(listing)):
        lead.created_at = lead.requested_at = earlier
    db.session.flush()
    return listing


def to_contracts(listing):
    """The listing as if it had been for contracts alone from the start."""
    listing.mode = ListingMode.CONTRACTS
    db.session.flush()
    return listing


@contextmanager
def contracted(lines, rival, price, model=PricingModel.CPL):
    """The lines as if a contract had bought them; for what follows the test they are not."""
    former = lines[0].price
    write(lines, rival.id, price, model)
    yield
    write(lines, None, former, PricingModel.CPL)


def write(lines, contract_id, price, model):
    for line in lines:
        line.contract_id, line.price, line.pricing_model = contract_id, price, model
    db.session.flush()


class TestForecast:
    def test_without_history_it_says_so(self, cast):
        assert ask(cast).silence == "no_history"
        aged(make_listing(cast.seller, leads=6, price=40_00), 2)
        found = ask(cast)
        assert (found.silence, found.matched, found.week) == ("little_history", 6, None)

    def test_a_week_of_what_fits_and_what_the_price_wins(self, cast):
        for days in range(1, 31):
            aged(make_listing(cast.seller, leads=1, price=40_00 + days), days - 0.5)
        found = ask(cast, price=40_15)
        assert (found.silence, found.days, found.matched) == (None, 30, 30)
        assert found.week.low <= 7 <= found.week.high
        assert found.won.high < found.week.high
        assert found.spend == Range(found.won.low * 40_15, found.won.high * 40_15)
        assert found.limited_by is None
        assert ask(cast, price=39_00).won == Range(0, 0)

    def test_caps_and_budgets_limit_it(self, cast):
        for days in range(1, 31):
            aged(make_listing(cast.seller, leads=2, price=40_00), days - 0.5)
        capped = ask(cast, caps=Caps(leads={Period.WEEK: 3}))
        assert (capped.won, capped.limited_by) == (Range(3, 3), "cap")
        budget = ask(cast, caps=Caps(amount={Period.WEEK: 100_00}))
        assert (budget.won, budget.limited_by) == (Range(2, 2), "budget")
        assert budget.spend.high <= 100_00

    def test_it_says_when_the_wallet_is_spent(self, cast):
        for days in range(1, 31):
            aged(make_listing(cast.seller, leads=2, price=40_00), days - 0.5)
        spend = ask(cast).spend
        assert ask(cast).wallet_days == Range(0, 0)
        fund_wallet(cast.buyer, spend.high // 100)
        found = ask(cast)
        assert found.wallet == Money(spend.high // 100, Currency.USD)
        assert found.wallet_days == Range(0, 7 * found.wallet.amount // spend.low)
        fund_wallet(cast.buyer, spend.high * 5)
        assert ask(cast).wallet_days == Range(30, 30)

    def test_under_cpa_leads_cost_nothing(self, cast):
        for days in range(1, 31):
            to_contracts(aged(make_listing(cast.seller, leads=2, price=40_00), days - 0.5))
        found = ask(cast, action=ActionTerms("signed contract"))
        assert found.won.high > 0
        assert (found.spend, found.wallet_days) == (None, None)

    def test_who_pays_for_actions_gets_what_is_for_contracts_alone(self, cast):
        aged(make_listing(cast.seller, leads=6, price=40_00), 7.5)
        found = ask(cast, action=ActionTerms("signed contract"))
        assert (found.matched, found.won) == (6, Range(0, 0))
        assert ask(cast).won.high > 0

    @pytest.mark.parametrize(
        ("model", "paid", "cpl_wins", "cpa_wins"),
        [
            (PricingModel.CPL, 50_00, False, False),
            (PricingModel.CPL, 40_00, True, False),  # a lead that is paid for goes first
            (PricingModel.CPA, 90_00, True, False),
            (PricingModel.CPA, 40_00, True, True),
        ],
    )
    def test_rivals_stand_as_matching_ranks_them(self, cast, model, paid, cpl_wins, cpa_wins):
        fund_wallet(cast.other_buyer, 10_000_00)
        listing = aged(make_listing(cast.seller, leads=6, price=40_00), 7.5)
        order = place(cast.other_buyer, listing, 6)
        to_contracts(listing)
        rival = make_contract(cast.other_buyer, price=paid)
        lines = queries.lines_of(order.id)
        with contracted(lines, rival, Money(paid, Currency.USD), model):
            won = ask(cast, price=50_00).won, ask(cast, action=ActionTerms("signed")).won
        assert [found.high > 0 for found in won] == [cpl_wins, cpa_wins]

    def test_a_closed_schedule_takes_nothing(self, cast):
        aged(make_listing(cast.seller, leads=6, price=40_00), 7.5)
        assert ask(cast).matched == 6
        never = (Opening(frozenset({(clock.now().weekday() + 3) % 7}), time(0), time(0)),)
        assert ask(cast, schedule=never).matched == 0

    def test_few_people_under_attributes_are_not_counted(self, cast):
        aged(make_listing(cast.seller, leads=4, values={"is_homeowner": "yes"}, price=40_00), 7.5)
        found = ask(cast, criteria=Is("is_homeowner", True))
        assert (found.silence, found.matched, found.won) == ("too_few", None, None)
        assert ask(cast).matched == 4

    def test_other_contracts_that_pay_as_much_take_the_slot(self, cast):
        fund_wallet(cast.other_buyer, 10_000_00)
        listing = aged(make_listing(cast.seller, leads=6, price=40_00), 7.5)
        rival = make_contract(cast.other_buyer, price=50_00)
        order = place(cast.other_buyer, listing, 6)
        with contracted(queries.lines_of(order.id), rival, Money(50_00, Currency.USD)):
            assert ask(cast, price=50_00).won == Range(0, 0)
            assert ask(cast, price=51_00).won.high > 0


NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # a Monday, ten o'clock in New York


def facts(**changes):
    terms = changes.pop("terms", Terms(time_zone=ZONE))
    usual = {"status": ContractStatus.ACTIVE, "may_trade": True, "price": 50_00, "wallet": 50_00}
    return Facts(**{**usual, "terms": terms, "now": NOW, **changes})


def terms(**asked):
    return Terms(time_zone=ZONE, **asked)


class TestHealth:
    @pytest.mark.parametrize(
        ("changes", "limit"),
        [
            ({}, None),
            ({"status": ContractStatus.PAUSED, "wallet": 0}, None),
            ({"may_trade": False}, Limit.ACCOUNT),
            ({"terms": terms(starts_at=NOW + timedelta(seconds=1))}, Limit.NOT_STARTED),
            ({"terms": terms(starts_at=NOW)}, None),
            ({"terms": terms(ends_at=NOW)}, Limit.OVER),
            ({"terms": terms(schedule=(Opening(frozenset({0}), time(9), time(10)),))},
             Limit.SCHEDULE),
            ({"terms": terms(schedule=(Opening(frozenset({0}), time(10), time(11)),))}, None),
            ({"terms": terms(caps=Caps(leads={Period.DAY: 3})),
              "used": {Period.DAY: Used(3, 0)}}, Limit.CAP),
            ({"terms": terms(caps=Caps(leads={Period.DAY: 3})),
              "used": {Period.DAY: Used(2, 0)}}, None),
            ({"terms": terms(caps=Caps(amount={Period.WEEK: 99_99})),
              "used": {Period.WEEK: Used(1, 50_00)}}, Limit.BUDGET),
            ({"terms": terms(caps=Caps(amount={Period.WEEK: 100_00})),
              "used": {Period.WEEK: Used(1, 50_00)}}, None),
            ({"wallet": 49_99}, Limit.FUNDS),
            ({"stuck": 1}, Limit.DELIVERY),
            ({"met": Met(10, 0, 0)}, Limit.FILTER),
            ({"met": Met(0, 0, 0)}, None),
            ({"met": Met(10, 3, 0)}, Limit.PRICE),
            ({"met": Met(10, 3, 1)}, None),
        ],
    )  # fmt: skip
    def test_the_first_limit_is_the_status(self, changes, limit):
        assert limit_of(facts(**changes)) is limit

    def test_all_of_them_are_listed_in_order(self):
        found = facts(may_trade=False, wallet=0, stuck=2)
        assert list(limits(found)) == [Limit.ACCOUNT, Limit.FUNDS, Limit.DELIVERY]

    def test_the_price_of_the_hour_is_what_funds_must_cover(self):
        dear = Opening(frozenset({0}), time(10), time(11), price=60_00)
        assert limit_of(facts(terms=terms(schedule=(dear,)))) is Limit.FUNDS


class TestStanding:
    def test_the_reason_stands_in_words(self, cast):
        contract = make_contract(cast.buyer, caps=Caps(leads={Period.DAY: 3}))
        standing = queries.contract_standings([contract])[0]
        assert standing.limit is Limit.FUNDS
        text = diagnosing.reason(standing).in_english()
        assert text == "by funds: a lead costs 50.00 USD, the wallet holds 0.00 USD"

    def test_a_price_under_what_is_asked_limits(self, cast):
        fund_wallet(cast.buyer, 1_000_00)
        make_listing(cast.seller, leads=6, price=60_00)
        contract = make_contract(cast.buyer, price=50_00)
        found = queries.diagnosis(contract)
        assert found.standing.limit is Limit.PRICE
        assert found.asked == Money(60_00, Currency.USD)
        assert found.met == Met(6, 6, 0)
        assert found.narrowest is None

    def test_the_filter_that_removes_most_is_the_one_without_which_most_fit(self, cast):
        fund_wallet(cast.buyer, 1_000_00)
        make_listing(cast.seller, leads=6, values={"region": "OH"}, price=40_00)
        shared = make_listing(
            cast.seller, leads=7, values={"region": "TX"}, kind=LeadKind.SHARED, price=40_00
        )
        contract = make_contract(cast.buyer, regions=("OH",), kinds=(LeadKind.SHARED,))
        found = queries.diagnosis(contract)
        assert found.standing.limit is Limit.FILTER
        assert (found.narrowest.misfit, found.narrowest.leads) == ("region", 7)
        assert shared.price.amount == 40_00
