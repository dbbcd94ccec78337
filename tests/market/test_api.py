"""The market's API: works, refuses strangers, refuses bad input."""

from __future__ import annotations

import pytest

from exchange.core import clock
from exchange.core.db import db
from exchange.market import queries
from exchange.market.models import ListingStatus, Order
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of, make_batch
from tests.factories.market import make_draft, make_listing, place

API = "/api/v1"


@pytest.fixture
def buyer(cast):
    return cast.buyer.key("market:read", "order:place", "order:read")


@pytest.fixture
def seller(cast):
    return cast.seller.key("listing:publish", "batch:read")


@pytest.fixture
def listing(cast):
    fund_wallet(cast.buyer)
    made = make_listing(cast.seller, leads=10)
    db.session.commit()
    return made


def order(client, headers, listing, key="k1", **body):
    body = {"listing_id": listing.public_id, "terms_version": 1, **body}
    return client.post(f"{API}/orders", json=body, headers={**headers, "Idempotency-Key": key})


class TestVerticals:
    def test_anybody_sees_what_is_traded(self, client, cast):
        make_vertical()
        answer = client.get(f"{API}/verticals").json
        assert answer["object"] == "list"
        assert [one["code"] for one in answer["data"]] == ["home_improvement_us"]

    def test_fields_rules_and_prices_of_one(self, client, cast):
        make_vertical()
        answer = client.get(f"{API}/verticals/home_improvement_us").json
        assert {"project", "region"} <= set(answer["criteria"])
        assert "phone" not in answer["criteria"]
        assert answer["return_rules"]["window_hours"] == 72
        assert answer["quality_classes"]["standard"] == {"amount": 4500, "currency": "USD"}
        assert answer["price_guidance"] == {"reason": "not enough sales"}

    def test_price_guidance_with_enough_sales(self, client, cast):
        fund_wallet(cast.buyer)
        place(cast.buyer, make_listing(cast.seller, leads=20), 20)
        db.session.commit()
        answer = client.get(f"{API}/verticals/home_improvement_us").json
        assert answer["price_guidance"]["median"] == {"amount": 4500, "currency": "USD"}
        assert answer["price_guidance"]["n"] == 20
        by_age = {one["within_hours"]: one["guidance"] for one in answer["price_guidance_by_age"]}
        assert by_age[24]["n"] == 20
        assert by_age[None] is None

    def test_an_unknown_one(self, client, cast):
        assert client.get(f"{API}/verticals/yachts").status_code == 404


