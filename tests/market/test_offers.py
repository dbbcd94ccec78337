"""Offers: shown by a buyer, joined by a source; what is posted for one is that buyer's alone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, unit_of_work
from exchange.core.errors import Conflict, Forbidden, Invalid, NotFound
from exchange.core.money import Money
from exchange.leads import post_queries
from exchange.leads.models import Batch, BatchStatus, LeadKind
from exchange.leads.post_models import PostOutcome
from exchange.leads.services import batches, lots
from exchange.leads.services import sources as source_verbs
from exchange.market import queries
from exchange.market.contract_models import ContractSource, ContractSourceStatus, ContractStatus
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.offer_models import OfferStatus
from exchange.market.services import contracts, listings, offers, orders
from tests.doorbell import rung
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.fulfillment import fresh
from tests.factories.leads import make_person
from tests.factories.offers import approve, contract_of, join, make_offer, targeted_terms, terms_of
from tests.factories.posts import make_body, make_terms, post


def lot_of(terms) -> Batch:
    return get(Batch, post_queries.find_open_lot(terms))


class TestPublish:
    def test_an_offer_is_shown_and_taken_out_of_sight(self, cast):
        offer = make_offer(cast.buyer)
        assert queries.get_offer(offer.id) is offer
        offers.unpublish(contract_id=offer.contract_id, actor=cast.buyer.actor)
        assert offer.status is OfferStatus.UNPUBLISHED
        assert list(queries.offers().items) == []
        with pytest.raises(NotFound):
            queries.get_offer(offer.id)

    def test_other_words_are_the_same_offer(self, cast):
        offer = make_offer(cast.buyer)
        again = offers.publish(
            contract_id=offer.contract_id, headline="New", description="New", actor=cast.buyer.actor
        )
        assert (again.id, again.headline) == (offer.id, "New")

    @pytest.mark.parametrize("status", [ContractStatus.DRAFT, ContractStatus.PAUSED])
    def test_only_what_is_active_is_shown(self, cast, status):
        with pytest.raises(Conflict) as refused:
            make_offer(cast.buyer, status=status)
        assert refused.value.code == "contract_not_active"

    def test_a_paused_contract_is_not_shown_any_more(self, cast):
        offer = make_offer(cast.buyer)
        contracts.pause(contract_id=offer.contract_id, actor=cast.buyer.actor)
        assert list(queries.offers().items) == []

    def test_a_strangers_contract_does_not_exist(self, cast):
        contract = make_contract(cast.buyer)
        for verb in (make_offer, lambda who, one: offers.unpublish(contract_id=one.id, actor=who)):
            with pytest.raises(NotFound):
                verb(cast.other_buyer if verb is make_offer else cast.other_buyer.actor, contract)

    @pytest.mark.parametrize(
        "words",
        [
            "Call us: (614) 555-01-42",
            "Write to roofs@buyer.example",
            "See https://buyer.example/roofs",
            "Ask for BUYER of the  South Ltd",
            "",
        ],
    )
    def test_nothing_leads_around_the_exchange(self, cast, words):
        contract = make_contract(cast.buyer)
        given = {"contract_id": contract.id, "actor": cast.buyer.actor}
        with pytest.raises(Invalid) as refused:
            offers.publish(headline=words, description="Roofs", **given)
        assert [e.pointer for e in refused.value.errors] == ["/headline"]
        offers.publish(headline="Roofs, 2026 and 15 %", description="45-60 a day", **given)

    def test_a_seller_finds_what_takes_leads_from_a_region(self, cast):
        here, anywhere = make_offer(cast.buyer, regions=("OH",)), make_offer(cast.other_buyer)
        assert {one.id for one in queries.offers(region="OH").items} == {here.id, anywhere.id}
        assert {one.id for one in queries.offers(region="TX").items} == {anywhere.id}


class TestJoin:
    def test_joining_asks_the_buyer_and_opens_nothing(self, cast):
        joined = join(cast.seller, make_offer(cast.buyer))
        terms = terms_of(joined)
        assert joined.status is ContractSourceStatus.REQUESTED
        assert (terms.kind, terms.sales_max, terms.price.amount) == (LeadKind.TARGETED, 1, 5_000)
        assert terms.closed_reason == "requested"
        with pytest.raises(Conflict) as refused:
            post(cast.seller, terms)
        assert (refused.value.code, refused.value.facts["reason"]) == ("offer_closed", "requested")

    def test_a_yes_opens_posting_and_a_no_closes_it(self, cast, run_jobs):
        terms = approve(cast.buyer, join(cast.seller, make_offer(cast.buyer)))
        assert post(cast.seller, terms).post.outcome is PostOutcome.QUEUED_FOR_CHECK
        joined = db.session.scalar(select(ContractSource))
        with unit_of_work():
            contracts.refuse_source(contract_source_id=joined.id, actor=cast.buyer.actor)
        run_jobs()
        with pytest.raises(Conflict) as refused:
            post(cast.seller, terms)
        assert refused.value.facts["reason"] == "refused"

    def test_posting_rests_with_the_contract_and_ends_with_it(self, cast, run_jobs):
        terms = approve(cast.buyer, join(cast.seller, make_offer(cast.buyer)))
        seen = []
        for verb in (contracts.pause, contracts.resume, contracts.end):
            with unit_of_work():
                verb(contract_id=terms.contract_id, actor=cast.buyer.actor)
            run_jobs()
            seen.append(fresh(terms).closed_reason)
        assert seen == ["paused", "", "ended"]

    def test_nothing_is_rung_for_a_contract_that_nobody_posts_for(self, cast):
        contract = make_contract(cast.buyer)
        with unit_of_work():
            contracts.pause(contract_id=contract.id, actor=cast.buyer.actor)
        assert rung() == set()

    def test_what_the_doorbell_forgot_is_found(self, cast, run_jobs, sweep):
        joined = join(cast.seller, make_offer(cast.buyer))
        joined.status = ContractSourceStatus.APPROVED  # and nobody rang
        db.session.commit()
        assert queries.contracts_out_of_step(limit=5) == [joined.contract_id]
        sweep("market.reflect_contract")
        run_jobs()
        assert terms_of(joined).closed_reason == ""
        assert queries.contracts_out_of_step(limit=5) == []

    def test_once_for_each_source(self, cast):
        offer = make_offer(cast.buyer)
        join(cast.seller, offer)
        join(cast.seller, offer, source="another page")
        with pytest.raises(Conflict) as refused:
            join(cast.seller, offer)
        assert refused.value.code == "already_joined"

    def test_a_source_that_was_refused_before_cannot_join(self, cast):
        offer = make_offer(cast.buyer)
        source = source_verbs.ensure_source(organization_id=cast.seller.organization.id, name="x")
        db.session.add(
            ContractSource(
                contract_id=offer.contract_id, source_id=source.id,
                organization_id=cast.seller.organization.id, status=ContractSourceStatus.REFUSED,
            )
        )  # fmt: skip
        with pytest.raises(Conflict) as refused:
            join(cast.seller, offer, source="x")
        assert refused.value.code == "source_refused"

    def test_needs_the_declaration(self, cast):
        offer = make_offer(cast.buyer)
        source = source_verbs.ensure_source(organization_id=cast.seller.organization.id, name="x")
        with pytest.raises(Invalid) as refused:
            offers.join(
                offer_id=offer.id, source_id=source.id, declared_unsold=False,
                actor=cast.seller.actor,
            )  # fmt: skip
        assert [e.pointer for e in refused.value.errors] == ["/declared_unsold"]

    def test_somebody_elses_source_does_not_exist(self, cast):
        theirs = source_verbs.ensure_source(
            organization_id=cast.other_seller.organization.id, name="theirs"
        )
        with pytest.raises(NotFound):
            offers.join(
                offer_id=make_offer(cast.buyer).id, source_id=theirs.id, declared_unsold=True,
                actor=cast.seller.actor,
            )  # fmt: skip

    def test_the_terms_of_other_leads_of_the_source_are_kept_apart(self, cast):
        usual = make_terms(cast.seller, consent_text="I agree to be called by anybody at all.")
        joined = join(cast.seller, make_offer(cast.buyer))
        assert terms_of(joined).consent_text == usual.consent_text
        found = post_queries.find_terms(source_id=usual.source_id, vertical_id=usual.vertical_id)
        assert (found.id, found.kind) == (usual.id, LeadKind.EXCLUSIVE)

    def test_targeted_terms_come_from_offers_alone(self, cast):
        with pytest.raises(Invalid):
            make_terms(cast.seller, kind=LeadKind.TARGETED)


class TestLots:
    def test_leads_for_everybody_and_for_an_offer_grow_apart(self, cast):
        usual = make_terms(cast.seller)
        terms = targeted_terms(cast.seller, cast.buyer)
        post(cast.seller, usual)
        post(cast.seller, terms)
        lots_of = {lot_of(usual).contract_id, lot_of(terms).contract_id}
        assert lots_of == {None, terms.contract_id}
        assert lot_of(terms).kind is LeadKind.TARGETED

    def test_standing_is_the_sources(self, cast):
        usual = make_terms(cast.seller)
        terms = targeted_terms(cast.seller, cast.buyer, trusted=False)
        post(cast.seller, usual)
        lot = lot_of(usual)
        batches.seal_batch(lot, actor=SYSTEM)
        batches.start_sampling(batch_id=lot.id, actor=SYSTEM)
        batches.decide_batch(batch_id=lot.id, decision=BatchStatus.ACCEPTED, actor=SYSTEM)
        assert usual.trusted_since is not None
        assert terms.trusted_since is not None

    def test_a_trusted_source_offers_at_once_a_new_one_waits(self, cast):
        post(cast.seller, terms := targeted_terms(cast.seller, cast.buyer, trusted=False))
        assert queries.find_listing_of_batch(lot_of(terms).id) is None
        trusted = targeted_terms(cast.other_seller, cast.buyer)
        post(cast.other_seller, trusted)
        listing = queries.find_listing_of_batch(lot_of(trusted).id)
        assert listing.mode is ListingMode.TARGETED

    def test_an_accepted_lot_is_offered_to_its_contract(self, cast, monkeypatch):
        monkeypatch.setattr(lots, "LEADS_MAX", 1)
        terms = targeted_terms(cast.seller, cast.buyer, trusted=False)
        post(cast.seller, terms)
        lot = db.session.scalar(select(Batch).where(Batch.contract_id == terms.contract_id))
        batches.start_sampling(batch_id=lot.id, actor=SYSTEM)
        batches.decide_batch(batch_id=lot.id, decision=BatchStatus.ACCEPTED, actor=SYSTEM)
        listing = queries.find_listing_of_batch(lot.id)
        assert (listing.mode, listing.price) == (ListingMode.TARGETED, terms.price)


@pytest.fixture
def listing(cast) -> Listing:
    """Of leads for the cast's buyer, which nothing has bought: its wallet is empty."""
    terms = targeted_terms(cast.seller, cast.buyer)
    post(cast.seller, terms)
    found = queries.find_listing_of_batch(lot_of(terms).id)
    assert found.status is ListingStatus.PUBLISHED
    return found


