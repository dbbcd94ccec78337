"""The wanted board: figures of three buyers or more, and of nobody in particular."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exchange.catalog.criteria import All, Between, In, Is
from exchange.core import clock
from exchange.core.db import db, save
from exchange.core.money import Money
from exchange.identity.permissions import OrganizationKind
from exchange.identity.services import suspend_organization
from exchange.market.contract_checks import CAP_MAX
from exchange.market.contract_models import CapUse, ContractStatus
from exchange.market.contract_terms import ActionTerms, Caps, Period, period_start
from exchange.market.models import PricingModel
from exchange.market.queries.demand import WantedRow, wanted
from tests.cast import Cast, Player, make_company
from tests.factories.catalog import make_vertical
from tests.factories.contracts import make_contract

OHIO = {"regions": ("OH",)}


@pytest.fixture
def buyers(cast: Cast) -> list[Player]:
    """Three of them, as many as a figure needs."""
    third = make_company("ben@third.example", OrganizationKind.BUYER, "Buyer of the North")
    return [cast.buyer, cast.other_buyer, third]


def board(region: str = "OH") -> WantedRow | None:
    vertical = make_vertical()
    rows = wanted(vertical_id=vertical.id, currency=vertical.currency, region=region)
    return next(iter(rows), None)


def usd(amount: int) -> Money:
    return Money(amount, make_vertical().currency)


class TestCounts:
    def test_nobody_is_a_row_that_is_missing(self, cast):
        assert board() is None

    def test_two_buyers_are_few_however_many_contracts_they_have(self, buyers):
        for buyer in buyers[:2]:
            for _ in range(5):
                make_contract(buyer, caps=Caps(leads={Period.DAY: 7}), **OHIO)
        row = board()
        assert (row.contracts, row.unfilled, dict(row.prices), row.asked) == (None, None, {}, {})
        assert not row.is_open

    def test_three_buyers_are_counted(self, buyers):
        for buyer in buyers:
            make_contract(buyer, **OHIO)
        assert board().contracts == 3

    def test_a_cap_without_measure_hides_nobody_elses_row(self, buyers):
        for buyer in buyers:
            make_contract(buyer, caps=Caps(leads={Period.DAY: CAP_MAX}), **OHIO)
        assert board().unfilled == 3 * CAP_MAX

    def test_a_contract_counts_in_each_region_that_it_names_and_nowhere_else(self, buyers):
        for buyer in buyers:
            make_contract(buyer, regions=("OH", "TX"))
            make_contract(buyer)
        assert [board(region).contracts for region in ("OH", "TX", "")] == [3, 3, 3]
        assert board("CA") is None

    def test_only_active_contracts_of_approved_buyers_count(self, cast, buyers):
        for buyer in buyers:
            make_contract(buyer, **OHIO)
        make_contract(cast.buyer, status=ContractStatus.PAUSED, **OHIO)
        make_contract(cast.newcomer, **OHIO)
        assert board().contracts == 3
        suspend_organization(
            organization_id=buyers[2].organization.id, reason="why", actor=cast.admin.actor
        )
        assert board().contracts is None


class TestPrices:
    def test_quartiles_need_five_contracts_of_three_buyers(self, buyers):
        for buyer, price in zip(buyers * 2, (1_000, 2_000, 3_000, 4_000, 5_000), strict=False):
            assert PricingModel.CPL not in (board().prices if board() else {})
            make_contract(buyer, price=price, **OHIO)
        band = board().prices[PricingModel.CPL]
        assert (band.low, band.median, band.high) == (usd(2_000), usd(3_000), usd(4_000))
        assert band.n == 5

    def test_leads_and_actions_are_not_mixed(self, buyers):
        for buyer in buyers * 2:
            make_contract(buyer, price=2_000, **OHIO)
            make_contract(
                buyer, price=90_000, pricing_model=PricingModel.CPA,
                action=ActionTerms("signed"), **OHIO,
            )  # fmt: skip
        medians = {model: band.median for model, band in board().prices.items()}
        assert medians == {PricingModel.CPL: usd(2_000), PricingModel.CPA: usd(90_000)}


class TestVolume:
    def test_what_daily_caps_still_take_is_summed(self, buyers):
        made = [make_contract(b, caps=Caps(leads={Period.DAY: 10}), **OHIO) for b in buyers]
        zone, now = make_vertical().time_zone, clock.now()
        today = period_start(Period.DAY, now, time_zone=zone)
        save(CapUse(contract_id=made[0].id, period=Period.DAY, starts_at=today, leads=4))
        save(CapUse(contract_id=made[1].id, period=Period.DAY, starts_at=today, leads=11))
        yesterday = period_start(Period.DAY, now - timedelta(days=1), time_zone=zone)
        save(CapUse(contract_id=made[2].id, period=Period.DAY, starts_at=yesterday, leads=9))
        row = board()
        assert (row.unfilled, row.is_open) == (6 + 0 + 10, False)

    def test_the_cap_of_one_buyer_is_not_told_among_open_ones(self, buyers):
        make_contract(buyers[0], caps=Caps(leads={Period.DAY: 10}), **OHIO)
        for buyer in buyers[1:]:
            make_contract(buyer, **OHIO)
        row = board()
        assert (row.unfilled, row.is_open) == (None, True)


class TestAsked:
    def test_an_attribute_is_named_from_three_buyers_on_with_its_share(self, buyers):
        both = All((Is("is_homeowner", True), In("project", ("roofing", "windows"))))
        for buyer, criteria in zip(buyers, (both, both, Is("is_homeowner", True)), strict=True):
            make_contract(buyer, criteria=criteria, **OHIO)
        make_contract(buyers[0], criteria=Between("budget", 1_000, None), **OHIO)
        assert board().asked == {"is_homeowner": 0.75}


def test_nothing_of_a_buyer_is_on_the_board(cast, buyers, client):
    for buyer in buyers:
        make_contract(buyer, **OHIO)
    db.session.commit()
    page = cast.seller.sign_in(client).get("/sellers/wanted").get_data(as_text=True)
    assert "Ohio" in page
    for buyer in buyers:
        ours = buyer.organization
        assert not any(name in page for name in (ours.name, ours.trade_name, ours.public_id))
    headers = cast.seller.key("batch:read")
    data = client.get("/api/v1/wanted?region=OH", headers=headers).json["data"]
    assert [(row["region"], row["contracts"]) for row in data] == [("OH", 3)]
    assert "is_homeowner" not in data[0]["asked_fields"]
