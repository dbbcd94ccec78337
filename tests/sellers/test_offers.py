"""What a seller sees and does about demand, by page and by API."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from exchange.core.db import db, unit_of_work
from exchange.leads.services.sources import ensure_source
from exchange.market import queries
from exchange.market.contract_models import ContractSourceStatus
from exchange.market.contract_terms import ActionTerms
from exchange.market.models import PricingModel
from exchange.market.services import contracts
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.fulfillment import buy
from tests.factories.leads import make_batch
from tests.factories.market import make_listing
from tests.factories.offers import HEADLINE, approve, contract_of, join, make_offer, terms_of
from tests.factories.posts import CONSENT, SOURCE, make_body

JOIN = {"source": SOURCE, "declared_unsold": "1"}


@pytest.fixture
def offer(cast):
    made = make_offer(cast.buyer, regions=("OH",))
    ensure_source(organization_id=cast.seller.organization.id, name=SOURCE)
    db.session.commit()
    return made


@pytest.fixture
def browser(cast, client) -> FlaskClient:
    return cast.seller.sign_in(client)


@pytest.fixture
def key(cast):
    return cast.seller.key("batch:read", "batch:upload", "lead:post")


def text_of(response) -> str:
    assert response.status_code == 200, response.get_data(as_text=True)
    found: str = response.get_data(as_text=True)
    return found


def post_json(client, url, headers, body, *, once="1"):
    return client.post(url, json=body, headers={**headers, "Idempotency-Key": once})


class TestPages:
    def test_nothing_yet_says_what_to_do(self, cast, browser):
        assert "No buyer shows an offer" in text_of(browser.get("/sellers/offers"))
        assert "You have joined no offer yet" in text_of(browser.get("/sellers/offers/joined"))
        assert "No standing order of this kind" in text_of(browser.get("/sellers/wanted"))
        assert "Nothing is sold yet" in text_of(browser.get("/sellers/sales"))

    def test_the_board_opens_at_what_the_seller_brought_last(self, cast, browser):
        make_vertical("audit_services_ru")  # the first one by name
        make_batch(cast.seller, leads=2)
        db.session.commit()
        chosen = f'value="{VERTICAL}" selected'
        assert chosen in text_of(browser.get("/sellers/wanted"))

    def test_an_offer_says_what_it_pays_and_asks_and_not_who_it_is(self, cast, browser, offer):
        assert HEADLINE in text_of(browser.get("/sellers/offers"))
        page = text_of(browser.get(f"/sellers/offers/{offer.public_id}"))
        for words in (HEADLINE, "Homeowners only", "Ohio", "$50.00", "per lead", "72 hours"):
            assert words in page, words
        ours = cast.buyer.organization
        assert ours.trade_name in page
        assert ours.name not in page
        assert ours.public_id not in page

    def test_filters_that_fit_nothing_say_so(self, cast, browser, offer):
        page = text_of(browser.get("/sellers/offers?pricing_model=cpa"))
        assert "No offer fits these filters" in page

    def test_an_offer_for_actions_says_by_when_they_are_known(self, cast, browser):
        action = ActionTerms("signed application", attribution_days=45, decision_days=9)
        made = make_offer(cast.buyer, pricing_model=PricingModel.CPA, action=action)
        db.session.commit()
        page = text_of(browser.get(f"/sellers/offers/{made.public_id}"))
        for words in ("signed application", "45 days", "9 days", "else the action is approved"):
            assert words in page, words

    def test_joining_asks_the_buyer_once(self, cast, browser, offer):
        url = f"/sellers/offers/{offer.public_id}/join"
        first = browser.post(url, data={**JOIN, "idempotency_key": "1"})
        assert first.status_code == 303
        page = text_of(browser.get(first.location))
        assert "The buyer has not answered yet" in page
        assert contract_id(offer) in page
        again = browser.post(url, data={**JOIN, "idempotency_key": "2"})
        assert again.status_code == 409
        assert "has joined the offer already" in again.get_data(as_text=True)
        assert SOURCE in text_of(browser.get("/sellers/offers/joined"))

    def test_without_the_declaration_nothing_is_joined(self, cast, browser, offer):
        url = f"/sellers/offers/{offer.public_id}/join"
        refused = browser.post(url, data={"source": SOURCE, "idempotency_key": "1"})
        assert refused.status_code == 422
        assert queries.joined(viewer=cast.seller.organization.id).items == []

    def test_each_lead_and_its_state_is_shown(self, cast, browser, offer):
        terms = approve(cast.buyer, join(cast.seller, offer))
        joined = queries.joined_to(terms.contract_id, viewer=cast.seller.organization.id)[0]
        sent = browser.post(
            "/api/v1/leads", json=body_for(offer), headers=cast.seller.key("lead:post")
        )
        assert sent.json["status"] == "queued_for_check"
        page = text_of(browser.get(f"/sellers/offers/joined/{joined.public_id}"))
        assert "sold when its lot is accepted" in page
        assert sent.json["lead"] in page

    def test_posting_terms_of_an_offer_keep_what_was_agreed(self, cast, browser, offer):
        terms = approve(cast.buyer, join(cast.seller, offer))
        page = text_of(browser.get(f"/sellers/posting/{terms.public_id}/terms"))
        assert 'name="price"' not in page
        form = {"declared_unsold": "1", "consent_text": CONSENT, "price": "1", "kind": "shared"}
        saved = browser.post(f"/sellers/posting/{terms.public_id}/terms", data=form)
        assert saved.status_code == 303
        fresh = terms_of(queries.joined(viewer=cast.seller.organization.id).items[0])
        assert (fresh.price.amount, str(fresh.kind), fresh.consent_text) == (
            5_000, "targeted", CONSENT,
        )  # fmt: skip

    def test_a_lower_price_is_agreed_to_on_the_page(self, cast, browser, offer):
        terms = approve(cast.buyer, join(cast.seller, offer))
        contract = contract_of(terms)
        with unit_of_work():
            lower = type(contract.price)(4_000, contract.price.currency)
            contracts.change(contract_id=contract.id, price=lower, actor=cast.buyer.actor)
        joined = queries.joined(viewer=cast.seller.organization.id).items[0]
        url = f"/sellers/offers/joined/{joined.public_id}"
        assert "pays less than you agreed to" in text_of(browser.get(url))
        assert browser.post(f"{url}/price").status_code == 303
        assert "pays less than you agreed to" not in text_of(browser.get(url))

    def test_strangers_see_nothing_of_what_was_joined(self, cast, client, offer):
        joined = join(cast.seller, offer)
        db.session.commit()
        stranger = cast.other_seller.sign_in(client)
        for url in (f"joined/{joined.public_id}", f"{joined.public_id}"):
            assert stranger.get(f"/sellers/offers/{url}").status_code == 404
        assert stranger.post(f"/sellers/offers/joined/{joined.public_id}/price").status_code == 404
        assert SOURCE not in text_of(stranger.get("/sellers/offers/joined"))
        assert SOURCE not in text_of(stranger.get(f"/sellers/offers/{offer.public_id}"))

    def test_an_offer_out_of_sight_is_there_for_whoever_joined(self, cast, client, offer):
        join(cast.seller, offer)
        with unit_of_work():
            contracts.pause(contract_id=offer.contract_id, actor=cast.buyer.actor)
        url = f"/sellers/offers/{offer.public_id}"
        assert "does not run at the moment" in text_of(cast.seller.sign_in(client).get(url))
        assert cast.other_seller.sign_in(client).get(url).status_code == 404

    def test_sales_name_a_pseudonym(self, cast, browser):
        buy(cast.buyer, make_listing(cast.seller), quantity=2)
        buy(cast.other_buyer, make_listing(cast.other_seller))
        db.session.commit()
        page = text_of(browser.get("/sellers/sales"))
        assert page.count("Buyer of the South") == 2
        assert "Buyer of the West" not in page
        assert cast.buyer.organization.name not in page


class TestApi:
    def test_offers_are_listed_and_shown(self, cast, client, key, offer):
        listed = client.get("/api/v1/offers?vertical=home_improvement_us&region=OH", headers=key)
        assert [one["id"] for one in listed.json["data"]] == [offer.public_id]
        one = client.get(f"/api/v1/offers/{offer.public_id}", headers=key).json
        assert one["price"] == {"amount": 5_000, "currency": "USD"}
        assert (one["regions"], one["criteria"], one["leads_taken"]) == (["OH"], {}, None)
        assert one["buyer"] == "Buyer of the South"
        elsewhere = client.get("/api/v1/offers?region=TX", headers=key)
        assert elsewhere.json["data"] == []

    def test_joining_twice_with_one_key_is_once_and_then_refused(self, cast, client, key, offer):
        url, body = f"/api/v1/offers/{offer.public_id}/join", {
            "source": SOURCE, "declared_unsold": True,
        }  # fmt: skip
        first = post_json(client, url, key, body)
        assert (first.status_code, first.json["status"]) == (201, "requested")
        assert first.json["closed_reason"] == "requested"
        assert post_json(client, url, key, body).json == first.json
        again = post_json(client, url, key, body, once="2")
        assert (again.status_code, again.json["code"]) == (409, "already_joined")
        shown = client.get(f"/api/v1/offers/{offer.public_id}", headers=key).json
        assert [one["source"] for one in shown["joined"]] == [SOURCE]

    def test_an_unknown_source_is_named(self, client, key, offer):
        url = f"/api/v1/offers/{offer.public_id}/join"
        refused = post_json(client, url, key, {"source": "none", "declared_unsold": True})
        assert refused.status_code == 422
        assert refused.json["errors"][0]["pointer"] == "/source"

    def test_a_buyer_has_no_door_here(self, cast, client, offer):
        headers = cast.buyer.key("order:read", "market:read")
        for path in ("wanted", "offers", f"offers/{offer.public_id}"):
            assert client.get(f"/api/v1/{path}", headers=headers).status_code == 404

    def test_a_refused_source_cannot_post(self, cast, client, key, offer, run_jobs):
        joined = join(cast.seller, offer)
        with unit_of_work():
            contracts.refuse_source(contract_source_id=joined.id, actor=cast.buyer.actor)
        run_jobs()
        sent = client.post("/api/v1/leads", json=body_for(offer), headers=key)
        assert (sent.status_code, sent.json["code"]) == (409, "offer_closed")
        assert queries.find_contract_source(
            offer.contract_id, source_id=joined.source_id
        ).status is ContractSourceStatus.REFUSED  # fmt: skip

    def test_a_lead_for_an_offer_needs_the_source_to_have_joined(self, cast, client, key, offer):
        sent = client.post("/api/v1/leads", json=body_for(offer), headers=key)
        assert (sent.status_code, sent.json["code"]) == (409, "terms_missing")

    @pytest.mark.parametrize("named", ["con_nothing", "off_1", 17])
    def test_what_is_no_contract_is_refused(self, client, key, offer, named):
        sent = client.post("/api/v1/leads", json=make_body(contract=named), headers=key)
        assert (sent.status_code, sent.json["errors"][0]["pointer"]) == (422, "/contract")


def test_an_address_for_everybody_takes_no_lead_for_an_offer(cast, browser, client, offer):
    joined = join(cast.seller, offer)
    approve(cast.buyer, joined)
    usual = {"vertical": "home_improvement_us", "source": SOURCE, "price": "45"}
    terms = browser.post("/sellers/posting", data={**usual, "declared_unsold": "1"}).location
    made = browser.post(f"{terms}/tokens", data={"name": "builder"}).get_data(as_text=True)
    token = made.split("/api/v1/leads/in/")[1].split("<")[0].split('"')[0].strip()
    sent = client.post(f"/api/v1/leads/in/{token}", json=body_for(offer))
    assert (sent.status_code, sent.json["errors"][0]["pointer"]) == (422, "/contract")


def contract_id(offer) -> str:
    found: str = queries.get_contract(offer.contract_id, viewer=None).public_id
    return found


def body_for(offer):
    return make_body(contract=contract_id(offer))
