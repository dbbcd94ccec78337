"""What a seller may change of a listing, and what a buyer is told of it: versions, fall, term."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import Conflict, Invalid
from exchange.core.events import Event
from exchange.core.money import Currency, Money
from exchange.market import queries
from exchange.market.decay import Fall
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.services import listings
from exchange.notifications.models import Notice
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, fresh
from tests.factories.market import make_draft, make_listing, place
from tests.market.test_filters import NEW, REPAIR, make_filter

DAY = timedelta(days=1)


def usd(amount: int) -> Money:
    return Money(amount, Currency.USD)


FALL = Fall(1_000, usd(30_00))


@pytest.fixture
def listing(cast) -> Listing:
    return make_listing(cast.seller, leads=18, price=45_00)


def change(cast, listing: Listing, **changes) -> Listing:
    return listings.change(listing_id=listing.id, changes=changes, actor=cast.seller.actor)


def events_of(kind: str) -> list[Event]:
    return list(db.session.scalars(select(Event).where(Event.type == kind).order_by(Event.id)))


class TestVersions:
    def test_another_mode_is_another_version(self, cast, listing):
        change(cast, listing, mode=ListingMode.CONTRACTS)
        assert [(t.version, t.mode) for t in queries.terms_history(listing.id)] == [
            (2, ListingMode.CONTRACTS), (1, ListingMode.FIXED),
        ]  # fmt: skip
        change(cast, listing, mode=ListingMode.FIXED)
        fund_wallet(cast.buyer)
        with pytest.raises(Conflict) as refused:
            place(cast.buyer, listing, terms_version=1)
        assert (refused.value.code, refused.value.facts["terms_version"]) == ("terms_changed", 3)

    def test_other_criteria_are_another_version(self, cast, listing):
        repairs = make_filter(cast, listing)
        change(cast, repairs, criteria=NEW)
        assert [t.criteria for t in queries.terms_history(repairs.id)] == [NEW, REPAIR]
        fund_wallet(cast.buyer)
        with pytest.raises(Conflict):
            place(cast.buyer, repairs, terms_version=1)
        assert queries.stocks([repairs])[repairs.id].leads == 6

    def test_several_changes_are_one_version(self, cast, listing):
        change(cast, listing, price=usd(50_00), mode=ListingMode.CONTRACTS, decay=FALL)
        assert listing.terms_version == 2
        assert events_of("listing.changed")[0].facts["changed"] == ["mode", "decay"]

    def test_nothing_new_is_nothing(self, cast, listing):
        change(cast, listing, price=usd(45_00), mode=ListingMode.FIXED, decay=None)
        assert listing.terms_version == 1
        assert events_of("listing.changed") == []

    @pytest.mark.parametrize("mode", [ListingMode.AUCTION, ListingMode.TARGETED])
    def test_an_auction_or_an_offer_is_no_mode_to_choose(self, cast, listing, mode):
        with pytest.raises(Conflict) as refused:
            change(cast, listing, mode=mode)
        assert refused.value.code == "mode_fixed"

    def test_the_whole_stays_the_whole_and_a_filter_a_filter(self, cast, listing):
        repairs = make_filter(cast, listing)
        for one, criteria in ((listing, NEW), (repairs, {})):
            with pytest.raises(Conflict) as refused:
                change(cast, one, criteria=criteria)
            assert refused.value.code == "criteria_fixed"


class TestFall:
    def test_the_job_writes_each_step_as_a_version(self, cast, listing, sweep, run_jobs):
        change(cast, listing, decay=FALL)
        assert listing.terms_version == 1
        clock.advance(2 * DAY)
        sweep("market.let_price_fall")
        run_jobs()
        assert fresh(listing).price == usd(36_00)
        assert queries.get_terms(listing.id, version=2).price == usd(36_00)
        assert events_of("listing.priced")[0].facts == {
            "before": 45_00, "price": 36_00, "version": 2,
        }  # fmt: skip
        sweep("market.let_price_fall")
        run_jobs()
        assert fresh(listing).terms_version == 2

    def test_it_ends_at_the_floor(self, cast, listing, sweep, run_jobs):
        change(cast, listing, decay=FALL)
        clock.advance(30 * DAY)
        sweep("market.let_price_fall")
        run_jobs()
        assert fresh(listing).price == usd(30_00)
        assert listing.reprices_at is None

    def test_who_saw_the_former_price_is_told_the_new_one(self, cast, listing):
        change(cast, listing, decay=FALL)
        fund_wallet(cast.buyer)
        clock.advance(DAY)
        listings.let_price_fall(listing_id=listing.id)
        with pytest.raises(Conflict) as refused:
            place(cast.buyer, listing, terms_version=1)
        assert (refused.value.code, refused.value.facts["amount"]) == ("terms_changed", 40_50)

    def test_begins_when_the_listing_goes_on_sale(self, cast):
        draft = make_draft(cast.seller)
        change(cast, draft, decay=Fall(1_000, usd(1_00)))
        clock.advance(9 * DAY)
        listings.publish(listing_id=draft.id, actor=cast.seller.actor)
        decay = queries.decay_of(draft)
        assert decay.price_at(clock.now()) == draft.price == decay.start

    def test_a_new_price_falls_from_then_on(self, cast, listing):
        change(cast, listing, decay=FALL)
        clock.advance(DAY)
        change(cast, listing, price=usd(40_00))
        assert queries.decay_of(listing).price_at(clock.now() + DAY) == usd(36_00)

    def test_can_be_stopped(self, cast, listing):
        change(cast, listing, decay=FALL)
        change(cast, listing, decay=None)
        clock.advance(5 * DAY)
        assert listings.let_price_fall(listing_id=listing.id).price == usd(45_00)

    @pytest.mark.parametrize(
        "fall",
        [Fall(0, usd(1)), Fall(5_001, usd(1)), Fall(10, usd(45_00)), Fall(10, usd(0)),
         Fall(10, Money(1, Currency.EUR))],
    )  # fmt: skip
    def test_refuses_what_is_no_fall(self, cast, listing, fall):
        with pytest.raises(Invalid):
            change(cast, listing, decay=fall)


class TestBuyers:
    def test_a_seller_knows_buyers_by_a_name_of_their_own(self, cast, listing):
        buy(cast.buyer, listing, 2)
        (known,) = queries.buyers_of(cast.seller.organization.id)
        assert (known.country, known.leads) == (cast.buyer.organization.country, 2)
        assert cast.buyer.organization.public_id[4:] not in known.pseudonym
        buyer_id = cast.buyer.organization.id
        names = {
            queries.pseudonym(seller_id=player.organization.id, buyer_id=buyer_id)
            for player in (cast.seller, cast.other_seller)
        }
        assert len(names) == 2
        assert known.pseudonym in names

    def test_chooses_among_them(self, cast, listing):
        buy(cast.buyer, listing)
        (known,) = queries.buyers_of(cast.seller.organization.id)
        change(cast, listing, buyers_never=[known.pseudonym])
        assert listing.buyers_never == [cast.buyer.organization.public_id]
        seller_id = cast.seller.organization.id
        assert queries.pseudonyms_of(listing.buyers_never, seller_id=seller_id) == [known.pseudonym]
        assert listing.terms_version == 1

    def test_nobody_else_can_be_named(self, cast, listing):
        stranger = queries.pseudonym(
            seller_id=cast.seller.organization.id, buyer_id=cast.other_buyer.organization.id
        )
        for name in (stranger, cast.other_buyer.organization.public_id):
            with pytest.raises(Invalid) as refused:
                change(cast, listing, buyers_only=[name])
            assert refused.value.errors[0].code == "unknown_buyer"


class TestTerm:
    def run(self, sweep, run_jobs) -> list[str]:
        for name in ("market.warn_of_expiry", "market.expire"):
            sweep(name)
        run_jobs()
        kinds = select(Notice.kind).where(Notice.kind.in_(["listing.expiring", "listing.expired"]))
        return list(db.session.scalars(kinds.order_by(Notice.id)))

    def test_its_seller_is_told_three_days_before_and_when_it_is_over(
        self, cast, listing, sweep, run_jobs
    ):
        change(cast, listing, expires_at=clock.now() + 10 * DAY)
        clock.advance(6 * DAY)
        assert self.run(sweep, run_jobs) == []
        clock.advance(DAY + timedelta(minutes=1))
        assert self.run(sweep, run_jobs) == self.run(sweep, run_jobs) == ["listing.expiring"]
        clock.advance(3 * DAY)
        assert self.run(sweep, run_jobs) == ["listing.expiring", "listing.expired"]
        assert fresh(listing).status is ListingStatus.EXPIRED

    def test_a_term_that_is_put_off_is_told_again(self, cast, listing, sweep, run_jobs):
        change(cast, listing, expires_at=clock.now() + 5 * DAY)
        clock.advance(3 * DAY)
        self.run(sweep, run_jobs)
        change(cast, listing, expires_at=clock.now() + 5 * DAY)
        clock.advance(3 * DAY)
        assert self.run(sweep, run_jobs) == ["listing.expiring"] * 2

    def test_an_expired_listing_may_be_listed_again(self, cast, listing, sweep, run_jobs):
        change(cast, listing, expires_at=clock.now() + DAY)
        clock.advance(2 * DAY)
        self.run(sweep, run_jobs)
        listings.publish(listing_id=listing.id, actor=cast.seller.actor)
        assert fresh(listing).status is ListingStatus.PUBLISHED
        assert listing.expires_at is None
        assert buy(cast.buyer, listing)

    @pytest.mark.parametrize("end", ["now", "9999-12-31T23:59:59-14:00"])
    def test_ends_ahead_and_not_beyond_all_clocks(self, cast, listing, end):
        """What no program can read back, nobody could list."""
        at = clock.now() if end == "now" else datetime.fromisoformat(end)
        with pytest.raises(Invalid):
            change(cast, listing, expires_at=at)
