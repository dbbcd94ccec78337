"""What is shown of a person's request: how warm it is, and what the person agreed to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.core import clock
from exchange.core.db import db
from exchange.leads.models import ConsentText
from exchange.leads.services import repeats
from exchange.market import queries
from tests.factories.fulfillment import buy, make_return
from tests.factories.leads import leads_of
from tests.factories.market import make_listing


@pytest.fixture
def listing(cast):
    """One lead whose person asked three days before and again just now."""
    asked = clock.now() - timedelta(days=3, hours=1)
    listing = make_listing(cast.seller, leads=1, requested_at=asked)
    (lead,) = leads_of(queries.get_batch_of(listing))
    repeats.attach([repeats.Repeat(lead.id, clock.now(), lead.source_id)])
    db.session.commit()
    return listing


def text() -> str:
    return db.session.scalars(select(ConsentText.text)).one()


class TestTemperature:
    def test_a_row_of_the_market_says_that_the_person_asked_twice(self, cast, client, listing):
        cast.buyer.sign_in(client)
        page = client.get(f"/buyers/listings/{listing.public_id}").get_data(as_text=True)
        assert "asked 2 times" in page
        assert "temp-hot" in page

    def test_the_api_gives_the_facts(self, cast, client, listing):
        key = cast.buyer.key("market:read")
        path = f"/api/v1/listings/{listing.public_id}/leads"
        (lead,) = client.get(path, headers=key).get_json()["data"]
        assert lead["asks"] == 2
        assert lead["temperature"]["value"] == "hot"
        assert lead["temperature"]["because"] == "asked_again"
        assert lead["last_asked_at"] > lead["requested_at"]

    def test_the_buyers_page_says_when_they_asked_again(self, cast, client, listing):
        (line,) = buy(cast.buyer, listing)
        db.session.commit()
        cast.buyer.sign_in(client)
        page = client.get(f"/buyers/leads/{line.public_id}").get_data(as_text=True)
        assert "Asked again" in page
        assert "temp-hot" in page


class TestConsent:
    def test_a_buyer_sees_it_on_the_page(self, cast, client, listing):
        (line,) = buy(cast.buyer, listing)
        db.session.commit()
        cast.buyer.sign_in(client)
        assert text() in client.get(f"/buyers/leads/{line.public_id}").get_data(as_text=True)

    def test_a_stranger_does_not_see_it_before_buying(self, cast, client, listing):
        cast.buyer.sign_in(client)
        page = client.get(f"/buyers/listings/{listing.public_id}").get_data(as_text=True)
        assert text() not in page

    def test_it_comes_with_the_contact(self, cast, client, listing):
        (line,) = buy(cast.buyer, listing)
        order = queries.get_order(line.order_id, viewer=None)
        db.session.commit()
        key = cast.buyer.key("contact:open")
        answer = client.get(f"/api/v1/orders/{order.public_id}/leads", headers=key)
        consent = answer.get_json()["data"][0]["consent"]
        assert consent["text"] == text()
        assert consent["given_at"]
        assert consent["purposes"] == ["quality_check"]
        assert consent["buyers"] == []

    def test_the_operator_sees_it_beside_a_return(self, cast, client, listing):
        (line,) = buy(cast.buyer, listing)
        found = make_return(cast, line)
        db.session.commit()
        cast.admin.sign_in(client)
        page = client.get(f"/admin/returns/{found.public_id}").get_data(as_text=True)
        assert text() in page
