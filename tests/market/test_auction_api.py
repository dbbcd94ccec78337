"""Auctions for programs: announce, bid, change, withdraw, prove."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.idempotency import IdempotencyKey
from exchange.market.auction_proof import verify
from exchange.market.services import awards
from tests.factories.auctions import HOUR, make_auction
from tests.factories.billing import fund_wallet
from tests.factories.market import make_listing

API = "/api/v1"


@pytest.fixture
def listing(cast):
    made = make_listing(cast.seller, leads=10, price=45_00)
    for buyer in (cast.buyer, cast.other_buyer):
        fund_wallet(buyer, 10_000_00)
    db.session.commit()
    return made


@pytest.fixture
def seller(cast):
    return cast.seller.key("listing:publish", "batch:read")


@pytest.fixture
def buyer(cast):
    return cast.buyer.key("bid:place", "market:read")


@pytest.fixture
def auction(cast, listing):
    made = make_auction(cast.seller, listing)
    db.session.commit()
    return made


@pytest.fixture
def path(auction):
    return f"{API}/auctions/{auction.public_id}"


def offer(amount: int, units: int = 1, currency: str = "USD") -> dict:
    return {"amount": {"amount": amount, "currency": currency}, "units": units}


def place(client, path, headers, key, **asked):
    return client.post(
        f"{path}/bids", json=offer(**asked), headers={**headers, "Idempotency-Key": key}
    )


def test_it_is_announced(client, listing, seller):
    asked = {
        "listing_id": listing.public_id,
        "units": 4,
        "closes_at": (clock.now() + timedelta(hours=2)).isoformat(),
    }
    answer = client.post(
        f"{API}/auctions", json=asked, headers={**seller, "Idempotency-Key": "one"}
    )
    assert answer.status_code == 201, answer.json
    assert (answer.json["status"], answer.json["floor"]["amount"]) == ("open", 45_00)
    found = client.get(f"{API}/auctions?status=open", headers=seller).json["data"]
    assert [one["id"] for one in found] == [answer.json["id"]]
    again = client.post(f"{API}/auctions", json=asked, headers={**seller, "Idempotency-Key": "two"})
    assert (again.status_code, again.json["code"]) == (409, "auction_running")


def test_who_may_not_see_the_listing_does_not_see_its_auction(client, cast, listing, buyer, path):
    listing.buyers_never = [cast.buyer.organization.public_id]
    db.session.commit()
    assert client.get(path, headers=buyer).status_code == 404
    assert client.get(f"{API}/auctions", headers=buyer).json["data"] == []
    other = cast.other_buyer.key("market:read")
    assert len(client.get(f"{API}/auctions", headers=other).json["data"]) == 1


def test_a_moment_has_its_zone(client, listing, seller):
    asked = {"listing_id": listing.public_id, "units": 4, "closes_at": "2030-01-01T10:00:00"}
    answer = client.post(
        f"{API}/auctions", json=asked, headers={**seller, "Idempotency-Key": "one"}
    )
    assert answer.status_code == 422


def test_a_bid_comes_back_without_its_amount(client, path, buyer):
    answer = place(client, path, buyer, "one", amount=50_00, units=3)
    assert answer.status_code == 201, answer.json
    made = answer.json
    assert (made["status"], made["sequence"], made["amount"], made["units"]) == (
        "sealed", 1, None, None,
    )  # fmt: skip
    assert made["held"] == {"amount": 3 * 56_25, "currency": "USD"}
    assert client.get(path, headers=buyer).json["own_bid"]["id"] == made["id"]
    assert client.get(path, headers=buyer).json["bids"] == 1


def test_a_repeat_is_one_bid_and_another_under_its_key_is_refused(client, path, buyer):
    first = place(client, path, buyer, "one", amount=50_00)
    assert place(client, path, buyer, "one", amount=50_00).data == first.data
    other = place(client, path, buyer, "one", amount=51_00)
    assert other.json["code"] == "idempotency_conflict"
    assert client.get(path, headers=buyer).json["head"] == first.json["link"]


def test_the_kept_answer_of_a_bid_does_not_tell_it(client, path, buyer):
    """Nor does the hash of what was sent: it is keyed, or all prices could be tried."""
    place(client, path, buyer, "one", amount=471_337)
    kept = db.session.scalar(select(IdempotencyKey).where(IdempotencyKey.key == "one"))
    assert b"471337" not in kept.body
    assert len(kept.request_hash) == 16


def test_it_is_withdrawn_once(client, path, buyer, cast):
    made = place(client, path, buyer, "one", amount=50_00).json
    stranger = cast.other_buyer.key("bid:place", "market:read")
    address = f"{path}/bids/{made['id']}"
    assert client.delete(address, headers=stranger).status_code == 404
    assert client.delete(address, headers=buyer).json["status"] == "withdrawn"
    assert client.delete(address, headers=buyer).status_code == 409


@pytest.mark.parametrize(
    "asked",
    [offer(44_99), offer(50_00, 11), offer(50_00, 0), offer(50_00, 1, "EUR"), {"units": 1},
     {**offer(50_00), "units": "2"}],
)  # fmt: skip
def test_what_is_no_bid_is_refused(client, path, buyer, asked):
    answer = client.post(f"{path}/bids", json=asked, headers={**buyer, "Idempotency-Key": "one"})
    assert answer.status_code == 422


def test_who_lacks_money_is_told_how_much(client, path, buyer):
    answer = place(client, path, buyer, "one", amount=20_000_00)
    assert (answer.status_code, answer.json["code"]) == (402, "insufficient_funds")


def test_after_the_close_everybody_can_prove_it(client, path, auction, buyer):
    place(client, path, buyer, "one", amount=50_00, units=3)
    early = client.get(f"{path}/proof").json
    assert (early["openings"], early["result"]) == ([], None)
    clock.advance(HOUR)
    awards.close(auction_id=auction.id)
    db.session.commit()
    late = place(client, path, buyer, "two", amount=60_00)
    assert (late.status_code, late.json["code"]) == (410, "auction_over")
    proof = client.get(f"{path}/proof").json
    assert verify(proof, seen={1: early["entries"][0]["link"]}) == []
    own = client.get(path, headers=buyer).json["own_bid"]
    assert (own["amount"]["amount"], own["units_won"]) == (50_00, 3)
    assert own["order_id"].startswith("ord_")


def test_a_seller_does_not_bid_and_a_buyer_does_not_announce(client, path, seller, buyer):
    assert place(client, path, seller, "one", amount=50_00).status_code == 404
    answer = client.post(f"{API}/auctions", json={}, headers={**buyer, "Idempotency-Key": "x"})
    assert answer.status_code == 404
