"""The first page: three steps for who is new, figures for who has bought."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from exchange.core import clock
from exchange.core.money import Currency
from exchange.market.models import Listing
from tests.buyers.support import bought, keep, text_of, words_of
from tests.cast import Cast
from tests.factories.billing import fund_wallet


def test_who_is_new_is_shown_the_way(buyer: FlaskClient):
    words = words_of(buyer.get("/buyers/"))
    for part in ("See what was measured", "Buy as few as five", "Call, or send back"):
        assert part in words
    assert 'href="/buyers/market"' in text_of(buyer.get("/buyers/"))
    assert "Latest orders" not in words


def test_who_has_bought_sees_money_leads_and_orders(
    buyer: FlaskClient, listing: Listing, cast: Cast
):
    order = bought(buyer, listing, 4)
    page = text_of(buyer.get("/buyers/"))
    words = words_of(buyer.get("/buyers/"))
    assert "Wallet $820.00" in words
    assert "Leads bought this week 4" in words
    assert "4 in 30 days for $180.00" in words
    assert order in page
    clock.advance(timedelta(days=8))
    keep()
    words = words_of(buyer.get("/buyers/"))
    assert "Leads bought this week 0" in words
    assert "4 in 30 days for $180.00" in words


def test_currencies_stand_beside_each_other_and_are_never_added(
    buyer: FlaskClient, listing: Listing, cast: Cast
):
    fund_wallet(cast.buyer, 5_000_00, Currency.RUB)
    bought(buyer, listing, 1)
    words = words_of(buyer.get("/buyers/"))
    assert "RUB 5,000.00" in words
    assert "$955.00" in words


def test_lists_have_their_own_words_for_nothing_yet(buyer: FlaskClient):
    assert "Nothing ordered yet" in words_of(buyer.get("/buyers/orders"))
    assert "Bought leads arrive here" in words_of(buyer.get("/buyers/leads"))
    assert "Nothing returned" in words_of(buyer.get("/buyers/returns"))
    assert "No order is in this state" in words_of(buyer.get("/buyers/orders?status=settled"))
    assert "No return is in this state" in words_of(buyer.get("/buyers/returns?status=closed"))


def test_a_state_that_does_not_exist_is_refused(buyer: FlaskClient):
    for address in (
        "/buyers/orders?status=lost",
        "/buyers/leads?status=lost",
        "/buyers/leads?closing=x",
    ):
        assert buyer.get(address).status_code == 422


def test_a_cursor_that_no_page_gave_out_is_not_found(buyer: FlaskClient, listing: Listing):
    for address in ("market", "orders", "leads", "returns", f"listings/{listing.public_id}"):
        assert buyer.get(f"/buyers/{address}?cursor=nonsense").status_code == 404, address
