"""Rolling lots: sealed at a hundred or after a day, sold at once where the source is trusted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.errors import Conflict
from exchange.core.events import Event
from exchange.leads import post_queries
from exchange.leads.models import Batch, BatchStatus, Source, SourceStatus
from exchange.leads.post_models import PostOutcome, SourceTerms
from exchange.leads.services import batches, lots, sources
from exchange.market import queries as market
from exchange.market.models import ListingStatus
from exchange.market.services import listings
from exchange.notifications.models import Notice
from exchange.verification import queries as verification
from exchange.verification.models import DrawStatus, OutcomeClass
from exchange.verification.services import draws
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.leads import leads_of, make_batch
from tests.factories.market import place
from tests.factories.posts import SOURCE, make_body, make_terms, post
from tests.verification.support import everybody, work

DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A lot is full at five, a selling one too, so that the stories stay short."""
    monkeypatch.setattr(lots, "LEADS_MAX", 5)
    monkeypatch.setattr(lots, "SELLING_LEADS_MAX", 5)


@pytest.fixture
def terms(cast):
    return make_terms(cast.seller)


def open_lot(terms: SourceTerms) -> Batch:
    found = post_queries.find_open_lot(terms)
    assert found is not None
    return get(Batch, found)


def fill(cast: Cast, terms: SourceTerms, many: int = 5) -> Batch:
    """A lot of so many leads, whatever became of it."""
    for _ in range(many):
        answer = post(cast.seller, terms)
    lead = answer.post.lead_id
    return next(
        b for b in db.session.scalars(select(Batch)) if lead in {one.id for one in leads_of(b)}
    )


def decide(cast: Cast, batch: Batch, code: Outcome) -> Batch:
    """The drawn people are called, and all say the same."""
    draws.give_nonce(batch_id=batch.id, nonce="n", by="seller", actor=cast.seller.actor)
    work(cast.verifier, everybody(code))
    db.session.refresh(batch)
    return batch


class TestSealing:
    def test_the_draw_is_committed_when_the_lot_opens(self, cast, terms):
        post(cast.seller, terms)
        draw = verification.get_draw(open_lot(terms).id)
        assert draw.status is DrawStatus.ASSIGNED
        assert draw.secret is None

    def test_the_last_lead_seals_at_once_and_the_next_opens_a_new_lot(self, cast, terms):
        full = fill(cast, terms)
        assert (full.status, full.population, full.rows_total) == (BatchStatus.SEALED, 5, 5)
        draw = verification.get_draw(full.id)
        assert draw.status is DrawStatus.ROOTED
        post(cast.seller, terms)
        assert open_lot(terms).id != full.id
        assert verification.get_draw(open_lot(terms).id).id != draw.id

    def test_a_day_seals_what_there_is(self, cast, terms, sweep, run_jobs):
        post(cast.seller, terms)
        lot = open_lot(terms)
        db.session.commit()
        clock.advance(DAY - timedelta(minutes=1))
        sweep("leads.seal_lots")
        run_jobs()
        db.session.refresh(lot)
        assert lot.status is BatchStatus.OPEN
        clock.advance(timedelta(minutes=1))
        sweep("leads.seal_lots")
        run_jobs()
        db.session.refresh(lot)
        assert (lot.status, lot.population) == (BatchStatus.SEALED, 1)

    def test_a_lead_that_comes_after_the_day_is_in_the_next_lot(self, cast, terms):
        post(cast.seller, terms)
        first = open_lot(terms)
        clock.advance(DAY)
        post(cast.seller, terms)
        assert first.status is BatchStatus.SEALED
        assert open_lot(terms).rows_done == 1

    def test_a_lot_in_which_nobody_may_be_called_ends(self, cast, terms):
        body = make_body()
        body["consent"]["quality_check"] = False
        post(cast.seller, terms, body)
        lot = open_lot(terms)
        clock.advance(DAY)
        lots.seal_due(batch_id=lot.id)
        assert lot.status is BatchStatus.WITHDRAWN

    def test_nobody_takes_a_lot_away_from_its_sample(self, cast, terms):
        post(cast.seller, terms)
        with pytest.raises(Conflict) as refused:
            batches.withdraw_batch(batch_id=open_lot(terms).id, actor=cast.seller.actor)
        assert refused.value.code == "lot_open"

    def test_sealing_twice_changes_nothing(self, cast, terms):
        full = fill(cast, terms)
        lots.seal_due(batch_id=full.id)
        assert full.status is BatchStatus.SEALED

    def test_each_source_and_vertical_has_a_lot_of_its_own(self, cast, terms):
        other = make_terms(cast.seller, source="another page")
        post(cast.seller, terms)
        post(cast.seller, other)
        assert open_lot(terms).id != open_lot(other).id

    def test_new_terms_hold_from_the_next_lot(self, cast, terms):
        post(cast.seller, terms)
        make_terms(cast.seller, price=terms.price * 2)
        post(cast.seller, terms)
        assert open_lot(terms).price.amount == 45_00
        clock.advance(DAY)
        post(cast.seller, terms)
        assert open_lot(terms).price.amount == 90_00

    def test_a_small_lot_is_judged_by_an_exact_single_plan(self, cast, terms):
        full = decide(cast, fill(cast, terms), Outcome.CONFIRMED)
        assert full.status is BatchStatus.ACCEPTED
        plan = verification.find_sample(full.id).plan
        assert len(plan["looks"]) == 1


