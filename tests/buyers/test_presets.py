"""The gallery: presets from the fields of a kind of lead and from what was sold, nothing made up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from exchange.buyers.presets import PresetKind, presets
from exchange.catalog.criteria import Is
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.market import queries
from exchange.market.contract_models import Contract
from exchange.market.models import LineStatus, OrderLine
from tests.cast import Cast
from tests.factories.actions import make_action_contract
from tests.factories.billing import fund_wallet
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.contracts import make_contract
from tests.factories.market import make_listing, place
from tests.sellers.test_views import keep, text_of, words_of

CAR_INSURANCE = "car_insurance_ru"
GALLERY = f"/buyers/contracts/presets?vertical={VERTICAL}"
NEW = f"/buyers/contracts/new?vertical={VERTICAL}"


@pytest.fixture
def page(app, cast: Cast) -> FlaskClient:
    make_vertical()
    keep()
    return cast.buyer.sign_in(app.test_client())


def sell(cast: Cast, project: str = "Roofing", leads: int = 30) -> None:
    """Leads sold to three buyers, a third each, and delivered."""
    values = {"project": project}
    listing = make_listing(cast.seller, leads=leads, price=45_00, values=values, source=project)
    for buyer in (cast.buyer, cast.other_buyer, cast.newcomer):
        buyer.organization.status = cast.buyer.organization.status
        fund_wallet(buyer, 100_000_00)
        for line in queries.lines_of(place(buyer, listing, leads // 3).id):
            line.status = LineStatus.DELIVERED
    db.session.flush()


def kinds(cast: Cast) -> list[PresetKind]:
    return [one.kind for one in presets(make_vertical(), viewer=cast.buyer.organization.id)]


class TestPresets:
    def test_without_sales_name_no_price_and_nothing_that_was_sold(self, cast):
        found = presets(make_vertical(), viewer=cast.buyer.organization.id)
        assert [one.kind for one in found] == [PresetKind.TRIAL, PresetKind.CALLED]
        assert [(one.price, one.matched) for one in found] == [(None, 0), (None, 0)]
        assert (found[0].terms.trial_leads, found[0].terms.age_hours_max) == (10, 24)

    def test_what_most_were_sold_with_is_told_of_twenty_sales_to_three_buyers(self, cast):
        sell(cast)
        sell(cast, "Windows", leads=6)
        found = presets(make_vertical(), viewer=cast.other_buyer.organization.id)
        sold = next(one for one in found if one.kind is PresetKind.SOLD)
        assert sold.terms.criteria == Is("project", "roofing")
        assert sold.price == Money(45_00, Currency.USD)
        assert sold.sold is not None
        assert (sold.sold.n, sold.sold.share) == (30, 30 / 36)

    def test_of_two_buyers_it_is_not_told(self, cast):
        sell(cast)
        for line in db.session.query(OrderLine).filter_by(buyer_id=cast.newcomer.organization.id):
            line.status = LineStatus.RELEASED
        db.session.flush()
        assert PresetKind.SOLD not in kinds(cast)

    def test_of_nineteen_sales_neither(self, cast):
        sell(cast, leads=18)
        assert PresetKind.SOLD not in kinds(cast)


def order_by_three(cast: Cast, make: Callable[..., Contract], **asked: Any) -> None:
    """Five prices of three buyers each: enough to be told."""
    for price in (40_00, 42_00, 44_00, 46_00, 48_00):
        for buyer in (cast.buyer, cast.other_buyer, cast.newcomer):
            buyer.organization.status = cast.buyer.organization.status
            make(buyer, price=price, **asked)
    keep()


class TestGallery:
    def test_is_where_contracts_begin(self, page):
        assert "/buyers/contracts/presets" in text_of(page.get("/buyers/contracts"))
        assert GALLERY in text_of(page.get("/buyers/contracts/new"))
        words = words_of(page.get(GALLERY))
        assert "Try ten fresh leads" in words
        assert "You name the price: there are not enough sales" in words
        assert "Too few contracts of this kind run to tell what they pay." in words

    def test_another_kind_of_lead_takes_every_beginning_along(self, page):
        """What htmx puts in place is all that names the kind of lead."""
        make_vertical(CAR_INSURANCE)
        keep()
        other = f"/buyers/contracts/presets?vertical={CAR_INSURANCE}"
        block = text_of(page.get(other, headers={"HX-Request": "true"}))
        kinds = set(re.findall(r"contracts/new\?vertical=(\w+)", block))
        assert kinds == {CAR_INSURANCE}
        whole = text_of(page.get(other))
        assert whole.count("contracts/new?") == block.count("contracts/new?") == 3

    def test_a_preset_fills_in_the_form_and_saves_as_a_contract(self, page, cast):
        form = text_of(page.get(f"{NEW}&preset=trial"))
        for filled in ('name="name" type="text" value="Try ten fresh leads"', 'name="trial_leads"'):
            assert filled in form
        assert 'name="price" type="text" value=""' in form
        assert page.get(f"{NEW}&preset=dream").status_code == 404

    def test_names_what_others_pay_and_begins_there(self, page, cast):
        order_by_three(cast, make_contract, regions=("OH",))
        gallery = text_of(page.get(GALLERY))
        assert "$42.00 – $44.00 – $46.00 per lead" in gallery
        assert "region=OH&amp;price_max=44.00" in gallery
        form = text_of(page.get(f"{NEW}&region=OH&price_max=44.00"))
        assert 'value="OH" checked' in form
        assert 'name="price" type="text" value="44.00"' in form

    def test_prices_of_actions_are_none_of_leads(self, page, cast):
        order_by_three(cast, make_action_contract)
        words = words_of(page.get(GALLERY))
        assert "Too few contracts of this kind run to tell what they pay." in words
        assert "Begin at the median" not in words