class TestNobodyElse:
    def test_no_search_finds_it(self, cast, listing):
        for viewer in (cast.buyer, cast.other_buyer, cast.other_seller):
            filters = queries.Filters(vertical_id=listing.vertical_id)
            assert queries.search(viewer=viewer.organization.id, filters=filters).items == []
            facets = queries.facets(viewer=viewer.organization.id, filters=filters)
            assert sum(n or 0 for n in facets.regions.values()) == 0

    def test_its_seller_and_staff_see_it(self, cast, listing):
        for viewer in (cast.buyer, cast.other_buyer, cast.other_seller):
            with pytest.raises(NotFound):
                queries.get_listing(listing.id, viewer=viewer.organization.id)
        assert queries.get_listing(listing.id, viewer=cast.seller.organization.id) is listing
        assert queries.get_listing(listing.id, viewer=None) is listing

    def test_nobody_orders_from_it(self, cast, listing):
        for buyer in (cast.buyer, cast.other_buyer):
            fund_wallet(buyer)
            with pytest.raises(NotFound):
                orders.place_order(
                    buyer_id=buyer.organization.id, listing_id=listing.id, quantity=1,
                    terms_version=1, actor=buyer.actor,
                )  # fmt: skip

    def test_it_cannot_be_listed_otherwise(self, cast, listing):
        listing.status = ListingStatus.WITHDRAWN
        with pytest.raises(Conflict) as refused:
            listings.create(batch_id=listing.batch_id, actor=cast.seller.actor)
        assert refused.value.code == "targeted"

    def test_the_invariant_sees_a_lot_that_is_listed_for_all(self, cast, listing):
        listing.mode = ListingMode.FIXED
        db.session.flush()
        assert queries.checks.targeted_leads_gone_astray() == [
            f"listing {listing.id} offers targeted leads otherwise"
        ]
        listing.mode = ListingMode.TARGETED

    def test_the_person_is_not_brought_to_others_after_a_rejection(self, cast, monkeypatch):
        monkeypatch.setattr(lots, "LEADS_MAX", 1)
        person = make_person()
        terms = targeted_terms(cast.seller, cast.buyer, trusted=False)
        post(cast.seller, terms, make_body(person))
        lot = db.session.scalar(select(Batch).where(Batch.contract_id == terms.contract_id))
        batches.start_sampling(batch_id=lot.id, actor=SYSTEM)
        batches.decide_batch(batch_id=lot.id, decision=BatchStatus.REJECTED, actor=SYSTEM)
        usual = make_terms(cast.seller, source="another page")
        again = post(cast.seller, usual, make_body(person, source="another page"))
        assert again.post.outcome is PostOutcome.DUPLICATE


class TestPrice:
    def test_who_comes_to_pay_less_has_to_be_agreed_with(self, cast):
        joined = join(cast.seller, make_offer(cast.buyer))
        contract = contract_of(terms_of(joined))
        contracts.change(
            contract_id=contract.id, price=Money(4_000, contract.price.currency),
            actor=cast.buyer.actor,
        )  # fmt: skip
        assert not queries.joined_views([joined])[0].is_price_agreed
        with pytest.raises(NotFound):
            offers.agree(joined_id=joined.id, actor=cast.other_seller.actor)
        offers.agree(joined_id=joined.id, actor=cast.seller.actor)
        assert terms_of(joined).price == contract.price


def test_a_pending_seller_cannot_join(cast):
    cast.seller.organization.status = "pending"
    with pytest.raises(Forbidden):
        join(cast.seller, make_offer(cast.buyer))


def test_figures_are_told_from_twenty_leads_on(cast):
    view = queries.offer_view(make_offer(cast.buyer))
    assert (view.figures.taken, view.figures.returned) == (None, None)
    assert view.buyer == "Buyer of the South"
