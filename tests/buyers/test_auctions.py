"""Auctions through the pages: bid, change, withdraw, win, and the proof; nobody reads a bid early."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from exchange.core import clock
from exchange.core.db import db
from exchange.market import queries
from exchange.market.auction_models import BidStatus
from exchange.market.services import awards
from tests.buyers.support import keep, key, text_of, words_of
from tests.factories.auctions import HOUR, bid, make_auction
from tests.factories.billing import fund_wallet

SECRET = {"amount": "4 713,37", "units": "1"}  # as no other number is written


@pytest.fixture
def auction(cast, listing):
    for player in (cast.buyer, cast.other_buyer):
        fund_wallet(player, 50_000_00)
    made = make_auction(cast.seller, listing, units=10)
    keep()
    return made


@pytest.fixture
def path(auction):
    return f"/buyers/auctions/{auction.public_id}"


def seal(client, path, **form):
    return client.post(f"{path}/bids", data={"idempotency_key": key(), **form})


def own(cast, auction):
    return queries.latest_bids([auction.id], viewer=cast.buyer.organization.id)[auction.id]


def finish(auction):
    clock.advance(HOUR)
    awards.close(auction_id=auction.id)
    keep()


def test_a_bid_is_restated_before_it_is_sealed(buyer, path):
    words = words_of(buyer.post(f"{path}/check", data={"amount": "50", "units": "3"}))
    assert "Bid $50.00 each for up to 3 leads?" in words
    assert "You pay at most $150.00" in words
    assert "At most this is held $168.75" in words
    assert "Seal the bid" in words


def test_nothing_is_kept_by_restating(buyer, path, auction):
    buyer.post(f"{path}/check", data={"amount": "50", "units": "3"})
    assert queries.entries(auction.id) == []


def test_it_is_sealed_once_however_often_it_is_sent(buyer, path, cast, auction):
    form = {"amount": "50.00", "units": "3", "idempotency_key": key()}
    for _ in range(2):
        text_of(buyer.post(f"{path}/bids", data=form), 303)
    assert len(queries.entries(auction.id)) == 1
    words = words_of(buyer.get(path))
    assert "sealed: nobody can read it" in words
    assert "Held $168.75" in words


def test_it_is_changed_and_withdrawn(buyer, path, cast, auction):
    seal(buyer, path, amount="50", units="3")
    seal(buyer, path, amount="60", units="2")
    assert own(cast, auction).held.amount == 2 * 70_32
    answer = buyer.post(f"{path}/withdraw", data={"idempotency_key": key()})
    assert "withdrawn" in words_of(buyer.get(answer.location))
    db.session.refresh(own(cast, auction))
    assert own(cast, auction).status is BidStatus.WITHDRAWN


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"amount": "44.99", "units": "1"}, "below the least that is accepted"),
        ({"amount": "50", "units": "11"}, "Ask for 1 to 10 leads"),
        ({"amount": "much", "units": "1"}, "Type an amount such as 45"),
        ({"amount": "50"}, "Missing data"),
    ],
)
def test_what_is_no_bid_is_said_at_its_field(buyer, path, form, said):
    for step in ("check", "bids"):
        answer = buyer.post(f"{path}/{step}", data={"idempotency_key": key(), **form})
        assert said in words_of(answer, 422)


def test_a_wallet_that_is_too_small_is_told_what_is_missing(buyer, path):
    words = words_of(buyer.post(f"{path}/check", data={"amount": "40000", "units": "2"}))
    assert "Your wallet lacks" in words
    assert "Seal the bid" not in words
    answer = seal(buyer, path, amount="40000", units="2")
    assert answer.status_code == 402


def test_the_listing_has_the_bid_box_while_it_runs(buyer, listing, path):
    page = text_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
    assert f"{path}/check" in page
    assert f"/buyers/listings/{listing.public_id}/buy" not in page


def test_the_lists_show_what_runs_and_what_one_bid(buyer, path, auction):
    assert path in text_of(buyer.get("/buyers/auctions"))
    assert "No bids" in words_of(buyer.get("/buyers/auctions?mine=1"))
    seal(buyer, path, amount="50", units="3")
    words = words_of(buyer.get("/buyers/auctions?mine=1"))
    assert "Sealed" in words
    assert "$168.75" in words
    assert "$50.00" not in words


def test_after_the_close_the_result_and_the_proof_are_shown(buyer, path, cast, auction):
    seal(buyer, path, amount="50", units="3")
    bid(cast.other_buyer, auction, 60_00, units=8)
    finish(auction)
    words = words_of(buyer.get(path))
    assert "Won" in words
    assert "To the order" in words
    assert "$60.00" in words
    proof = words_of(buyer.get(f"{path}/proof"))
    assert "exchange auction verify" in proof
    assert "10 leads could be sold at the close" in proof


def test_whoever_bids_too_late_is_told_so(buyer, path, auction):
    clock.advance(HOUR)
    keep()
    assert "The auction is over" in words_of(seal(buyer, path, amount="50", units="3"), 410)


def test_nobody_reads_a_bid_before_the_close(enter, buyer, path, cast, auction, listing):
    """No page of anybody shows it: the bidder's own, another's, the seller's, the staff's."""
    restated = text_of(buyer.post(f"{path}/check", data=SECRET))
    assert is_told(restated)  # what is searched for is found where it must stand
    text_of(seal(buyer, path, **SECRET), 303)
    pages = {
        cast.buyer: [path, f"{path}/proof", "/buyers/auctions?mine=1", "/money/wallet", "/notices"],
        cast.other_buyer: [path, f"{path}/proof", f"/buyers/listings/{listing.public_id}"],
        cast.seller: [
            "/sellers/auctions", f"/sellers/auctions/{auction.public_id}", "/sellers/listings",
            f"/api/v1/auctions/{auction.public_id}/proof",
        ],
        cast.admin: [
            "/admin", "/admin/events", "/admin/ledger/postings", "/admin/ledger/accounts",
            f"/api/v1/auctions/{auction.public_id}/proof",
        ],
    }  # fmt: skip
    for player, addresses in pages.items():
        client = enter(player)
        for address in addresses:
            answer = client.get(address, follow_redirects=True)
            assert answer.status_code == 200, address
            assert not is_told(answer.get_data(as_text=True)), (player.user.name, address)
    finish(auction)
    for player, address in ((cast.seller, pages[cast.seller][1]), (cast.other_buyer, path)):
        assert is_told(text_of(enter(player).get(address))), "public after the close"


def is_told(page: str) -> bool:
    digits = re.sub(r"(?<=\d)[\s.,\u00a0\u202f](?=\d)", "", page)
    return re.search(r"(?<!\d)471337(?!\d)", digits) is not None


class TestSeller:
    @pytest.fixture
    def seller(self, enter, cast):
        return enter(cast.seller)

    def test_it_is_announced_from_the_listing(self, seller, listing, cast):
        address = f"/sellers/listings/{listing.public_id}/auction"
        assert address in text_of(seller.get("/sellers/listings"))
        assert "Announce the auction" in words_of(seller.get(address))
        form = {"units": "5", "opens_in": "1", "lasts": "24", "idempotency_key": key()}
        answer = seller.post(address, data=form)
        words = words_of(seller.get(answer.location))
        assert "Scheduled" in words
        assert "Call off" in words

    def test_what_is_no_offer_is_said(self, seller, listing):
        address = f"/sellers/listings/{listing.public_id}/auction"
        form = {"units": "0", "lasts": "24", "idempotency_key": key()}
        assert seller.post(address, data=form).status_code == 422

    def test_it_is_called_off(self, seller, listing, cast):
        address = f"/sellers/listings/{listing.public_id}/auction"
        form = {"units": "5", "opens_in": "1", "lasts": "24", "idempotency_key": key()}
        made = seller.post(address, data=form).location
        assert "Void" in words_of(seller.get(seller.post(f"{made}/call-off").location))

    def test_another_sellers_does_not_exist(self, enter, cast, auction, listing):
        other = enter(cast.other_seller)
        assert other.get(f"/sellers/auctions/{auction.public_id}").status_code == 404
        assert other.get(f"/sellers/listings/{listing.public_id}/auction").status_code == 404

    def test_a_page_without_auctions_says_how_to_begin(self, seller):
        assert "Announce one from a listing" in words_of(seller.get("/sellers/auctions"))

    def test_the_end_is_noticed_by_all(self, seller, enter, cast, auction):
        bid(cast.buyer, auction, 60_00, units=10)
        bid(cast.other_buyer, auction, 50_00, units=1)
        finish(auction)
        assert "10 leads are sold" in words_of(seller.get("/notices"))
        assert "You won 10 leads for $600.00" in words_of(enter(cast.buyer).get("/notices"))
        assert "won nothing" in words_of(enter(cast.other_buyer).get("/notices"))


def test_times_tick_by_our_clock(buyer, path, auction):
    page = text_of(buyer.get(path))
    assert 'data-clock="until"' in page
    assert auction.closes_at - clock.now() <= timedelta(hours=1)
