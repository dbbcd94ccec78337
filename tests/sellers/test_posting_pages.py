"""The seller's pages of single leads: terms, tokens, spec, forms and the last posts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exchange.core.db import db, get
from exchange.leads import post_queries
from exchange.leads.models import Batch
from exchange.leads.post_models import SourceTerms
from tests.factories.catalog import make_vertical
from tests.factories.leads import make_person
from tests.factories.posts import CONSENT, make_body, make_terms, post

TERMS = {
    "vertical": "home_improvement_us", "source": "Landing page", "price": "45.50", "kind": "shared",
    "sales_max": "3", "quality_class": "select", "declared_unsold": "1", "channel": "own_site",
    "consent_text": CONSENT, "consent_url": "https://quotes.example/", "is_check_agreed": "1",
    "call_seconds_min": "90",
}  # fmt: skip
FORM = {"title": "A new roof", "language": "es", "consent_text": CONSENT, "is_callback": "1",
        "origins": "https://a.example\r\nhttps://b.example:8443/page"}  # fmt: skip


@pytest.fixture
def seller(app, cast) -> FlaskClient:
    make_vertical()
    db.session.commit()
    return cast.seller.sign_in(app.test_client())


@pytest.fixture
def terms(cast, seller) -> SourceTerms:
    made = make_terms(cast.seller)
    db.session.commit()
    return made


def words_of(answer: TestResponse, status: int = 200) -> str:
    body = answer.get_data(as_text=True)
    assert answer.status_code == status, body[-2_000:]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def follow(client: FlaskClient, answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.get_data(as_text=True)[-2_000:]
    return words_of(client.get(answer.location))


def test_a_seller_says_once_on_what_terms(seller, cast):
    assert "Post leads as they come" in words_of(seller.get("/sellers/posting"))
    words_of(seller.get("/sellers/posting/new"))
    page = follow(seller, seller.post("/sellers/posting", data=TERMS))
    assert "Landing page" in page
    made = post_queries.all_terms(viewer=cast.seller.organization.id)[0]
    assert (made.price.amount, made.sales_max, made.call_seconds_min) == (45_50, 3, 90)
    assert made.is_check_agreed
    assert "Landing page" in words_of(seller.get("/sellers/posting"))


def test_terms_are_changed_for_the_same_source_and_vertical(seller, terms):
    address = f"/sellers/posting/{terms.public_id}/terms"
    assert "Terms for single leads" in words_of(seller.get(address))
    changed = {**TERMS, "kind": "exclusive", "source": "another", "price": "50"}
    follow(seller, seller.post(address, data=changed))
    db.session.refresh(terms)
    assert (terms.price.amount, terms.sales_max) == (50_00, 1)
    assert post_queries.source_of(terms).name == "quotes page"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"declared_unsold": ""}, "not sold"),
        ({"price": "free"}, "Type an amount"),
        ({"price": "0"}, "above nil"),
        ({"kind": "targeted"}, "Targeted"),
        ({"channel": "pigeon"}, "channels of the vertical"),
        ({"consent_text": "yes"}, "in full"),
        ({"sales_max": "99"}, "10"),
    ],
)
def test_terms_that_do_not_fit_are_said_at_their_field(seller, wrong, said):
    assert said in words_of(seller.post("/sellers/posting", data={**TERMS, **wrong}), 422)


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(seller, terms):
    address = f"/sellers/posting/{terms.public_id}"
    page = words_of(
        seller.post(f"{address}/tokens", data={"name": "Tilda", "setting-google_key": "k"})
    )
    token = re.search(r"leads/in/(pst_[\w-]+)", page)[1]
    held = post_queries.find_token(token)
    assert token not in words_of(seller.get(address))
    assert "Tilda" in words_of(seller.get(address))
    follow(seller, seller.post(f"{address}/tokens/{held.public_id}/revoke"))
    assert post_queries.find_token(token) is None
    assert words_of(seller.post(f"{address}/tokens", data={}), 422)


def test_the_spec_is_shared_renewed_and_closed(seller, terms, client):
    address = f"/sellers/posting/{terms.public_id}/spec"
    tokens = []
    for step in ("open", "renew"):
        follow(seller, seller.post(f"{address}/{step}"))
        db.session.refresh(terms)
        tokens.append(terms.spec_token)
    assert client.get(f"/posting/{tokens[0]}").status_code == 404
    assert client.get(f"/posting/{tokens[1]}").status_code == 200
    follow(seller, seller.post(f"{address}/close"))
    assert client.get(f"/posting/{tokens[1]}").status_code == 404


def test_a_form_is_hosted_reworded_and_closed(seller, terms, client):
    address = f"/sellers/posting/{terms.public_id}"
    page = follow(seller, seller.post(f"{address}/forms", data={**FORM, "idempotency_key": "one"}))
    form = post_queries.forms(terms.id)[0]
    assert form.origins == ["https://a.example", "https://b.example:8443"]
    assert f'<iframe src="http://localhost/f/{form.token}?embed=1"' in page
    wording = f"{CONSENT} And by mail."
    follow(
        seller,
        seller.post(f"{address}/forms/{form.public_id}/wording", data={"consent_text": wording}),
    )
    assert wording in words_of(client.get(f"/f/{form.token}"))
    follow(seller, seller.post(f"{address}/forms/{form.public_id}/close"))
    assert client.get(f"/f/{form.token}").status_code == 404
    refused = {**FORM, "origins": "not a site", "idempotency_key": "two"}
    assert "https://www.example.com" in words_of(seller.post(f"{address}/forms", data=refused), 422)


def test_the_last_posts_are_counted_and_explained(seller, terms, cast):
    person = make_person()
    post(cast.seller, terms, make_body(person, external_id="crm-1"))
    post(cast.seller, terms, make_body(person))
    post(cast.seller, terms, make_body({"name": "T", "phone": "12345"}))
    post(cast.seller, terms, make_body(test=True))
    db.session.commit()
    page = words_of(seller.get(f"/sellers/posting/{terms.public_id}"))
    assert "crm-1" in page
    assert "/contact/phone" in page
    assert "The person is known in this vertical already." in page
    assert "The lot that grows" in page
    assert person["phone"] not in page
    batch = post_queries.find_open_lot(terms)
    assert batch
    assert "Open" in words_of(seller.get("/sellers/batches"))


def test_a_lot_that_grows_has_a_page_and_a_record(seller, terms, cast, client):
    post(cast.seller, terms)
    db.session.commit()
    lot = get(Batch, post_queries.find_open_lot(terms)).public_id
    assert "Committed before the upload" in words_of(seller.get(f"/sellers/batches/{lot}"))
    key = cast.seller.key("batch:read", "batch:upload")
    api = f"/api/v1/batches/{lot}"
    assert client.get(api, headers=key).json["status"] == "open"
    assert client.get(f"{api}/draw", headers=key).json["commitment"]
    assert client.get(f"{api}/draw").status_code == 404
    assert client.get(f"{api}/problems", headers=key).status_code == 404
    assert client.patch(api, json={"answers": {}}, headers=key).status_code == 404
    assert client.post(f"{api}/withdraw", headers=key).json["code"] == "lot_open"
    assert client.post(f"{api}/nonce", json={"nonce": "n"}, headers=key).status_code == 409


def test_strangers_find_nothing(app, cast, terms, seller):
    other = cast.other_seller.sign_in(app.test_client())
    address = f"/sellers/posting/{terms.public_id}"
    for path in (address, f"{address}/terms"):
        assert other.get(path).status_code == 404
    form = follow(seller, seller.post(f"{address}/forms", data={**FORM, "idempotency_key": "x"}))
    assert form
    hosted = post_queries.forms(terms.id)[0].public_id
    held = seller.post(f"{address}/tokens", data={"name": "t"})
    assert held.status_code == 200
    token = post_queries.tokens(terms.id)[0].public_id
    for path in ("terms", "tokens", f"tokens/{token}/revoke", "spec/open", "forms",
                 f"forms/{hosted}/close", f"forms/{hosted}/wording"):  # fmt: skip
        sent = {**TERMS, **FORM, "name": "x", "idempotency_key": path}
        assert other.post(f"{address}/{path}", data=sent).status_code == 404, path
    buyer = cast.buyer.sign_in(app.test_client())
    assert buyer.get("/sellers/posting").status_code == 404