class TestListings:
    def test_a_buyer_searches(self, client, listing, buyer):
        answer = client.get(f"{API}/listings?vertical=home_improvement_us", headers=buyer).json
        (found,) = answer["data"]
        assert found["id"] == listing.public_id
        assert found["price"] == {"amount": 4500, "currency": "USD"}
        assert (found["available"], found["max_sales"]) == (10, 1)
        assert found["seller"] == "Northern Leads"
        assert found["batch_id"] is None
        assert (found["seller_grade"], answer["facets"]["grades"]) == ("new", {"new": 10})
        facets = answer["facets"]
        assert facets["kinds"] == {"exclusive": 10}
        assert facets["attributes"]["is_homeowner"] == {"true": 10}
        assert set(facets["attributes"]["project"].values()) == {None}  # fewer than five people
        assert facets["exact"] is True
        assert answer["counted_at"][:16] == f"{clock.now():%Y-%m-%dT%H:%M}"

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("temperature=warm", 1), ("temperature=hot&temperature=cold", 0), ("grade=new", 1),
            ("grade=A&grade=B", 0), ("has=email&has=consent", 1), ("price_min=4501", 0),
            ("price_min=4500&price_max=4500", 1),
        ],
    )  # fmt: skip
    def test_narrows_by(self, client, listing, buyer, query, found):
        answer = client.get(f"{API}/listings?{query}", headers=buyer).json
        assert len(answer["data"]) == found

    def test_criteria_hide_small_counts(self, client, listing, buyer):
        query = {
            "vertical": "home_improvement_us",
            "criteria": '{"field": "project", "is": "windows"}',
        }
        answer = client.get(f"{API}/listings", query_string=query, headers=buyer).json
        assert [found["available"] for found in answer["data"]] == [None]

    @pytest.mark.parametrize(
        "query",
        ["criteria={}&vertical=", "vertical=home_improvement_us&criteria=x", "kind=odd",
         "criteria=%7B%22field%22%3A1%7D", "fresh_hours=0", "limit=101"],
    )  # fmt: skip
    def test_bad_filters_are_refused(self, client, listing, buyer, query):
        answer = client.get(f"{API}/listings?{query}", headers=buyer)
        assert answer.status_code in {404, 422}, answer.json
        assert answer.json["code"] in {"invalid", "not_found"}

    def test_a_seller_sees_the_own_ones_in_every_state(self, client, cast, listing, seller):
        draft = make_draft(cast.seller, leads=1, source="other")
        make_listing(cast.other_seller, leads=1)
        db.session.commit()
        answer = client.get(f"{API}/listings", headers=seller).json
        assert [found["id"] for found in answer["data"]] == [draft.public_id, listing.public_id]
        assert answer["data"][0]["batch_id"].startswith("batch_")
        only = client.get(f"{API}/listings?status=draft", headers=seller).json
        assert len(only["data"]) == 1

    def test_nobody_without_a_key(self, client, listing):
        assert client.get(f"{API}/listings").status_code == 401

    def test_one_listing_and_its_masked_leads(self, client, cast, listing, buyer):
        path = f"{API}/listings/{listing.public_id}"
        assert client.get(path, headers=buyer).json["quality_class"] == "standard"
        answer = client.get(f"{path}/leads?limit=3", headers=buyer)
        assert len(answer.json["data"]) == 3
        assert answer.json["has_more"] is True
        assert "+1614" not in answer.get_data(as_text=True)
        rest = client.get(f"{path}/leads?cursor={answer.json['next_cursor']}", headers=buyer)
        assert len(rest.json["data"]) == 7

    def test_a_strangers_draft_does_not_exist(self, client, cast, buyer):
        draft = make_draft(cast.seller, leads=1)
        db.session.commit()
        stranger = cast.other_seller.key("batch:read")
        for headers in (buyer, stranger):
            answer = client.get(f"{API}/listings/{draft.public_id}", headers=headers)
            assert answer.status_code == 404

    def test_a_seller_puts_a_batch_on_sale(self, client, cast, seller):
        batch = make_batch(cast.seller, leads=2)
        db.session.commit()
        answer = client.post(
            f"{API}/listings",
            json={"batch_id": batch.public_id, "price": {"amount": 4000, "currency": "USD"}},
            headers={**seller, "Idempotency-Key": "x"},
        )
        assert answer.status_code == 201, answer.json
        assert (answer.json["status"], answer.json["price"]["amount"]) == ("published", 4000)

    def test_a_strangers_batch_does_not_exist(self, client, cast, seller):
        batch = make_batch(cast.other_seller, leads=2)
        db.session.commit()
        answer = client.post(
            f"{API}/listings",
            json={"batch_id": batch.public_id},
            headers={**seller, "Idempotency-Key": "x"},
        )
        assert answer.status_code == 404

    def test_price_and_state_are_changed(self, client, cast, listing, seller):
        path = f"{API}/listings/{listing.public_id}"
        body = {"price": {"amount": 5000, "currency": "USD"}, "status": "paused"}
        answer = client.patch(path, json=body, headers=seller).json
        assert (answer["price"]["amount"], answer["terms_version"]) == (5000, 2)
        assert answer["status"] == "paused"
        assert client.patch(path, json={"status": "published"}, headers=seller).status_code == 200

    @pytest.mark.parametrize(
        "body",
        [{"price": 5}, {"status": "sold_out"}, {"price": {"amount": 1, "currency": "EUR"}},
         {"price": {"amount": 0, "currency": "USD"}}],
    )  # fmt: skip
    def test_senseless_changes_are_refused(self, client, listing, seller, body):
        path = f"{API}/listings/{listing.public_id}"
        assert client.patch(path, json=body, headers=seller).status_code == 422

    def test_strangers_change_nothing(self, client, cast, listing, buyer):
        path = f"{API}/listings/{listing.public_id}"
        other = cast.other_seller.key("listing:publish")
        for headers in (other, buyer):
            answer = client.patch(path, json={"status": "paused"}, headers=headers)
            assert answer.status_code == 404
        assert listing.status is ListingStatus.PUBLISHED


