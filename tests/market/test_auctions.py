"""Auctions from announcement to award: what is held, what is seen, who gets what, what goes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import ProgrammingError

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind, Hold, HoldStatus
from exchange.core import clock
from exchange.core.chunks import CannotUnlock
from exchange.core.db import db
from exchange.core.errors import (
    Conflict,
    Forbidden,
    Gone,
    IllegalTransition,
    InsufficientFunds,
    Invalid,
    NotFound,
)
from exchange.core.money import Currency, Money
from exchange.fulfillment.models import Delivery
from exchange.identity.services import suspend_organization
from exchange.leads.models import LeadKind
from exchange.market import queries
from exchange.market.auction_models import AuctionStatus, Bid, BidStatus
from exchange.market.auction_proof import verify
from exchange.market.models import LineStatus, ListingMode, ListingStatus, Order
from exchange.market.services import auctions, awards, bids, listings
from tests.factories.auctions import HOUR, bid, close, make_auction
from tests.factories.billing import fund_wallet
from tests.factories.leads import make_batch, make_person
from tests.factories.market import make_listing, place
from tests.market.test_filters import NEW, make_filter

PRICE = 45_00
WALLET = 10_000_00


def balance(player, kind=AccountKind.WALLET) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


@pytest.fixture
def listing(cast):
    for buyer in (cast.buyer, cast.other_buyer):
        fund_wallet(buyer, WALLET)
    return make_listing(cast.seller, leads=10, price=PRICE)


@pytest.fixture
def auction(cast, listing):
    return make_auction(cast.seller, listing, units=10)


def order_of(found: Bid) -> Order:
    return queries.orders_of_bids([found.id])[found.id]


class TestAnnouncing:
    def test_it_opens_at_once_and_takes_the_listing(self, auction, listing):
        assert auction.status is AuctionStatus.OPEN
        assert listing.mode is ListingMode.AUCTION
        assert auction.floor == Money(PRICE, Currency.USD)

    def test_one_for_later_leaves_the_listing_on_sale_until_then(self, cast, listing):
        made = make_auction(cast.seller, listing, units=3, after=HOUR)
        assert place(cast.buyer, listing).quantity == 1
        with pytest.raises(Conflict) as refused:
            bid(cast.buyer, made, PRICE)
        assert refused.value.code == "auction_not_open"
        clock.advance(HOUR)
        assert bid(cast.buyer, made, PRICE).status is BidStatus.SEALED
        assert made.status is AuctionStatus.OPEN

    def test_the_sweep_opens_and_closes(self, cast, listing, sweep, run_jobs):
        made = make_auction(cast.seller, listing, units=3, after=HOUR)
        for status in (AuctionStatus.OPEN, AuctionStatus.VOID):
            clock.advance(HOUR)
            db.session.commit()
            sweep("market.auctions")
            run_jobs()
            db.session.refresh(made)
            assert made.status is status

    def test_nothing_is_ordered_while_it_runs(self, cast, auction, listing):
        with pytest.raises(Conflict) as refused:
            place(cast.buyer, listing)
        assert refused.value.code == "auction_only"

    def test_one_at_a_time(self, cast, auction, listing):
        with pytest.raises(Conflict) as refused:
            make_auction(cast.seller, listing)
        assert refused.value.code == "auction_running"

    def test_of_ones_own_listing_only(self, cast, listing):
        with pytest.raises(NotFound):
            make_auction(cast.other_seller, listing)

    def test_a_paused_listing_is_not_auctioned(self, cast, listing):
        listings.pause(listing_id=listing.id, actor=cast.seller.actor)
        with pytest.raises(Conflict) as refused:
            make_auction(cast.seller, listing)
        assert refused.value.code == "listing_unavailable"

    @pytest.mark.parametrize(
        ("units", "opens", "lasts"),
        [(0, None, 60), (100_001, None, 60), (1, -1, 60), (1, 31 * 1440, 60), (1, None, 9),
         (1, None, 31 * 1440)],
    )  # fmt: skip
    def test_what_is_no_offer_is_refused(self, cast, listing, units, opens, lasts):
        opens_at = None if opens is None else clock.now() + timedelta(minutes=opens)
        with pytest.raises(Invalid):
            auctions.schedule(
                listing_id=listing.id,
                units=units,
                opens_at=opens_at,
                closes_at=(opens_at or clock.now()) + timedelta(minutes=lasts),
                actor=cast.seller.actor,
            )

    @pytest.mark.parametrize("later", [0, 60])
    def test_what_is_auctioned_stays_what_was_announced(self, cast, later):
        filtered = make_filter(cast, make_listing(cast.seller, leads=18))
        opens_at = clock.now() + timedelta(minutes=later)
        auctions.schedule(
            listing_id=filtered.id,
            units=2,
            opens_at=opens_at if later else None,
            closes_at=opens_at + HOUR,
            actor=cast.seller.actor,
        )
        with pytest.raises(Conflict) as refused:
            listings.change(
                listing_id=filtered.id, changes={"criteria": NEW}, actor=cast.seller.actor
            )
        assert refused.value.code == "auction_running"

    def test_it_can_be_called_off_until_it_opens(self, cast, listing):
        made = make_auction(cast.seller, listing, units=3, after=HOUR)
        with pytest.raises(NotFound):
            auctions.call_off(auction_id=made.id, actor=cast.other_seller.actor)
        auctions.call_off(auction_id=made.id, actor=cast.seller.actor)
        assert made.status is AuctionStatus.VOID
        running = make_auction(cast.seller, listing)
        with pytest.raises(Conflict) as refused:
            auctions.call_off(auction_id=running.id, actor=cast.seller.actor)
        assert refused.value.code == "auction_running"


class TestBidding:
    def test_the_step_above_is_held_for_each_lead(self, cast, auction):
        made = bid(cast.buyer, auction, 50_00, units=3)
        assert made.held == Money(3 * 56_25, Currency.USD)
        assert balance(cast.buyer) == WALLET - 3 * 56_25
        assert balance(cast.buyer, AccountKind.HELD) == 3 * 56_25

    def test_a_change_is_a_new_version_and_frees_the_former_money(self, cast, auction):
        former = bid(cast.buyer, auction, 50_00, units=3)
        made = bid(cast.buyer, auction, 60_00, units=1)
        assert (former.status, former.is_replaced) == (BidStatus.WITHDRAWN, True)
        assert balance(cast.buyer, AccountKind.HELD) == made.held.amount == 70_32
        assert [entry.commitment for entry in queries.entries(auction.id)] == [
            former.commitment,
            made.commitment,
        ]

    def test_a_change_may_use_the_money_of_the_former(self, cast, auction):
        bid(cast.buyer, auction, 50_00, units=10)
        spare = balance(cast.buyer)
        step = 56_25
        assert bid(cast.buyer, auction, 55_00, units=10).held.amount == 10 * step
        assert balance(cast.buyer) == spare

    def test_nobody_fills_the_chain(self, cast, auction, monkeypatch):
        monkeypatch.setattr(bids, "BIDS_MAX", 2)
        first, last = bid(cast.buyer, auction, 50_00), bid(cast.buyer, auction, 51_00)
        with pytest.raises(Conflict) as refused:
            bid(cast.buyer, auction, 52_00)
        assert refused.value.code == "too_many_bids"
        assert (first.status, last.status) == (BidStatus.WITHDRAWN, BidStatus.SEALED)
        assert bid(cast.other_buyer, auction, 52_00).sequence == 3

    def test_it_is_withdrawn_and_the_withdrawal_is_public(self, cast, auction):
        made = bid(cast.buyer, auction, 50_00)
        bids.withdraw(bid_id=made.id, actor=cast.buyer.actor)
        assert balance(cast.buyer) == WALLET
        assert [str(entry.kind) for entry in queries.entries(auction.id)] == ["bid", "withdrawal"]
        with pytest.raises(IllegalTransition):
            bids.withdraw(bid_id=made.id, actor=cast.buyer.actor)

    def test_nobody_withdraws_anothers(self, cast, auction):
        made = bid(cast.buyer, auction, 50_00)
        with pytest.raises(NotFound):
            bids.withdraw(bid_id=made.id, actor=cast.other_buyer.actor)

    def test_who_cannot_pay_changes_nothing(self, cast, auction):
        former = bid(cast.buyer, auction, 50_00)
        db.session.commit()
        with pytest.raises(InsufficientFunds) as refused:
            bid(cast.buyer, auction, 9_000_00, units=2)
        db.session.rollback()
        assert refused.value.facts["missing"] > 0
        db.session.refresh(former)
        assert former.status is BidStatus.SEALED
        assert balance(cast.buyer, AccountKind.HELD) == former.held.amount

    @pytest.mark.parametrize(("amount", "units"), [(PRICE - 1, 1), (50_00, 0), (50_00, 11)])
    def test_what_is_no_bid_is_refused(self, cast, auction, amount, units):
        with pytest.raises(Invalid):
            bid(cast.buyer, auction, amount, units)

    def test_in_another_currency_it_is_refused(self, cast, auction):
        with pytest.raises(Invalid):
            bids.place(
                auction_id=auction.id,
                buyer_id=cast.buyer.organization.id,
                amount=Money(50_00, Currency.EUR),
                units=1,
                actor=cast.buyer.actor,
            )

    def test_who_is_not_approved_or_no_buyer_may_not(self, cast, auction):
        for player in (cast.newcomer, cast.other_seller):
            with pytest.raises(Forbidden):
                bid(player, auction, 50_00)

    def test_nothing_is_taken_after_the_end(self, cast, auction):
        made = bid(cast.buyer, auction, 50_00)
        clock.advance(HOUR)
        with pytest.raises(Gone) as refused:
            bid(cast.other_buyer, auction, 60_00)
        assert refused.value.code == "auction_over"
        with pytest.raises(Gone):
            bids.withdraw(bid_id=made.id, actor=cast.buyer.actor)


class TestClosing:
    def test_the_highest_win_and_pay_their_bid(self, cast, auction, listing):
        first = bid(cast.buyer, auction, 50_00, units=7)
        second = bid(cast.other_buyer, auction, 60_00, units=5)
        close(auction)
        assert auction.status is AuctionStatus.AWARDED
        assert (first.status, first.units_won) == (BidStatus.WON, 5)
        assert (second.status, second.units_won) == (BidStatus.WON, 5)
        assert balance(cast.buyer) == WALLET - 5 * 50_00
        assert balance(cast.other_buyer) == WALLET - 5 * 60_00
        assert balance(cast.seller, AccountKind.PENDING) == 5 * 50_00 + 5 * 60_00
        assert order_of(second).price == Money(60_00, Currency.USD)

    def test_what_is_won_is_delivered(self, cast, auction):
        made = bid(cast.buyer, auction, 50_00, units=2)
        close(auction)
        lines = queries.lines_of(order_of(made).id)
        assert [line.status for line in lines] == [LineStatus.DELIVERED] * 2
        assert db.session.query(Delivery).filter_by(order_id=order_of(made).id).count() == 1

    def test_losers_have_their_money_at_once(self, cast, auction):
        lost = bid(cast.buyer, auction, 50_00, units=10)
        bid(cast.other_buyer, auction, 60_00, units=10)
        close(auction)
        assert lost.status is BidStatus.LOST
        assert balance(cast.buyer) == WALLET
        assert balance(cast.buyer, AccountKind.HELD) == 0
        assert db.session.query(Hold).filter_by(status=HoldStatus.ACTIVE).count() == 0

    def test_equal_bids_go_by_arrival_and_a_change_arrives_anew(self, cast, auction):
        early = bid(cast.buyer, auction, 50_00, units=10)
        late = bid(cast.other_buyer, auction, 50_00, units=10)
        changed = bid(cast.buyer, auction, 50_00, units=10)
        close(auction)
        assert (early.status, late.units_won, changed.units_won) == (BidStatus.WITHDRAWN, 10, 0)

    def test_without_a_bid_it_is_void_and_the_listing_goes_back(self, auction, listing):
        close(auction)
        assert auction.status is AuctionStatus.VOID
        assert listing.mode is ListingMode.FIXED

    def test_what_is_left_is_sold_as_before(self, cast, auction, listing):
        bid(cast.buyer, auction, 50_00, units=4)
        close(auction)
        assert place(cast.other_buyer, listing, 6).quantity == 6

    def test_a_listing_that_sold_out_says_so(self, cast, auction, listing):
        bid(cast.buyer, auction, 50_00, units=10)
        close(auction)
        assert listing.status is ListingStatus.SOLD_OUT

    def test_before_its_time_nothing_happens(self, cast, auction):
        made = bid(cast.buyer, auction, 50_00)
        awards.close(auction_id=auction.id)
        assert (auction.status, made.amount) == (AuctionStatus.OPEN, None)

    def test_a_repeat_changes_nothing(self, cast, auction):
        bid(cast.buyer, auction, 50_00)
        close(auction)
        awards.close(auction_id=auction.id)
        assert db.session.query(Order).count() == 1

    def test_a_withdrawn_listing_sells_nothing(self, cast, auction, listing):
        made = bid(cast.buyer, auction, 50_00)
        listings.withdraw(listing_id=listing.id, actor=cast.seller.actor)
        close(auction)
        assert (auction.status, made.status) == (AuctionStatus.VOID, BidStatus.LOST)
        assert balance(cast.buyer) == WALLET

    def test_who_is_suspended_meanwhile_wins_nothing(self, cast, auction):
        bid(cast.buyer, auction, 60_00, units=10)
        second = bid(cast.other_buyer, auction, 50_00, units=10)
        suspend_organization(
            organization_id=cast.buyer.organization.id, reason="test", actor=cast.admin.actor
        )
        close(auction)
        assert second.units_won == 10
        assert balance(cast.buyer) == WALLET
        assert verify(queries.auction_proof(auction)) == []

    def test_people_the_winner_has_pass_to_the_next(self, cast, listing):
        people = [make_person() for _ in range(4)]
        known = make_batch(cast.other_seller, people=people[:3], window=timedelta(0), price=PRICE)
        place(cast.buyer, make_listing(cast.other_seller, known), 3)
        lot = make_batch(cast.seller, people=people, price=PRICE, source="another")
        auction = make_auction(cast.seller, make_listing(cast.seller, lot), units=4)
        first = bid(cast.buyer, auction, 90_00, units=4)
        second = bid(cast.other_buyer, auction, 50_00, units=4)
        close(auction)
        assert (first.units_won, second.units_won) == (1, 3)
        proof = queries.auction_proof(auction)
        assert list(proof["facts"]["limits"].values()) == [1]
        assert verify(proof) == []

    def test_shared_leads_go_to_several_but_never_twice_to_one(self, cast, listing):
        shared = make_listing(
            cast.seller, leads=4, kind=LeadKind.SHARED, sales_max=2, price=PRICE, source="shared"
        )
        auction = make_auction(cast.seller, shared, units=100)
        first = bid(cast.buyer, auction, 60_00, units=6)
        second = bid(cast.other_buyer, auction, 50_00, units=6)
        close(auction)
        assert (auction.offered, first.units_won, second.units_won) == (8, 4, 4)
        assert verify(queries.auction_proof(auction)) == []


class TestSecrecy:
    AMOUNT = 471_337  # as no other number and no part of an id is written

    def test_the_tables_do_not_tell_a_bid(self, cast, auction):
        bid(cast.buyer, auction, self.AMOUNT)
        assert tables_with(str(self.AMOUNT)) == set()
        assert tables_with("4713.37") == set()

    def test_the_search_finds_what_is_there(self, cast, auction):
        """After the close the bid is public; the search that found nothing before finds it."""
        bid(cast.buyer, auction, self.AMOUNT)
        close(auction)
        assert {"bid", "purchase"} <= tables_with(str(self.AMOUNT))

    def test_what_is_locked_has_one_length(self, cast, auction):
        small = bid(cast.buyer, auction, PRICE, units=1)
        large = bid(cast.other_buyer, auction, 90_00, units=10)
        assert len(small.sealed) == len(large.sealed)

    def test_a_bid_is_bound_to_its_auction_and_place(self, cast, auction):
        first = bid(cast.buyer, auction, PRICE, units=1)
        second = bid(cast.other_buyer, auction, 90_00, units=10)
        db.session.execute(update(Bid).where(Bid.id == first.id).values(sealed=second.sealed))
        db.session.expire_all()
        db.session.commit()
        with pytest.raises(CannotUnlock):
            close(auction)
        db.session.rollback()

    def test_arrivals_cannot_be_changed(self, cast, auction):
        bid(cast.buyer, auction, PRICE)
        with pytest.raises(ProgrammingError, match="permission denied"), db.session.begin_nested():
            db.session.execute(text("UPDATE auction_entry SET commitment = 'x'"))


def tables_with(needle: str) -> set[str]:
    """Tables of which some row has the text as a whole number or word in it."""
    found = r"SELECT count(*) FROM {} AS t WHERE t::text ~ '\m{}\M'"
    return {
        name for name in db.metadata.tables if db.session.scalar(text(found.format(name, needle)))
    }
