"""Trying a listing on its pages, and what a page says of how a listing is sold."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.market.decay import Fall
from exchange.market.models import Listing, ListingMode, Order
from exchange.market.services import listings
from tests.buyers.conftest import Enter
from tests.buyers.support import bought, keep, key, text_of, words_of
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy


def attempt(client: FlaskClient, listing: Listing, *, version: int = 1, status: int = 303) -> str:
    keep()
    sent = {"terms_version": version, "idempotency_key": key()}
    answer = client.post(f"/buyers/listings/{listing.public_id}/test-orders", data=sent)
    return text_of(answer, status) if status != 303 else answer.headers["Location"]


def page_of(client: FlaskClient, listing: Listing) -> str:
    keep()
    return words_of(client.get(f"/buyers/listings/{listing.public_id}"))


class TestTrying:
    def test_five_leads_are_bought_and_the_order_says_that_it_was_a_test(self, buyer, listing):
        assert "Try 5 leads" in page_of(buyer, listing)
        restated = words_of(buyer.get(f"/buyers/listings/{listing.public_id}/try"))
        assert "Try 5 leads for $225.00?" in restated
        page = text_of(buyer.get(attempt(buyer, listing)))
        seed = db.session.scalars(select(Order.test_seed)).one()
        for said in ("Order of 5 leads", "Test purchase", seed.hex()):
            assert said in page

    def test_it_is_offered_once(self, buyer, listing):
        attempt(buyer, listing)
        assert "Try 5 leads" not in page_of(buyer, listing)
        assert "You have bought from this listing already" in attempt(buyer, listing, status=409)

    def test_nor_to_who_bought_before(self, buyer, listing):
        bought(buyer, listing, 1)
        assert "Try 5 leads" not in page_of(buyer, listing)

    def test_a_new_price_is_said_before_anything_is_bought(self, buyer, listing, cast: Cast):
        listings.set_price(
            listing_id=listing.id, price=Money(50_00, Currency.USD), actor=cast.seller.actor
        )
        page = attempt(buyer, listing, status=409)
        assert "$45.00" in page
        assert "$250.00" in page
        assert db.session.scalars(select(Order)).all() == []

    def test_a_program_tries_it_too(self, client: FlaskClient, cast: Cast, listing):
        headers = {**cast.buyer.key("order:place"), "Idempotency-Key": "once"}
        address = f"/api/v1/listings/{listing.public_id}/test_orders"
        answer = client.post(address, json={"terms_version": 1}, headers=headers)
        assert answer.status_code == 201, answer.json
        assert (answer.json["test"], len(answer.json["lines"])) == (True, 5)
        assert len(bytes.fromhex(answer.json["test_seed"])) == 16
        assert client.post(address, json={"terms_version": 1}, headers=headers).data == answer.data


class TestWays:
    def change(self, cast: Cast, listing: Listing, **changes) -> None:
        listings.change(listing_id=listing.id, changes=changes, actor=cast.seller.actor)

    def test_where_only_standing_orders_buy_there_is_no_button(self, buyer, listing, cast):
        self.change(cast, listing, mode=ListingMode.CONTRACTS)
        page = page_of(buyer, listing)
        assert "Sold to standing orders only" in page
        assert "Buy 1 for" not in page
        assert "Try 5 leads" not in page
        form = {"quantity": "1", "terms_version": "2", "idempotency_key": key()}
        refused = buyer.post(f"/buyers/listings/{listing.public_id}/orders", data=form)
        assert "This listing is sold to standing orders only." in words_of(refused, 409)
        assert "Standing orders only" in words_of(buyer.get("/buyers/market"))

    def test_a_price_that_falls_shows_each_step_and_its_end(self, buyer, listing, cast):
        self.change(cast, listing, decay=Fall(1_000, Money(30_00, Currency.USD)))
        page = page_of(buyer, listing)
        for said in ("$40.50", "$36.00", "$31.50", "never below $30.00"):
            assert said in page

    def test_who_is_denied_finds_nothing(self, buyer, listing, cast, enter: Enter):
        buy(cast.buyer, listing)
        listing.buyers_never = [cast.buyer.organization.public_id]
        keep()
        assert buyer.get(f"/buyers/listings/{listing.public_id}").status_code == 404
        assert listing.public_id not in text_of(buyer.get("/buyers/market"))
        other = enter(cast.other_buyer)
        assert listing.public_id in text_of(other.get("/buyers/market"))

    def test_an_aged_lead_says_when_it_was_sold(self, listing, cast, sweep, run_jobs, enter: Enter):
        buy(cast.buyer, listing, 2)
        for step in (timedelta(days=10), timedelta(days=91)):
            clock.advance(step)
            keep()
            sweep("fulfillment.settle")
            run_jobs()
        price = Money(9_00, Currency.USD)
        aged = listings.offer_aged(batch_id=listing.batch_id, price=price, actor=cast.seller.actor)
        fund_wallet(cast.other_buyer, 100_00)
        other = enter(cast.other_buyer)
        page = page_of(other, aged)
        assert "aged: each was sold to one buyer before, and is sold once more" in page
        assert "sold before, the first time" in page
        assert "Aged: sold before" in words_of(other.get("/buyers/market"))
        assert "Nothing is left for you here" in page_of(enter(cast.buyer), aged)
