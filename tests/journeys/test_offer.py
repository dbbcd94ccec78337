"""An offer from end to end over HTTP: shown, joined, approved, posted for, delivered and paid."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock
from exchange.core.db import db
from exchange.core.ids import decode
from exchange.core.money import Currency
from exchange.leads.post_models import SourceTerms
from exchange.leads.services.sources import ensure_source
from exchange.market import queries
from exchange.market.contract_models import Contract
from exchange.market.models import Listing
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import make_person
from tests.factories.posts import SOURCE, make_body

PRICE = 5_000
WORDS = {"headline": "Roofs in Ohio", "description": "Homeowners, please."}


def money(player: Player, kind: AccountKind) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


def page(client: FlaskClient, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.get_data(as_text=True)


@pytest.fixture
def contract(cast: Cast) -> Contract:
    """The buyer's, with a rival who pays more and would take the same leads."""
    fund_wallet(cast.other_buyer)
    fund_wallet(cast.buyer, 10_000)
    make_contract(cast.other_buyer, price=90_000)
    made = make_contract(cast.buyer, price=PRICE, regions=("OH",))
    ensure_source(organization_id=cast.seller.organization.id, name=SOURCE)
    db.session.commit()
    return made


def test_from_the_offer_to_the_lead(
    cast: Cast, client: FlaskClient, contract: Contract, run_jobs: Callable[[], int]
) -> None:
    contract_id, person = contract.public_id, make_person()
    seller_key = cast.seller.key("batch:read", "batch:upload", "lead:post")

    # The buyer shows the contract; its page says so.
    shown = cast.buyer.sign_in(client).post(f"/buyers/contracts/{contract_id}/publish", data=WORDS)
    assert shown.status_code == 303
    assert "Sellers see it" in page(client, f"/buyers/contracts/{contract_id}")

    # The seller finds it and asks with a source; nothing can be posted yet.
    (offer,) = client.get("/api/v1/offers", headers=seller_key).json["data"]
    joined = client.post(
        f"/api/v1/offers/{offer['id']}/join",
        json={"source": SOURCE, "declared_unsold": True},
        headers={**seller_key, "Idempotency-Key": "join"},
    ).json
    body = make_body(person, contract=contract_id)
    early = client.post("/api/v1/leads", json=body, headers=seller_key)
    assert (early.status_code, early.json["code"]) == (409, "offer_closed")

    # The buyer says yes on the page of the contract.
    assert cast.seller.organization.trade_name in page(client, f"/buyers/contracts/{contract_id}")
    step = f"/buyers/contracts/{contract_id}/sources/{joined['id']}/approve"
    assert client.post(step).status_code == 303
    run_jobs()
    trust(joined["terms"])

    # A lead for the offer, one that it does not ask for, and somebody whom nobody else gets.
    posted = client.post("/api/v1/leads", json=body, headers=seller_key).json
    assert (posted["status"], posted["price"]["amount"]) == ("accepted", PRICE)
    elsewhere = make_body(contract=contract_id)
    elsewhere["attributes"] |= {"region": "TX", "postal_code": "75001"}
    assert client.post("/api/v1/leads", json=elsewhere, headers=seller_key).status_code == 201
    run_jobs()

    # The buyer has it, at its own price, to the cent; the rival has nothing.
    assert money(cast.buyer, AccountKind.WALLET) == 10_000 - PRICE
    assert money(cast.seller, AccountKind.PENDING) == PRICE
    assert money(cast.other_buyer, AccountKind.WALLET) == 100_000_00
    reader = cast.buyer.key("order:read", "contact:open")
    (order,) = client.get("/api/v1/orders", headers=reader).json["data"]
    bought = client.get(f"/api/v1/orders/{order['id']}/leads", headers=reader).json["data"]
    assert [one["contact"]["phone"] for one in bought] == [person["phone"]]

    # The seller sees each lead and why one was not taken, and no name of the buyer.
    cast.seller.sign_in(client)
    leads = page(client, f"/sellers/offers/joined/{joined['id']}")
    assert "taken; the return window runs" in leads
    assert "another region than the contract asks for" in leads
    assert cast.buyer.organization.name not in leads
    assert "your offer" in page(client, "/sellers/sales")

    # Nobody else finds the one that was not taken, in whatever way.
    listing = db.session.scalar(db.select(Listing))
    for other in (cast.other_buyer, cast.buyer):
        key = other.key("market:read", "order:place")
        assert client.get("/api/v1/listings", headers=key).json["data"] == []
        assert client.get(f"/api/v1/listings/{listing.public_id}", headers=key).status_code == 404
        order = {"listing_id": listing.public_id, "quantity": 1, "terms_version": 1}
        sent = client.post(
            "/api/v1/orders", json=order, headers={**key, "Idempotency-Key": other.user.email}
        )
        assert sent.status_code == 404

    # Out of sight again, and the source goes on.
    cast.buyer.sign_in(client)
    assert client.post(f"/buyers/contracts/{contract_id}/unpublish").status_code == 303
    assert client.get("/api/v1/offers", headers=seller_key).json["data"] == []
    again = client.post("/api/v1/leads", json=make_body(contract=contract_id), headers=seller_key)
    assert again.json["status"] == "accepted"
    run_jobs()
    assert money(cast.buyer, AccountKind.WALLET) == 10_000 - 2 * PRICE


def trust(terms_id: str) -> None:
    """As after an accepted lot of the source."""
    found = decode(SourceTerms.PREFIX, terms_id)
    assert found is not None
    db.session.get_one(SourceTerms, found).trusted_since = clock.now()
    db.session.commit()


class TestRights:
    def test_a_stranger_neither_shows_nor_hides_a_contract(
        self, cast: Cast, client: FlaskClient, contract: Contract
    ) -> None:
        key = cast.other_buyer.key("contract:read", "contract:write")
        stranger = cast.other_buyer.sign_in(client)
        for step in ("publish", "unpublish"):
            url = f"/contracts/{contract.public_id}/{step}"
            assert client.post(f"/api/v1{url}", json=WORDS, headers=key).status_code == 404
            assert stranger.post(f"/buyers{url}", data=WORDS).status_code == 404
        assert queries.find_offer(contract.id) is None

    def test_words_that_name_the_buyer_come_back_on_the_page(
        self, cast: Cast, client: FlaskClient, contract: Contract
    ) -> None:
        words = {**WORDS, "headline": "Call (614) 555-0142"}
        buyer = cast.buyer.sign_in(client)
        refused = buyer.post(f"/buyers/contracts/{contract.public_id}/publish", data=words)
        assert refused.status_code == 422
        assert "sellers know a pseudonym" in refused.get_data(as_text=True)

    def test_the_api_says_the_offer(
        self, cast: Cast, client: FlaskClient, contract: Contract
    ) -> None:
        key = cast.buyer.key("contract:write")
        url = f"/api/v1/contracts/{contract.public_id}"
        shown = client.post(f"{url}/publish", json=WORDS, headers=key).json
        assert (shown["status"], shown["headline"]) == ("published", WORDS["headline"])
        hidden = client.post(f"{url}/unpublish", headers=key).json
        assert (hidden["status"], hidden["id"]) == ("unpublished", shown["id"])