class TestSelling:
    """Nobody waits for the seal of a lot that sells at once: it grows, so that fewer are called."""

    def test_it_is_full_later(self, cast, monkeypatch):
        monkeypatch.setattr(lots, "SELLING_LEADS_MAX", 8)
        terms = make_terms(cast.seller, trusted=True)
        growing = fill(cast, terms, 7)
        assert (growing.status, growing.rows_done) == (BatchStatus.OPEN, 7)
        post(cast.seller, terms)
        assert (growing.status, growing.population) == (BatchStatus.SEALED, 8)

    def test_it_ends_after_five_days(self, cast):
        terms = make_terms(cast.seller, trusted=True)
        post(cast.seller, terms)
        lot = open_lot(terms)
        clock.advance(4 * DAY)
        lots.seal_due(batch_id=lot.id)
        assert lot.status is BatchStatus.OPEN
        clock.advance(DAY)
        lots.seal_due(batch_id=lot.id)
        assert lot.status is BatchStatus.SEALED

    def test_it_ends_with_its_day_once_the_source_has_failed(self, cast):
        terms = make_terms(cast.seller, trusted=True)
        sold = fill(cast, terms)
        post(cast.seller, terms)
        growing = open_lot(terms)
        decide(cast, sold, Outcome.DENIES)
        assert growing.seals_at == growing.opened_at + DAY


