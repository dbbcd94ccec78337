"""What a seller learns afterwards of single leads and pings: sold, or why nobody bought."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exchange.core import clock
from exchange.core.db import db
from exchange.core.ids import encode
from exchange.leads.models import LeadKind
from exchange.leads.post_models import Post
from exchange.market import queries
from exchange.market.contract_terms import Caps, Period
from exchange.market.queries.pings import listing_of_open_lot
from exchange.market.services import listings, matches, pings
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.fulfillment import buy
from tests.factories.leads import make_person
from tests.factories.market import make_listing
from tests.factories.pings import lead_of, make_ping
from tests.factories.pings import post as post_for_ping
from tests.factories.posts import make_body, make_terms, post
from tests.sellers.test_posting_pages import words_of

PRICE = 45_00  # what the source asks


@pytest.fixture
def terms(cast):
    made = make_terms(cast.seller, trusted=True)
    db.session.commit()
    return made


@pytest.fixture
def seller(app, cast):
    return cast.seller.sign_in(app.test_client())


@pytest.fixture
def key(cast):
    return cast.seller.key("batch:read", "lead:post")


def asked(client, key) -> dict:
    """A new ping with its answer."""
    found = client.post("/api/v1/pings", json=make_ping(), headers=key).json
    assert found["status"] == "no_match"
    return found


class TestWhyNobodyBids:
    def test_nobody_asks_for_such_a_lead(self, cast, client, key, terms):
        make_contract(cast.buyer, regions=("nowhere",))
        db.session.commit()
        found = asked(client, key)
        assert found["reason"] == "no_contract_asks"
        assert found["detail"] == "No standing order asks for such a lead."

    def test_who_asks_pays_less(self, cast, client, key, terms):
        make_contract(cast.buyer, price=PRICE - 1)
        db.session.commit()
        assert asked(client, key)["reason"] == "contracts_pay_less"

    @pytest.mark.parametrize("caps", [Caps({Period.DAY: 0}), Caps()])
    def test_who_asks_can_take_none_now(self, cast, client, key, terms, caps):
        """By a cap, or with an empty wallet: which of them is the buyer's own business."""
        make_contract(cast.buyer, price=PRICE, caps=caps)
        db.session.commit()
        assert asked(client, key)["reason"] == "no_contract_takes_now"

    def test_the_lot_is_not_open_to_contracts(self, cast, client, key, terms):
        post(cast.seller, terms)
        make_contract(cast.buyer, price=PRICE)
        listing = listing_of_open_lot(terms)
        assert listing is not None
        listings.pause(listing_id=listing.id, actor=cast.seller.actor)
        db.session.commit()
        assert asked(client, key)["reason"] == "not_open_to_contracts"


class TestPings:
    def test_each_with_its_bids_and_what_came_of_it(self, cast, seller, terms):
        pings.ask(terms_id=terms.id, sent=make_ping())
        fund_wallet(cast.buyer)
        make_contract(cast.buyer, price=PRICE + 7_00)
        missed = pings.ask(terms_id=terms.id, sent=make_ping())
        clock.advance(timedelta(minutes=2))
        person = make_person()
        sent = make_ping(person)
        answered = pings.ask(terms_id=terms.id, sent=sent)
        post_for_ping(cast.seller, answered, lead_of(sent, person))
        db.session.commit()
        assert missed.bids
        page = words_of(seller.get(f"/sellers/posting/{terms.public_id}/pings"))
        for words in (
            "No standing order asks for such a lead.",
            "nothing was posted within the minute",
            "sold for $52.00",
        ):
            assert words in page, words
        assert "Contracts bid for it. 2" in page
        assert cast.buyer.organization.name not in page
        assert "/pings" in seller.get(f"/sellers/posting/{terms.public_id}").text

    def test_of_all_sources_by_answer_and_source(self, cast, client, seller, terms):
        headers = cast.seller.key("batch:read")
        pings.ask(terms_id=terms.id, sent=make_ping())
        fund_wallet(cast.buyer)
        make_contract(cast.buyer, price=PRICE + 7_00)
        other = make_terms(cast.seller, source="another page", trusted=True)
        for _time in range(2):
            pings.ask(terms_id=other.id, sent=make_ping(source="another page"))
        other_seller = make_terms(cast.other_seller, trusted=True)
        pings.ask(terms_id=other_seller.id, sent=make_ping())
        db.session.commit()
        first = client.get("/api/v1/pings?limit=2", headers=headers).json
        assert [one["status"] for one in first["data"]] == ["matched", "matched"]
        assert first["data"][0]["bids"][0]["price"]["amount"] == PRICE + 7_00
        assert (first["data"][0]["outcome"], first["data"][0]["post_id"]) == ("open", None)
        rest = f"/api/v1/pings?limit=2&cursor={first['next_cursor']}"
        (last,) = client.get(rest, headers=headers).json["data"]
        assert (last["reason"], last["bids"], last["outcome"]) == ("no_contract_asks", [], None)
        source = first["data"][0]["source_id"]
        assert last["source_id"] != source
        for asked, count in (
            ("", 3), ("answer=matched", 2), ("answer=duplicate", 0), (f"source_id={source}", 2),
            (f"source_id={source}&answer=no_match", 0),
        ):  # fmt: skip
            found = client.get(f"/api/v1/pings?{asked}", headers=headers).json
            page = seller.get(f"/sellers/posting/pings?{asked}").text
            assert len(found["data"]) == page.count("<tr>") - bool(count) == count, asked
        assert "No ping fits these filters" in page
        assert "/sellers/posting/pings" in seller.get("/sellers/posting").text

    def test_before_the_first_one(self, seller, terms):
        page = words_of(seller.get(f"/sellers/posting/{terms.public_id}/pings"))
        assert "Nothing was pinged yet" in page
        assert "Nothing was pinged yet" in words_of(seller.get("/sellers/posting/pings"))

    def test_a_source_in_test_mode_is_asked_and_asks_nobody(self, cast, client, key, terms):
        fund_wallet(cast.buyer)
        make_contract(cast.buyer, price=PRICE + 7_00)
        terms.is_test = True
        db.session.commit()
        found = client.post("/api/v1/pings", json=make_ping(), headers=key).json
        assert (found["test"], found["id"]) == (True, None)
        assert found["bids"][0]["price"]["amount"] == PRICE

    def test_after_a_minute_the_post_is_told_to_ping_again(self, cast, client, key, terms):
        fund_wallet(cast.buyer)
        make_contract(cast.buyer, price=PRICE)
        db.session.commit()
        person = make_person()
        sent = make_ping(person)
        found = client.post("/api/v1/pings", json=sent, headers=key).json
        clock.advance(timedelta(seconds=61))
        db.session.commit()
        lead = lead_of(sent, person, ping_id=found["id"], bid_id="any")
        late = client.post("/api/v1/leads", json=lead, headers=key)
        assert (late.status_code, late.json["code"]) == (410, "ping_expired")
        assert "Ping again" in late.json["detail"]

    def test_strangers_find_none(self, app, cast, terms):
        stranger = cast.other_seller.sign_in(app.test_client())
        assert stranger.get(f"/sellers/posting/{terms.public_id}/pings").status_code == 404