class TestOrders:
    def test_a_buyer_buys(self, client, listing, buyer):
        answer = order(client, buyer, listing, quantity=2)
        assert answer.status_code == 201, answer.json
        assert answer.json["status"] == "fulfilled"
        assert answer.json["total"] == {"amount": 9000, "currency": "USD"}
        assert [line["status"] for line in answer.json["lines"]] == ["delivered"] * 2

    def test_the_same_key_buys_once(self, client, listing, buyer):
        first = order(client, buyer, listing, quantity=1)
        second = order(client, buyer, listing, quantity=1)
        assert second.data == first.data
        assert db.session.query(Order).count() == 1

    def test_the_same_key_for_something_else(self, client, listing, buyer):
        order(client, buyer, listing, quantity=1)
        answer = order(client, buyer, listing, quantity=2)
        assert (answer.status_code, answer.json["code"]) == (409, "idempotency_conflict")

    def test_without_a_key_nothing_is_bought(self, client, listing, buyer):
        body = {"listing_id": listing.public_id, "terms_version": 1, "quantity": 1}
        answer = client.post(f"{API}/orders", json=body, headers=buyer)
        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_required")

    def test_chosen_leads(self, client, listing, buyer):
        lead = leads_of(queries.get_batch_of(listing))[7]
        answer = order(client, buyer, listing, lead_ids=[lead.public_id])
        assert [line["lead_id"] for line in answer.json["lines"]] == [lead.public_id]

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"quantity": 11}, 410, "sold_out"),
            ({"quantity": 1, "terms_version": 7}, 409, "terms_changed"),
            ({"quantity": 0}, 422, "invalid"),
            ({"quantity": "1"}, 422, "invalid"),
            ({}, 422, "invalid"),
            ({"quantity": 1, "lead_ids": ["lead_1"]}, 422, "invalid"),
            ({"quantity": 1, "criteria": {"field": "phone", "is": "x"}}, 422, "invalid"),
            ({"quantity": 1, "listing_id": "lst_1"}, 422, "invalid"),
        ],
    )
    def test_refusals_have_words(self, client, listing, buyer, body, status, code):
        answer = order(client, buyer, listing, **body)
        assert (answer.status_code, answer.json["code"]) == (status, code), answer.json

    def test_sold_out_says_how_many_are_left(self, client, listing, buyer):
        assert order(client, buyer, listing, quantity=11).json["left"] == 10

    def test_an_empty_wallet_says_what_is_missing(self, client, cast, listing):
        poor = cast.other_buyer.key("order:place")
        answer = order(client, poor, listing, quantity=2)
        assert (answer.status_code, answer.json["missing"]) == (402, 9000)

    def test_a_newcomer_is_told_why_not(self, client, cast, listing):
        answer = order(client, cast.newcomer.key("order:place"), listing, quantity=1)
        assert (answer.status_code, answer.json["code"]) == (403, "not_approved")

    def test_a_key_without_the_scope_finds_no_door(self, client, cast, listing):
        answer = order(client, cast.buyer.key("order:read"), listing, quantity=1)
        assert answer.status_code == 404

    def test_a_buyer_lists_and_shows_the_own_orders(self, client, cast, listing, buyer):
        made = order(client, buyer, listing, quantity=1).json
        shown = client.get(f"{API}/orders/{made['id']}", headers=buyer).json
        assert shown["id"] == made["id"]
        (row,) = client.get(f"{API}/orders", headers=buyer).json["data"]
        assert (row["id"], row["charged"]["amount"]) == (made["id"], 4500)
        assert "lines" not in row
        stranger = cast.other_buyer.key("order:read")
        assert client.get(f"{API}/orders/{made['id']}", headers=stranger).status_code == 404
        assert client.get(f"{API}/orders", headers=stranger).json["data"] == []