class TestStanding:
    def test_a_new_source_waits_for_its_first_lot(self, cast, terms):
        assert post(cast.seller, terms).post.outcome is PostOutcome.QUEUED_FOR_CHECK
        assert market.find_listing_of_batch(open_lot(terms).id) is None

    def test_an_accepted_lot_lets_the_source_sell_at_once(self, cast, terms):
        first = fill(cast, terms)
        waiting = post(cast.seller, terms).post
        growing = open_lot(terms)
        decide(cast, first, Outcome.CONFIRMED)
        assert market.find_listing_of_batch(first.id).status is ListingStatus.PUBLISHED
        # What waited in the lot that grows is on sale as well.
        assert waiting.outcome is PostOutcome.QUEUED_FOR_CHECK
        assert market.find_listing_of_batch(growing.id).status is ListingStatus.PUBLISHED
        assert post(cast.seller, terms).post.outcome is PostOutcome.ACCEPTED

    def test_a_lead_of_a_trusted_source_can_be_bought_the_moment_it_is_posted(self, cast):
        fund_wallet(cast.buyer, 500_00)
        terms = make_terms(cast.seller, trusted=True)
        for _ in range(2):
            answer = post(cast.seller, terms)
            listing = market.find_listing_of_batch(open_lot(terms).id)
            order = place(cast.buyer, listing, lead_ids=[answer.post.lead_id])
            assert [line.lead_id for line in market.lines_of(order.id)] == [answer.post.lead_id]

    def test_a_listing_that_is_sold_out_opens_with_the_next_lead(self, cast):
        fund_wallet(cast.buyer, 500_00)
        terms = make_terms(cast.seller, trusted=True)
        post(cast.seller, terms)
        listing = market.find_listing_of_batch(open_lot(terms).id)
        place(cast.buyer, listing, 1)
        listings.reflect_stock(listing_id=listing.id)
        assert listing.status is ListingStatus.SOLD_OUT
        post(cast.seller, terms)
        assert listing.status is ListingStatus.PUBLISHED

    def test_who_was_sold_before_the_check_and_found_bad_is_refunded(self, cast):
        fund_wallet(cast.buyer, 500_00)
        terms = make_terms(cast.seller, trusted=True)
        lot = fill(cast, terms)  # sealed, and on sale until it is found bad
        order = place(cast.buyer, market.find_listing_of_batch(lot.id), 5)
        decide(cast, lot, Outcome.DENIES)
        assert lot.status is BatchStatus.REJECTED
        found = verification.inspections_of(verification.find_sample(lot.id).id)
        bad = {one.lead_id for one in found if one.outcome is OutcomeClass.BAD}
        refunded = {line.lead_id for line in market.lines_of(order.id) if line.refunded == 45_00}
        assert refunded == bad != set()
        assert market.find_listing_of_batch(lot.id).status is ListingStatus.PAUSED

    def test_a_rejected_rolling_lot_stops_the_source(self, cast):
        terms = make_terms(cast.seller, trusted=True)
        lot = fill(cast, terms)
        post(cast.seller, terms)
        growing = open_lot(terms)
        decide(cast, lot, Outcome.DENIES)
        source = get(Source, terms.source_id)
        assert source.status is SourceStatus.STOPPED
        assert terms.trusted_since is None
        stopped = db.session.scalars(select(Event).where(Event.type == "source.stopped")).one()
        assert stopped.facts["reason"] == lots.REJECTED
        told = db.session.scalars(select(Notice).where(Notice.kind == "source.stopped")).all()
        assert [notice.organization_id for notice in told] == [cast.seller.organization.id]
        with pytest.raises(Conflict):
            post(cast.seller, terms)
        listing = market.find_listing_of_batch(growing.id)
        assert (listing.status, listing.pause_reason) == (ListingStatus.PAUSED, "source_stopped")
        # The lot that grew is still sealed and judged, and sold once the source is reopened.
        clock.advance(DAY)
        lots.seal_due(batch_id=growing.id)
        decide(cast, growing, Outcome.CONFIRMED)
        assert listing.status is ListingStatus.PAUSED
        sources.reopen_source(source_id=source.id, reason="Mended.", actor=cast.admin.actor)
        assert listing.status is ListingStatus.PUBLISHED

    def test_a_rejected_file_does_not_stop_the_source_but_ends_its_standing(self, cast):
        terms = make_terms(cast.seller, trusted=True)
        batch = make_batch(cast.seller, leads=5, source=SOURCE, status=BatchStatus.SEALED)
        draws.root(batch_id=batch.id, actor=SYSTEM)
        decide(cast, batch, Outcome.DENIES)
        assert get(Source, terms.source_id).status is SourceStatus.ACTIVE
        assert terms.trusted_since is None

    def test_a_lot_that_promises_nothing_earns_no_trust(self, cast):
        terms = make_terms(cast.seller, quality_class=QualityClass.UNVERIFIED)
        full = fill(cast, terms)
        assert full.status is BatchStatus.ACCEPTED
        assert terms.trusted_since is None

    def test_a_class_that_promises_more_is_earned_anew(self, cast):
        terms = make_terms(cast.seller, trusted=True)
        make_terms(cast.seller, quality_class=QualityClass.PRIME)
        assert terms.trusted_since is None
        batch = make_batch(cast.seller, leads=5, source=SOURCE, status=BatchStatus.SEALED)
        draws.root(batch_id=batch.id, actor=SYSTEM)
        decide(cast, batch, Outcome.CONFIRMED)  # of the class Standard
        assert terms.trusted_since is None
        decide(cast, fill(cast, terms), Outcome.CONFIRMED)
        assert terms.trusted_since is not None
        make_terms(cast.seller, quality_class=QualityClass.STANDARD)
        assert terms.trusted_since is not None

    def test_an_accepted_file_before_the_terms_counts(self, cast):
        batch = make_batch(cast.seller, leads=5, source=SOURCE, status=BatchStatus.SEALED)
        draws.root(batch_id=batch.id, actor=SYSTEM)
        decide(cast, batch, Outcome.CONFIRMED)
        assert make_terms(cast.seller).trusted_since is not None

    def test_a_seller_may_pause_what_sells_at_once_and_put_it_back(self, cast):
        terms = make_terms(cast.seller, trusted=True)
        post(cast.seller, terms)
        listing = market.find_listing_of_batch(open_lot(terms).id)
        listings.pause(listing_id=listing.id, actor=cast.seller.actor)
        post(cast.seller, terms)
        assert listing.status is ListingStatus.PAUSED
        listings.publish(listing_id=listing.id, actor=cast.seller.actor)
        assert listing.status is ListingStatus.PUBLISHED