class TestPosts:
    @pytest.fixture
    def posted(self, cast, terms) -> Post:
        """A shared lead on sale that a contract bought and three buyers pay too little for."""
        terms.kind, terms.sales_max = LeadKind.SHARED, 3
        fund_wallet(cast.buyer)
        made = post(cast.seller, terms).post
        make_contract(cast.buyer, price=PRICE + 1_00)
        for player in (cast.buyer, cast.other_buyer, cast.newcomer):
            make_contract(player, price=PRICE - 1)
        listing = listing_of_open_lot(terms)
        assert listing is not None
        matches.match_listing(listing_id=listing.id)
        db.session.commit()
        return made

    def test_the_page_says_who_paid_what_and_why_others_did_not(self, cast, seller, terms, posted):
        page = words_of(seller.get(f"/sellers/posting/posts/{posted.public_id}"))
        assert "standing order" in page
        assert "$46.00" in page
        assert "The contract pays less than is asked" in page
        assert cast.buyer.organization.name not in page
        posts = seller.get(f"/sellers/posting/{terms.public_id}").text
        assert f"/sellers/posting/posts/{posted.public_id}" in posts

    def test_the_api_says_the_same(self, cast, client, key, posted):
        found = client.get(f"/api/v1/posts/{posted.public_id}", headers=key).json
        assert (found["id"], found["status"]) == (posted.public_id, "accepted")
        assert found["state"] == "reserved"
        assert [sale["price"]["amount"] for sale in found["sales"]] == [PRICE + 1_00]
        assert found["refusals"]["reasons"][0]["reason"] == "price"
        assert "buyer" not in found["sales"][0]

    def test_what_was_not_kept_says_why(self, cast, client, key, seller, terms):
        made = post(cast.seller, terms, make_body({"name": "T", "phone": "12345"})).post
        db.session.commit()
        found = client.get(f"/api/v1/posts/{made.public_id}", headers=key).json
        assert (found["state"], found["sales"], found["refusals"]) == ("rejected", [], None)
        assert "/contact/phone" in {error["pointer"] for error in found["errors"]}
        assert "Nothing of it was kept." in words_of(
            seller.get(f"/sellers/posting/posts/{made.public_id}")
        )

    def test_before_it_met_anybody_it_is_on_sale(self, cast, seller, terms):
        made = post(cast.seller, terms).post
        db.session.commit()
        page = words_of(seller.get(f"/sellers/posting/posts/{made.public_id}"))
        assert "nobody has bought it yet" in page

    def test_strangers_find_none(self, app, client, cast, posted):
        stranger = cast.other_seller.sign_in(app.test_client())
        assert stranger.get(f"/sellers/posting/posts/{posted.public_id}").status_code == 404
        other = cast.other_seller.key("batch:read")
        api = f"/api/v1/posts/{posted.public_id}"
        assert client.get(api, headers=other).status_code == 404
        nobodys = encode(Post.PREFIX, posted.terms_id)
        assert client.get(f"/api/v1/posts/{nobodys}", headers=other).status_code == 404


def test_a_sale_names_the_buyer_as_lists_do(cast, seller, terms):
    buy(cast.buyer, make_listing(cast.seller), quantity=1)
    db.session.commit()
    (known,) = queries.buyers_of(cast.seller.organization.id)
    assert known.pseudonym in words_of(seller.get("/sellers/sales"))
