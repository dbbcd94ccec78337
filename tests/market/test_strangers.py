"""Nobody trades with himself: a member in common, now or ever, keeps buyer and seller apart."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from exchange.core.db import db
from exchange.core.errors import Forbidden
from exchange.identity import queries as identity
from exchange.identity import services
from exchange.identity.models import Membership
from exchange.identity.permissions import Role
from exchange.market import queries
from exchange.market.auction_models import BidStatus
from exchange.market.auction_proof import verify
from exchange.market.queries import Filters
from exchange.market.services import matches, pings
from tests.cast import PASSWORD, Cast, Player
from tests.factories.auctions import bid, close, make_auction
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import make_person
from tests.factories.market import make_listing, place
from tests.factories.offers import join, make_offer
from tests.factories.pings import make_ping
from tests.factories.posts import make_terms
from tests.market.test_matches import reasons, wallet

PRICE = 45_00


@pytest.fixture(autouse=True)
def money(cast: Cast) -> None:
    fund_wallet(cast.buyer)
    fund_wallet(cast.other_buyer)


def join_team(person: Player, of: Player) -> Membership:
    """The person accepts an invitation of the other organization."""
    _, token = services.invite(
        organization_id=of.organization.id, role=Role.MEMBER, note="", actor=of.actor
    )
    services.accept_invitation(
        token=token, email=person.user.email, name=person.user.name, password=PASSWORD
    )
    (made,) = (
        one
        for one in identity.memberships_of(person.user.id)
        if one.organization_id == of.organization.id
    )
    return made


@pytest.fixture
def related(cast: Cast) -> Membership:
    """Who owns the seller belongs to the buyer as well."""
    return join_team(cast.seller, cast.buyer)


class TestRelatives:
    def test_strangers_have_only_themselves(self, cast):
        ours = cast.buyer.organization.id
        assert identity.relatives(ours) == {ours}

    def test_a_member_in_common_makes_relatives_of_both(self, cast, related):
        both = {cast.buyer.organization.id, cast.seller.organization.id}
        assert identity.relatives(cast.buyer.organization.id) == both
        assert identity.relatives(cast.seller.organization.id) == both
        other = cast.other_buyer.organization.id
        assert identity.relatives(other) == {other}

    def test_whoever_left_is_remembered(self, cast, related):
        services.remove_member(membership_id=related.id, actor=cast.buyer.actor)
        db.session.expire_all()
        assert cast.seller.organization.id in identity.relatives(cast.buyer.organization.id)

    def test_the_application_cannot_forget_it(self, cast, related):
        with pytest.raises(Exception, match="permission denied"), db.session.begin_nested():
            db.session.execute(text("DELETE FROM affiliation"))

    def test_who_comes_back_is_the_same_again(self, cast, related):
        services.remove_member(membership_id=related.id, actor=cast.buyer.actor)
        join_team(cast.seller, cast.buyer)
        assert cast.seller.organization.id in identity.relatives(cast.buyer.organization.id)

    def test_one_number_in_one_register_is_one_company(self, cast):
        buyer, seller = cast.buyer.organization, cast.seller.organization
        buyer.register_number = seller.register_number = "HRB 4711"
        db.session.flush()
        assert seller.id in identity.relatives(buyer.id)
        seller.country = "ES"  # another register
        db.session.flush()
        assert identity.relatives(buyer.id) == {buyer.id}

    @pytest.mark.parametrize(
        ("ours", "theirs", "is_one"),
        [
            ("HRB 123", "hrb-123", True),
            ("ЕГРН 12_3", "егрн 123.", True),
            ("HRB 123", "HRA 123", False),
            ("Ж 123", "Ш 123", False),
            ("-", "-", False),
            ("n/a", "n/a", False),
            (" ", " ", False),
            ("", "", False),
        ],
    )
    def test_a_number_is_its_letters_and_digits(self, cast, ours, theirs, is_one):
        buyer, seller = cast.buyer.organization, cast.seller.organization
        buyer.register_number, seller.register_number = ours, theirs
        db.session.flush()
        assert (seller.id in identity.relatives(buyer.id)) is is_one

    def test_a_number_that_nobody_has_looked_at_says_nothing(self, cast):
        buyer, pending = cast.buyer.organization, cast.newcomer.organization
        buyer.register_number = pending.register_number = "HRB 4711"
        db.session.flush()
        assert identity.relatives(buyer.id) == {buyer.id}


class TestOrders:
    def test_are_refused(self, cast, related):
        listing = make_listing(cast.seller, leads=6)
        with pytest.raises(Forbidden) as refused:
            place(cast.buyer, listing)
        assert refused.value.code == "related"
        assert place(cast.other_buyer, listing)

    def test_the_market_does_not_show_what_cannot_be_bought(self, cast, related):
        make_listing(cast.seller, leads=6)
        found = queries.search(viewer=cast.buyer.organization.id, filters=Filters())
        assert found.items == []
        facets = queries.facets(viewer=cast.buyer.organization.id, filters=Filters())
        assert facets.kinds == {}

    def test_the_page_says_why(self, cast, client, related):
        path = f"/buyers/listings/{make_listing(cast.seller, leads=6).public_id}"
        db.session.commit()
        page = cast.buyer.sign_in(client).get(path).get_data(as_text=True)
        assert "belongs or belonged to the seller" in page
        assert "Buy 5 for" not in page

    def test_the_door_of_programs_names_it(self, cast, client, related):
        listing = make_listing(cast.seller, leads=6)
        key = cast.buyer.key("order:place")
        answer = client.post(
            "/api/v1/orders",
            json={"listing_id": listing.public_id, "quantity": 1, "terms_version": 1},
            headers={**key, "Idempotency-Key": "self"},
        )
        assert (answer.status_code, answer.json["code"]) == (403, "related")


class TestContracts:
    def test_leads_pass_it_by_and_the_reason_is_counted(self, cast, related):
        listing = make_listing(cast.seller, leads=4, price=PRICE)
        own = make_contract(cast.buyer, price=60_00)
        other = make_contract(cast.other_buyer, price=PRICE)
        assert matches.match_listing(listing_id=listing.id) == 4
        assert reasons(own) == {"related": 4}
        assert reasons(other) == {}

    def test_a_running_contract_takes_nothing_from_then_on(self, cast):
        contract = make_contract(cast.buyer, price=PRICE)
        first = make_listing(cast.seller, leads=2, price=PRICE)
        assert matches.match_listing(listing_id=first.id) == 2
        join_team(cast.seller, cast.buyer)
        second = make_listing(cast.seller, leads=2, price=PRICE, source="other page")
        assert matches.match_listing(listing_id=second.id) == 0
        assert reasons(contract) == {"related": 2}

    def test_a_forecast_leaves_out_what_it_could_not_buy(self, cast, related):
        make_listing(cast.seller, leads=8)
        contract = make_contract(cast.buyer)
        seen = queries.diagnosis(contract)
        assert seen.met.seen == 0

    def test_no_ping_gets_its_bid(self, cast):
        terms = make_terms(cast.seller, trusted=True)
        make_contract(cast.buyer, price=60_00)
        before = pings.ask(terms_id=terms.id, sent=make_ping(make_person()))
        assert len(before.bids) == 1
        join_team(cast.seller, cast.buyer)
        after = pings.ask(terms_id=terms.id, sent=make_ping(make_person()))
        assert after.bids == ()

    def test_its_offer_is_not_joined(self, cast, related):
        with pytest.raises(Forbidden) as refused:
            join(cast.seller, make_offer(cast.buyer))
        assert refused.value.code == "related"


class TestAuctions:
    def test_a_bid_is_refused(self, cast, related):
        auction = make_auction(cast.seller, make_listing(cast.seller, leads=6, price=PRICE))
        with pytest.raises(Forbidden) as refused:
            bid(cast.buyer, auction, PRICE)
        assert refused.value.code == "related"

    def test_the_page_says_why(self, cast, client, related):
        auction = make_auction(cast.seller, make_listing(cast.seller, leads=6, price=PRICE))
        db.session.commit()
        path = f"/buyers/auctions/{auction.public_id}"
        page = cast.buyer.sign_in(client).get(path).get_data(as_text=True)
        assert "belongs or belonged to the seller" in page
        assert 'name="amount"' not in page

    def test_who_becomes_a_relative_wins_nothing_and_the_proof_agrees(self, cast):
        listing = make_listing(cast.seller, leads=6, price=PRICE)
        auction = make_auction(cast.seller, listing, units=3)
        high = bid(cast.buyer, auction, 90_00, units=3)
        low = bid(cast.other_buyer, auction, 50_00, units=2)
        join_team(cast.seller, cast.buyer)
        close(auction)
        assert (high.status, high.units_won) == (BidStatus.LOST, 0)
        assert (low.status, low.units_won) == (BidStatus.WON, 2)
        proof = json.loads(json.dumps(queries.auction_proof(auction)))
        assert verify(proof) == []
        assert list(proof["facts"]["limits"].values()) == [0]

    def test_somebody_who_may_not_bid_any_more_gets_the_money_back(self, cast):
        listing = make_listing(cast.seller, leads=6, price=PRICE)
        auction = make_auction(cast.seller, listing)
        before = wallet(cast.buyer)
        bid(cast.buyer, auction, PRICE)
        join_team(cast.seller, cast.buyer)
        close(auction, timedelta(hours=1))
        assert wallet(cast.buyer) == before
