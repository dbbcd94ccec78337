"""What a seller learns of why contracts did not take leads: reasons, and nobody's own business."""

from __future__ import annotations

import pytest

from exchange.core.db import db
from exchange.leads.models import LeadKind
from exchange.market import queries
from exchange.market.allocation import Refusal
from exchange.market.contract_terms import Caps, Period
from exchange.market.models import Listing
from exchange.market.services import matches
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import leads_of
from tests.factories.market import make_listing

PRICE = 45_00


@pytest.fixture
def listing(cast) -> Listing:
    """Shared leads that a buyer took one of; three buyers pay too little."""
    made = make_listing(cast.seller, leads=4, price=PRICE, kind=LeadKind.SHARED, sales_max=3)
    fund_wallet(cast.buyer)
    for player in (cast.buyer, cast.other_buyer, cast.newcomer):
        make_contract(player, price=PRICE - 1)
    make_contract(cast.buyer, caps=Caps({Period.DAY: 1}))
    matches.match_listing(listing_id=made.id)
    db.session.commit()
    return made


@pytest.fixture
def url(listing) -> str:
    return f"/api/v1/listings/{listing.public_id}/refusals"


def test_a_reason_is_named_from_three_buyers_on(listing):
    met = queries.refusals_of_listing(listing.id)
    assert met == queries.Met(4, 4, 1, {Refusal.PRICE: 12}, few=3)
    assert met == queries.refusals_of_batch(listing.batch_id)


def test_three_contracts_of_one_buyer_are_one_buyer(cast):
    made = make_listing(cast.seller, leads=2, price=PRICE)
    for _ in range(3):
        make_contract(cast.buyer, price=PRICE - 1)
    matches.match_listing(listing_id=made.id)
    assert queries.refusals_of_listing(made.id) == queries.Met(2, 2, 0, {}, few=6)


def test_words_that_tell_of_one_buyer_are_told_as_one(cast):
    """Who may not trade counts beside whose contract has ended, and the three make a figure."""
    made = make_listing(cast.seller, leads=1, price=PRICE)
    for player in (cast.buyer, cast.other_buyer, cast.newcomer):
        make_contract(player)
        player.organization.status = cast.newcomer.organization.status
    matches.match_listing(listing_id=made.id)
    met = queries.refusals_of_lead(leads_of(queries.get_batch_of(made))[0].id)
    assert met is not None
    assert met.reasons == {Refusal.ENDED: 3}


def test_before_anything_was_met_there_is_nothing_to_tell(cast, client):
    made = make_listing(cast.seller, leads=1)
    assert queries.refusals_of_listing(made.id) is None
    found = client.get(
        f"/api/v1/listings/{made.public_id}/refusals", headers=cast.seller.key("batch:read")
    ).json
    assert (found["leads"], found["reasons"]) == (0, [])


def test_the_page_says_it_in_words(cast, client, listing):
    page = cast.seller.sign_in(client).get(f"/sellers/listings/{listing.public_id}").text
    assert "The contract pays less than is asked" in page
    assert "Reasons of fewer than three buyers" in page
    assert "A cap of the contract is reached" not in page


def test_the_api_says_the_same(cast, client, url):
    found = client.get(url, headers=cast.seller.key("batch:read")).json
    assert found["reasons"] == [
        {"reason": "price", "detail": "The contract pays less than is asked", "times": 12}
    ]
    assert (found["leads"], found["asked_for"], found["taken"], found["few"]) == (4, 4, 1, 3)


def test_nobody_else_is_told(cast, client, listing, url):
    stranger = cast.other_seller.key("batch:read")
    assert client.get(url, headers=stranger).status_code == 404
    assert client.get(url, headers=cast.buyer.key("market:read")).status_code == 404
