"""The verbs of ping and post: who is known, which bids stand, what is kept of a lead."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exchange.catalog.values import iso_moment
from exchange.core import clock
from exchange.core.db import db, get
from exchange.core.errors import Conflict, Gone, Invalid
from exchange.core.money import Money
from exchange.leads.models import Batch, ContactChannel, Lead, LeadKind
from exchange.leads.post_models import Post, PostOutcome
from exchange.leads.rights import ListPurpose, PersonDigest
from exchange.leads.services import person_lists
from exchange.market.contract_models import Contract
from exchange.market.contract_terms import Caps, Period
from exchange.market.models import Listing, OrderLine
from exchange.market.ping_models import Ping, PingStatus
from exchange.market.queries import get_contract_terms
from exchange.market.services import contracts, listings, pings
from tests.factories import posts as posting
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import make_person
from tests.factories.pings import lead_of, make_ping, post
from tests.factories.posts import make_body, make_terms

HIGH, LOW = 60_00, 50_00


@pytest.fixture
def terms(cast):
    return make_terms(cast.seller, trusted=True)


@pytest.fixture
def high(cast, terms) -> Contract:
    fund_wallet(cast.buyer)
    return make_contract(cast.buyer, price=HIGH)


@pytest.fixture
def low(cast, terms) -> Contract:
    fund_wallet(cast.other_buyer)
    return make_contract(cast.other_buyer, price=LOW)


@pytest.fixture
def person() -> dict[str, str]:
    return make_person()


def ask(terms, ping):
    return pings.ask(terms_id=terms.id, sent=ping)


def prices(answered: pings.Answered) -> list[int]:
    return [bid.price.amount for bid in answered.bids]


def said(answered: pings.Answered) -> tuple[str, str]:
    return answered.ping.answer, answered.ping.reason


def kept_ping(answered: pings.Answered) -> Ping:
    return get(Ping, answered.ping.id)


def list_person(person, *, owner, actor, purpose=ListPurpose.SUPPRESSED) -> None:
    person_lists.add_list(
        organization_id=owner, purpose=purpose, channel=ContactChannel.ANY, name="list",
        listed_on=None, text=person["phone"], region="US", actor=actor,
    )  # fmt: skip


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


class TestWhoIsKnown:
    def test_somebody_who_was_posted_is_a_duplicate_to_every_seller(
        self, cast, terms, high, person
    ):
        others = make_terms(cast.other_seller, trusted=True)
        posting.post(cast.other_seller, others, make_body(person))
        assert said(ask(terms, make_ping(person))) == ("duplicate", "duplicate_in_window")
        by_email = {key: person[key] for key in ("name", "email")}
        assert said(ask(terms, make_ping(by_email))) == ("duplicate", "duplicate_in_window")

    def test_after_the_window_they_are_new(self, cast, terms, high, person):
        others = make_terms(cast.other_seller, trusted=True)
        posting.post(cast.other_seller, others, make_body(person))
        clock.advance(timedelta(days=400))
        assert said(ask(terms, make_ping(person)))[0] == "matched"

    def test_a_tagged_mailbox_is_the_same_mailbox(self, cast, terms, high, person):
        tagged = {**person, "email": person["email"].replace("@", "+news@")}
        posting.post(cast.seller, terms, make_body(tagged))
        by_email = {key: person[key] for key in ("name", "email")}
        assert said(ask(terms, make_ping(by_email)))[0] == "duplicate"

    def test_which_list_keeps_somebody_off_sale_is_not_told(self, cast, terms, high):
        answers = set()
        for owner, actor in (
            (None, cast.admin.actor),
            (cast.seller.organization.id, cast.seller.actor),
        ):
            somebody = make_person()
            list_person(somebody, owner=owner, actor=actor)
            answers.add(said(ask(terms, make_ping(somebody))))
        somebody = make_person()
        buyer = cast.buyer
        list_person(
            somebody, owner=buyer.organization.id, actor=buyer.actor, purpose=ListPurpose.KNOWN
        )
        answers.add(said(ask(terms, make_ping(somebody))))
        assert answers == {("rejected", "not_sellable")}

    def test_a_list_of_another_seller_says_nothing(self, cast, terms, high, person):
        list_person(person, owner=cast.other_seller.organization.id, actor=cast.other_seller.actor)
        assert said(ask(terms, make_ping(person)))[0] == "matched"

    def test_whom_one_buyer_knows_others_may_buy(self, cast, terms, high, low, person):
        buyer = cast.buyer
        list_person(
            person, owner=buyer.organization.id, actor=buyer.actor, purpose=ListPurpose.KNOWN
        )
        assert prices(ask(terms, make_ping(person))) == [LOW]

    def test_old_people_without_a_digest_are_found_by_the_post(self, cast, terms, high, person):
        posting.post(cast.seller, terms, make_body(person))
        db.session.execute(PersonDigest.__table__.delete())
        ping = make_ping(person)
        answered = ask(terms, ping)
        assert said(answered)[0] == "matched"
        posted = post(cast.seller, answered, lead_of(ping, person))
        assert posted.answer.post.outcome is PostOutcome.DUPLICATE
        assert posted.bid is None


class TestBids:
    def test_the_highest_comes_first(self, terms, high, low):
        assert prices(ask(terms, make_ping())) == [HIGH, LOW]

    def test_what_a_contract_does_not_ask_for_gets_no_bid(self, cast, terms):
        fund_wallet(cast.buyer)
        make_contract(cast.buyer, price=HIGH, regions=("CA",))
        make_contract(cast.buyer, price=HIGH, kinds=(LeadKind.SHARED,))
        make_contract(cast.buyer, price=terms.price.amount - 1)
        assert said(ask(terms, make_ping())) == ("no_match", "contracts_pay_less")

    def test_who_cannot_pay_does_not_bid(self, cast, terms, low):
        fund_wallet(cast.buyer, HIGH - 1)
        make_contract(cast.buyer, price=HIGH)
        assert prices(ask(terms, make_ping())) == [LOW]

    def test_a_full_contract_does_not_bid(self, cast, terms):
        fund_wallet(cast.buyer)
        make_contract(cast.buyer, price=HIGH, caps=Caps(leads={Period.TOTAL: 1}))
        person = make_person()
        ping = make_ping(person)
        assert post(cast.seller, ask(terms, ping), lead_of(ping, person)).bid is not None
        assert prices(ask(terms, make_ping())) == []

    def test_a_listing_that_its_seller_paused_gets_none(self, cast, terms, high, person):
        ping = make_ping(person)
        post(cast.seller, ask(terms, ping), lead_of(ping, person))
        listing = db.session.scalars(select(Listing)).one()
        pause(listing, cast)
        assert said(ask(terms, make_ping())) == ("no_match", "not_open_to_contracts")


def pause(listing, cast) -> None:
    listings.pause(listing_id=listing.id, actor=cast.seller.actor)


class TestPost:
    @pytest.fixture
    def ping(self, person):
        return make_ping(person)

    @pytest.fixture
    def answered(self, terms, high, low, ping):
        return ask(terms, ping)

    def test_the_chosen_bid_buys_also_where_another_is_higher(
        self, cast, answered, low, ping, person
    ):
        bid = answered.bids[1]
        posted = post(cast.seller, answered, lead_of(ping, person), bid=bid.id)
        assert posted.bid == bid
        line = db.session.scalars(select(OrderLine)).one()
        assert (line.contract_id, line.price) == (low.id, Money(LOW, bid.price.currency))

    def test_any_takes_the_next_where_the_best_cannot_be_paid(
        self, cast, answered, high, ping, person
    ):
        contracts.pause(contract_id=high.id, reason="buyer", actor=cast.buyer.actor)
        posted = post(cast.seller, answered, lead_of(ping, person))
        assert posted.bid is not None
        assert posted.bid.price.amount == LOW

    def test_a_bid_that_lapsed_keeps_nothing_of_the_lead(
        self, cast, terms, answered, high, ping, person
    ):
        contracts.pause(contract_id=high.id, reason="buyer", actor=cast.buyer.actor)
        posted = post(cast.seller, answered, lead_of(ping, person), bid=answered.bids[0].id)
        assert posted.bid is None
        kept = posted.answer.post
        assert (kept.outcome, kept.reason) == (PostOutcome.REJECTED, "bid_lapsed")
        assert (count(Lead), count(Batch), count(OrderLine)) == (0, 0, 0)
        row = kept_ping(answered)
        assert (row.status, row.reason) == ("lapsed", "bid_lapsed")
        # The person is new to everybody: the seller may offer them again at once.
        assert prices(ask(terms, make_ping(person))) == [LOW]

    def test_a_bid_is_charged_at_its_price_or_not_at_all(self, cast, answered, high, ping, person):
        change_price(high, HIGH + 5_00, cast)
        posted = post(cast.seller, answered, lead_of(ping, person), bid=answered.bids[0].id)
        assert posted.bid is None

    def test_an_expired_ping_is_gone(self, cast, answered, ping, person):
        clock.advance(timedelta(seconds=61))
        with pytest.raises(Gone) as refused:
            post(cast.seller, answered, lead_of(ping, person))
        assert refused.value.code == "ping_expired"

    def test_a_ping_without_bids_cannot_be_used(self, cast, terms, ping, person):
        answered = ask(terms, ping)
        with pytest.raises(Conflict) as refused:
            post(cast.seller, answered, lead_of(ping, person))
        assert refused.value.code == "ping_used"

    def test_a_lead_that_fails_the_checks_uses_the_ping_up(self, cast, answered, ping, person):
        wrong = lead_of(ping, {**person, "phone": "12345"})
        posted = post(cast.seller, answered, wrong)
        assert posted.answer.post.outcome is PostOutcome.REJECTED
        assert kept_ping(answered).status is PingStatus.LAPSED
        assert count(Lead) == 0

    def test_the_address_as_it_is_written_is_recognised_too(self, cast, terms, high):
        person = make_person()
        tagged = {**person, "email": person["email"].replace("@", "+news@")}
        ping = make_ping(tagged)
        posted = post(cast.seller, ask(terms, ping), lead_of(ping, tagged))
        assert posted.bid is not None

    def test_the_moment_of_the_request_is_the_pinged_one(self, cast, answered, ping, person):
        lead = lead_of(ping, person)
        lead.pop("requested_at")
        assert post(cast.seller, answered, lead).bid is not None

    def test_another_moment_is_another_lead(self, cast, answered, ping, person):
        earlier = {**ping, "requested_at": iso_moment(clock.now() - timedelta(hours=1))}
        with pytest.raises(Invalid) as refused:
            post(cast.seller, answered, lead_of(earlier, person))
        assert "/requested_at" in {e.pointer for e in refused.value.errors}

    def test_a_new_source_waits_for_its_check_and_bids_are_void(self, cast, high, ping, person):
        terms = make_terms(cast.seller)
        terms.trusted_since = None
        posted = post(cast.seller, answered := ask(terms, ping), lead_of(ping, person))
        kept = posted.answer.post
        assert (kept.outcome, kept.reason) == (PostOutcome.QUEUED_FOR_CHECK, "check_first")
        assert (posted.bid, count(Lead), count(OrderLine)) == (None, 1, 0)
        assert kept_ping(answered).status is PingStatus.LAPSED


def change_price(contract: Contract, price: int, cast) -> None:
    """A new version of the contract's terms, as the verb makes it."""
    terms = get_contract_terms(contract.id, version=contract.terms_version)
    contracts.change(
        contract_id=contract.id, name=contract.name,
        price=Money(price, contract.price.currency), content=terms.content,
        actor=cast.buyer.actor,
    )  # fmt: skip


def test_pings_go_after_their_time(terms, high, sweep):
    answered = ask(terms, make_ping())
    sweep("market.forget_pings")
    assert kept_ping(answered).status is PingStatus.OFFERED
    clock.advance(pings.KEPT + timedelta(days=1))
    sweep("market.forget_pings")
    assert (count(Ping), count(Post)) == (0, 0)
