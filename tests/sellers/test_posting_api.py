"""The doors of single leads for programs: the API, posting tokens, and presets of other services."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from exchange.core import clock
from exchange.core.db import db, get
from exchange.leads import post_queries
from exchange.leads.models import Lead
from exchange.leads.post_models import Post, PostOutcome
from exchange.leads.post_presets import presets
from exchange.leads.services import posting
from tests.factories.leads import make_person
from tests.factories.posts import ATTRIBUTES, CONSENT, make_body, make_terms

LEADS = "/api/v1/leads"
FLAT = {"region": "Ohio", "zip": "43004", "project": "Roofing", "scope": "Replacement",
        "property_type": "Single-family house", "is_homeowner": "yes", "timeframe": "Within a month"}  # fmt: skip


@pytest.fixture
def terms(cast):
    made = make_terms(
        cast.seller,
        channel="social_ads",
        consent_text=CONSENT,
        consent_url="https://ads.example/form",
        is_check_agreed=True,
    )
    db.session.commit()
    return made


@pytest.fixture
def headers(cast, terms):
    return cast.seller.key("lead:post")


def token_of(cast, terms, **settings: str) -> str:
    _, token = posting.make_token(
        terms_id=terms.id, name="builder", settings=settings, actor=cast.seller.actor
    )
    db.session.commit()
    return token


def last() -> Post:
    found = db.session.scalars(select(Post).order_by(Post.id.desc()).limit(1)).first()
    assert found is not None
    return found


class TestApi:
    def test_a_lead_is_answered_with_what_became_of_it(self, client, headers):
        answer = client.post(LEADS, json=make_body(external_id="crm-1"), headers=headers)
        assert answer.status_code == 201
        found = answer.json
        assert found["id"].startswith("post_")
        assert found["lead"].startswith("lead_")
        assert (found["status"], found["reason"], found["test"]) == (
            "queued_for_check",
            None,
            False,
        )
        assert found["price"] == {"amount": 45_00, "currency": "USD"}
        assert (found["external_id"], found["errors"]) == ("crm-1", [])

    def test_a_form_says_the_same_with_flat_names_and_words_of_headers(self, client, headers):
        person = make_person()
        form = {"source": "quotes page", "vertical": "home_improvement_us", **FLAT, "utm_source": "fb",
                "Full name": person["name"], "Mobile phone": person["phone"], "email": person["email"]}  # fmt: skip
        answer = client.post(LEADS, data=form, headers=headers)
        assert (answer.status_code, answer.json["errors"]) == (201, [])
        lead = get(Lead, last().lead_id)
        assert (lead.region, lead.postal_code) == ("OH", "43004")
        assert last().origin == {"utm_source": "fb"}

    def test_a_lead_that_fails_is_201_with_its_errors(self, client, headers):
        body = make_body({"name": "Taylor", "phone": "12345"})
        found = client.post(LEADS, json=body, headers=headers).json
        assert found["status"] == "rejected"
        assert found["errors"] == [
            {"pointer": "/contact/phone", "code": "short_code",
             "detail": "This is a short code, not the number of a person."}
        ]  # fmt: skip

    def test_a_duplicate_says_since_when(self, client, headers):
        body = make_body()
        client.post(LEADS, json=body, headers=headers)
        found = client.post(LEADS, json=body, headers=headers).json
        assert (found["status"], found["lead"]) == ("duplicate", None)
        assert found["since"]
        assert "organization" not in str(found)

    def test_a_test_says_what_would_happen(self, client, headers):
        found = client.post(LEADS, json=make_body(test=True), headers=headers).json
        assert (found["status"], found["test"], found["lead"]) == ("queued_for_check", True, None)
        assert db.session.scalar(select(func.count()).select_from(Lead)) == 0

    def test_the_same_idempotency_key_gets_the_first_answer(self, client, headers):
        keyed, body = {**headers, "Idempotency-Key": "one"}, make_body()
        first = client.post(LEADS, json=body, headers=keyed)
        again = client.post(LEADS, json=body, headers=keyed)
        assert first.status_code == again.status_code == 201
        assert first.data == again.data
        other = client.post(LEADS, json=make_body(), headers=keyed)
        assert (other.status_code, other.json["code"]) == (409, "idempotency_conflict")
        assert db.session.scalar(select(func.count()).select_from(Post)) == 1

    def test_the_same_external_id_gets_the_first_answer(self, client, headers):
        body = make_body(external_id="crm-1")
        first, again = (client.post(LEADS, json=body, headers=headers).json for _ in range(2))
        assert (again["id"], again["status"]) == (first["id"], first["status"])

    @pytest.mark.parametrize(
        ("sent", "status", "code"),
        [
            ({"data": "{", "content_type": "application/json"}, 400, "malformed"),
            ({"data": "[" * 100_000, "content_type": "application/json"}, 413, "too_large"),
            ({"data": "[" * 60_000, "content_type": "application/json"}, 400, "malformed"),
            ({"json": [1]}, 400, "malformed"),
            ({"data": "phone=1", "content_type": "text/csv"}, 400, "malformed"),
            ({"json": {}}, 422, "invalid"),
            ({"json": {"source": 3, "vertical": None}}, 422, "invalid"),
            ({"json": {"source": "nowhere", "vertical": "home_improvement_us"}}, 409, "terms_missing"),
            ({"json": {"source": "quotes page", "vertical": "nothing"}}, 409, "terms_missing"),
            ({"json": {"source": "quotes page", "vertical": "home_improvement_us",
                       "contact": {"name": {}}}}, 422, "invalid"),
            ({"json": {"source": "quotes page", "vertical": "home_improvement_us",
                       "ping_id": "ping_1"}}, 404, "not_found"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_refused(self, client, headers, sent, status, code):
        answer = client.post(LEADS, headers=headers, **sent)
        assert (answer.status_code, answer.json["code"]) == (status, code)

    def test_a_lead_never_comes_by_get(self, client, headers):
        assert client.get(f"{LEADS}?phone=1", headers=headers).status_code == 405

    def test_other_scopes_and_other_people_post_nothing(self, client, cast, terms):
        reader = cast.seller.key("batch:read")
        assert client.post(LEADS, json=make_body(), headers=reader).status_code == 404
        stranger = cast.other_seller.key("lead:post")
        refused = client.post(LEADS, json=make_body(), headers=stranger)
        assert refused.json["code"] == "terms_missing"
        assert client.post(LEADS, json=make_body()).status_code == 401

    def test_a_source_may_be_named_by_its_id(self, client, headers, terms):
        source = post_queries.source_of(terms).public_id
        answer = client.post(LEADS, json=make_body(source=source), headers=headers)
        assert answer.status_code == 201

    def test_answers_of_refusals_hold_no_contact(self, client, headers):
        person = {**make_person(), "phone": "+1614555"}
        answer = client.post(LEADS, json=make_body(person), headers=headers)
        assert person["email"] not in answer.get_data(as_text=True)
        assert "614555" not in answer.get_data(as_text=True)


class TestTokens:
    def test_a_token_posts_to_its_source_without_naming_it(self, client, cast, terms):
        body = make_body()
        del body["source"], body["vertical"]
        answer = client.post(f"{LEADS}/in/{token_of(cast, terms)}", json=body)
        assert (answer.status_code, answer.json["status"]) == (201, "queued_for_check")
        assert last().via == "generic"

    def test_a_token_that_is_unknown_or_revoked_opens_nothing(self, client, cast, terms):
        token = token_of(cast, terms)
        assert client.post(f"{LEADS}/in/{token}x", json=make_body()).status_code == 404
        posting.revoke_token(token_id=post_queries.find_token(token).id, actor=cast.seller.actor)
        assert client.post(f"{LEADS}/in/{token}", json=make_body()).status_code == 404

    def test_a_preset_that_nobody_knows_is_not_found(self, client, cast, terms):
        token = token_of(cast, terms)
        assert client.post(f"{LEADS}/in/{token}/nothing", json={}).status_code == 404

    def test_only_a_hash_of_the_token_is_kept(self, cast, terms):
        token = token_of(cast, terms, google_key="my key", confirmation="abc123")
        held = post_queries.find_token(token)
        assert token not in str(vars(held))
        assert held.settings["confirmation"] == "abc123"
        assert "my key" not in str(held.settings)


def vk(person: dict[str, str], **more: Any) -> dict[str, Any]:
    first, last_name = person["name"].split(" ", 1)
    given = {"first_name": first, "last_name": last_name, "phone_number": person["phone"],
             "email": person["email"], **FLAT}  # fmt: skip
    answers = [{"key": key, "question": key, "answer": text} for key, text in given.items()]
    lead = {"lead_id": 17, "group_id": 1, "user_id": 9, "form_id": 5, "form_name": "Roof",
            "answers": answers}  # fmt: skip
    return {"type": "lead_forms_new", "group_id": 1, "object": lead, **more}


def google(person: dict[str, str], **more: Any) -> dict[str, Any]:
    given = {"FULL_NAME": person["name"], "PHONE_NUMBER": person["phone"], "EMAIL": person["email"],
             "POSTAL_CODE": FLAT["zip"], **{k: v for k, v in FLAT.items() if k != "zip"}}  # fmt: skip
    columns = [
        {"column_id": name, "column_name": name.title(), "string_value": text}
        for name, text in given.items()
    ]
    return {"lead_id": "TeSter-123-ABC_" + "x" * 90, "user_column_data": columns, "api_version": "1.0",
            "form_id": 40000, "campaign_id": 123, "google_key": "my key", "is_test": False,
            "gcl_id": "CjwK-1", **more}  # fmt: skip


def meta(person: dict[str, str], **more: Any) -> dict[str, Any]:
    given = {"full_name": person["name"], "phone_number": person["phone"], "email": person["email"],
             "state": FLAT["region"], "zip_code": FLAT["zip"],
             **{k: v for k, v in FLAT.items() if k not in {"zip", "region"}}}  # fmt: skip
    data = [{"name": name, "values": [text]} for name, text in given.items()]
    created = int(clock.now().timestamp()) - 60
    return {"id": "444444444", "created_time": created, "form_id": "77", "field_data": data, **more}


def tilda(person: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"Name": person["name"], "Phone": person["phone"], "Email": person["email"], **FLAT,
            "tranid": "123:456", "formid": "form17", "formname": "Quote", "COOKIES": "a=b; c=d",
            "utm_campaign": "roofs", **more}  # fmt: skip


class TestPresets:
    @pytest.mark.parametrize(
        ("preset", "make", "answer"),
        [("vk", vk, "ok"), ("google", google, "{}"), ("meta", meta, "ok"), ("tilda", tilda, "ok")],
    )
    def test_a_lead_of_a_service_is_understood(self, client, cast, terms, preset, make, answer):
        person = make_person()
        address = f"{LEADS}/in/{token_of(cast, terms)}/{preset}"
        body = make(person)
        sent = {"data": urlencode(body)} if preset == "tilda" else {"json": body}
        if preset == "tilda":
            sent["content_type"] = "application/x-www-form-urlencoded"
        found = client.post(address, **sent)
        assert (found.status_code, found.get_data(as_text=True)) == (200, answer)
        post = last()
        assert (post.outcome, post.errors) == (PostOutcome.QUEUED_FOR_CHECK, [])
        assert post.external_id
        lead = get(Lead, post.lead_id)
        assert (lead.region, lead.postal_code) == ("OH", ATTRIBUTES["postal_code"])
        assert lead.preview["name"].startswith("T")
        # The service sends again what it is not sure of; it is one lead.
        assert client.post(address, **sent).status_code == 200
        assert db.session.scalar(select(func.count()).select_from(Lead)) == 1

    def test_vk_is_given_its_confirmation(self, client, cast, terms):
        address = f"{LEADS}/in/{token_of(cast, terms, confirmation='1a2b3c')}/vk"
        found = client.post(address, json={"type": "confirmation", "group_id": 1})
        assert (found.status_code, found.get_data(as_text=True)) == (200, "1a2b3c")

    def test_other_messages_of_vk_are_heard_and_nothing_more(self, client, cast, terms):
        address = f"{LEADS}/in/{token_of(cast, terms)}/vk"
        found = client.post(address, json={"type": "message_new", "object": {}})
        assert (found.status_code, found.get_data(as_text=True)) == (200, "ok")
        assert db.session.scalar(select(func.count()).select_from(Post)) == 0

    @pytest.mark.parametrize(
        ("preset", "setting", "make", "field"),
        [("google", "google_key", google, "google_key"), ("vk", "secret", vk, "secret")],
    )
    def test_a_key_that_was_told_is_asked_for(
        self, client, cast, terms, preset, setting, make, field
    ):
        address = f"{LEADS}/in/{token_of(cast, terms, **{setting: 'right'})}/{preset}"
        wrong = client.post(address, json=make(make_person(), **{field: "wrong"}))
        assert (wrong.status_code, wrong.json["code"]) == (403, "preset_key_wrong")
        assert client.post(address, json=make(make_person(), **{field: "right"})).status_code == 200

    def test_google_tests_its_form(self, client, cast, terms):
        address = f"{LEADS}/in/{token_of(cast, terms)}/google"
        assert client.post(address, json=google(make_person(), is_test=True)).status_code == 200
        assert last().is_test
        assert last().lead_id is None

    def test_tilda_asks_whether_somebody_listens(self, client, cast, terms):
        address = f"{LEADS}/in/{token_of(cast, terms)}/tilda"
        found = client.post(address, data={"test": "test"})
        assert (found.status_code, found.get_data(as_text=True)) == (200, "ok")

    def test_meta_is_given_its_challenge(self, client, cast, terms):
        address = f"{LEADS}/in/{token_of(cast, terms, verify_token='right')}/meta"
        asked = {"hub.mode": "subscribe", "hub.challenge": "115", "hub.verify_token": "right"}
        found = client.get(address, query_string=asked)
        assert (found.status_code, found.get_data(as_text=True)) == (200, "115")
        wrong = client.get(address, query_string={**asked, "hub.verify_token": "wrong"})
        assert wrong.status_code == 403
        untold = f"{LEADS}/in/{token_of(cast, terms)}/meta"
        assert client.get(untold, query_string=asked).status_code == 403

    def test_other_formats_have_no_get(self, client, cast, terms):
        assert client.get(f"{LEADS}/in/{token_of(cast, terms)}/tilda").status_code == 405

    def test_a_service_whose_lead_is_refused_is_not_made_to_try_again(self, client, cast, terms):
        address = f"{LEADS}/in/{token_of(cast, terms)}/tilda"
        found = client.post(address, data={"Name": "T", "Phone": "1"})
        assert found.status_code == 200
        assert last().outcome is PostOutcome.REJECTED

    @pytest.mark.parametrize("code", sorted(presets()))
    @pytest.mark.parametrize(
        "body",
        [{}, {"object": []}, {"user_column_data": {}, "field_data": [1, {"name": 3}]},
         {"object": {"answers": [{"key": {}}]}, "type": "lead_forms_new"}],
    )  # fmt: skip
    def test_no_body_breaks_a_preset(self, client, cast, terms, code, body):
        answer = client.post(f"{LEADS}/in/{token_of(cast, terms)}/{code}", json=body)
        assert answer.status_code in {200, 201, 422}
