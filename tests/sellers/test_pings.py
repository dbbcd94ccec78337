"""Ping and post at the doors: each answer, forms and JSON, whose ping it is, and nothing by GET."""

from __future__ import annotations

from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Text, func, select
from sqlalchemy import cast as sql_cast

from exchange.core.db import db
from exchange.core.events import Event
from exchange.core.limits import limiter
from exchange.leads.models import Lead
from exchange.leads.post_models import Post
from exchange.leads.services import posting
from exchange.market.models import Order, OrderLine
from exchange.market.ping_models import Ping, PingStatus
from exchange.sellers.api import posts
from tests.factories.billing import fund_wallet
from tests.factories.contracts import make_contract
from tests.factories.leads import make_person
from tests.factories.pings import lead_of, make_ping
from tests.factories.posts import SOURCE, VERTICAL, make_body, make_terms

PINGS, LEADS = "/api/v1/pings", "/api/v1/leads"
BID = 52_00


@pytest.fixture
def terms(cast):
    made = make_terms(cast.seller, trusted=True)
    db.session.commit()
    return made


@pytest.fixture
def contract(cast, terms):
    fund_wallet(cast.buyer)
    made = make_contract(cast.buyer, price=BID)
    db.session.commit()
    return made


@pytest.fixture
def headers(cast, terms):
    return cast.seller.key("lead:post")


@pytest.fixture
def person() -> dict[str, str]:
    return make_person()


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def flat(body: dict[str, Any]) -> str:
    """The body as a form sends it."""
    sections = [body.pop(name, {}) for name in ("attributes", "contact", "consent")]
    names = {"text": "consent_text", "given_at": "consent_at", "page_url": "consent_url",
             "quality_check": "consent_quality_check"}  # fmt: skip
    joined = body | {names.get(key, key): value for part in sections for key, value in part.items()}
    return urlencode({key: "yes" if value is True else value for key, value in joined.items()})


FORM = "application/x-www-form-urlencoded"


class TestPing:
    def test_a_ping_that_fits_a_contract_gets_its_price(self, client, headers, contract):
        answer = client.post(PINGS, json=make_ping(), headers=headers)
        assert answer.status_code == 200
        found = answer.json
        assert found["id"].startswith("ping_")
        assert (found["status"], found["reason"], found["errors"]) == ("matched", None, [])
        (bid,) = found["bids"]
        assert bid.pop("id").startswith("pbid_")
        price = {"amount": BID, "currency": "USD"}
        assert bid == {"price": price, "exclusive": True, "max_sales": 1}
        assert found["expires_at"]

    def test_nothing_of_the_buyer_is_told(self, cast, client, headers, contract):
        told = client.post(PINGS, json=make_ping(), headers=headers).get_data(as_text=True)
        for word in (contract.public_id, cast.buyer.organization.public_id, contract.name):
            assert word not in told

    def test_a_form_is_answered_alike(self, client, headers, contract):
        sent = flat(make_ping())
        found = client.post(PINGS, data=sent, content_type=FORM, headers=headers).json
        assert (found["status"], found["ignored"]) == ("matched", [])

    def test_no_contract_is_no_match(self, client, headers):
        found = client.post(PINGS, json=make_ping(), headers=headers).json
        assert (found["status"], found["bids"], found["expires_at"]) == ("no_match", [], None)

    def test_what_fails_the_checks_is_rejected_with_every_error(self, client, headers, contract):
        ping = make_ping()
        ping["attributes"] |= {"project": "nonsense", "timeframe": ""}
        found = client.post(PINGS, json=ping, headers=headers).json
        assert (found["status"], found["bids"]) == ("rejected", [])
        assert {error["pointer"] for error in found["errors"]} >= {"/attributes/project"}
        assert found["reason"] == found["errors"][0]["code"]

    def test_a_test_is_answered_and_not_kept(self, client, headers):
        found = client.post(PINGS, json=make_ping(test=True), headers=headers).json
        assert (found["status"], found["test"], found["id"]) == ("matched", True, None)
        assert found["bids"][0]["price"] == {"amount": 45_00, "currency": "USD"}
        assert count(Ping) == 0

    @pytest.mark.parametrize(
        ("more", "pointer", "code"),
        [
            ({"phone_sha256": "", "email_sha256": ""}, "/phone_sha256", "required"),
            ({"phone_sha256": "+16142340000"}, "/phone_sha256", "digest_invalid"),
            ({"email_sha256": "a" * 63}, "/email_sha256", "digest_invalid"),
            ({"contact": {"phone": "+16142340000"}}, "/contact/phone", "contact_in_ping"),
            ({"First name": "Taylor"}, "/First name", "contact_in_ping"),
            ({"source": ""}, "/source", "required"),
        ],
    )
    def test_a_ping_names_nobody_but_by_hash(self, client, headers, more, pointer, code):
        answer = client.post(PINGS, json=make_ping(**more), headers=headers)
        assert answer.status_code == 422
        assert [(e["pointer"], e["code"]) for e in answer.json["errors"]] == [(pointer, code)]
        assert "614" not in str(answer.json["errors"])
        assert count(Ping) == 0

    def test_only_a_key_that_may_post_pings(self, cast, client, terms):
        for headers, status in (({}, 401), (cast.seller.key("batch:read"), 404),
                                (cast.buyer.key("order:read"), 404)):  # fmt: skip
            assert client.post(PINGS, json=make_ping(), headers=headers).status_code == status

    def test_a_ping_never_comes_by_get(self, client, headers):
        asked = urlencode({"vertical": VERTICAL, "source": SOURCE})
        assert client.get(f"{PINGS}?{asked}", headers=headers).status_code == 404
        assert count(Ping) == 0

    def test_too_many_are_told_when_to_come_again(self, client, headers, monkeypatch):
        monkeypatch.setattr(limiter, "enabled", True)
        monkeypatch.setattr(posts, "PINGS", "2 per minute")
        limiter.reset()
        answers = [client.post(PINGS, json=make_ping(), headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].json["code"] == "too_many_requests"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        others = {"Authorization": "Bearer lx_test_another"}
        assert client.post(PINGS, json=make_ping(), headers=others).status_code == 401


class TestPost:
    @pytest.fixture
    def pinged(self, client, headers, contract, person):
        """A ping with its answer."""
        ping = make_ping(person)
        return ping, client.post(PINGS, json=ping, headers=headers).json

    def post(self, client, headers, pinged, person, **more: Any):
        ping, answer = pinged
        named = {"ping_id": answer["id"], "bid_id": answer["bids"][0]["id"], **more}
        return client.post(LEADS, json=lead_of(ping, person, **named), headers=headers)

    def test_the_lead_is_sold_for_the_bid(self, cast, client, headers, contract, pinged, person):
        answer = self.post(client, headers, pinged, person)
        assert answer.status_code == 201, answer.json
        found = answer.json
        assert (found["status"], found["bid_id"]) == ("accepted", pinged[1]["bids"][0]["id"])
        assert found["price"] == {"amount": BID, "currency": "USD"}
        line = db.session.scalars(select(OrderLine)).one()
        assert (line.buyer_id, line.contract_id) == (cast.buyer.organization.id, contract.id)
        assert line.price.amount == BID
        assert db.session.scalars(select(Ping.status)).all() == [PingStatus.ACCEPTED]

    def test_a_form_and_any_bid_do_as_well(self, client, headers, contract, person):
        ping = make_ping(person)
        asked = client.post(PINGS, data=flat({**ping}), content_type=FORM, headers=headers).json
        lead = lead_of(ping, person, ping_id=asked["id"], bid_id="any")
        found = client.post(LEADS, data=flat(lead), content_type=FORM, headers=headers).json
        assert (found["status"], found["errors"]) == ("accepted", [])

    def test_it_is_used_once(self, client, headers, pinged, person):
        assert self.post(client, headers, pinged, person).status_code == 201
        again = self.post(client, headers, pinged, person)
        assert (again.status_code, again.json["code"]) == (409, "ping_used")
        assert (count(Lead), count(Order)) == (1, 1)

    def test_the_same_idempotency_key_gets_the_first_answer(self, client, headers, pinged, person):
        ping, answer = pinged
        keyed = {**headers, "Idempotency-Key": "one"}
        lead = lead_of(ping, person, ping_id=answer["id"], bid_id="any")
        first, again = (client.post(LEADS, json=lead, headers=keyed) for _ in range(2))
        assert (first.status_code, again.data) == (201, first.data)
        assert count(Order) == 1

    def test_another_sellers_ping_does_not_exist(self, cast, client, pinged, person):
        make_terms(cast.other_seller, trusted=True)
        others = cast.other_seller.key("lead:post")
        answer = self.post(client, others, pinged, person)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        unknown = self.post(client, others, pinged, person, ping_id="ping_nothing")
        assert unknown.json.keys() == answer.json.keys()
        assert count(Lead) == 0

    @pytest.mark.parametrize("bid", ["", "pbid_nothing", "con_1"])
    def test_a_bid_of_the_ping_is_named(self, client, headers, pinged, person, bid):
        answer = self.post(client, headers, pinged, person, bid_id=bid)
        assert answer.status_code == 422
        assert [e["code"] for e in answer.json["errors"]] == ["bid_unknown"]

    def test_every_difference_is_named(self, client, headers, pinged, person):
        ping, _answer = pinged
        other = {**ping, "attributes": {**ping["attributes"], "project": "windows"}}
        answer = self.post(client, headers, (other, pinged[1]), make_person())
        assert answer.status_code == 422
        assert [(e["pointer"], e["code"]) for e in answer.json["errors"]] == [
            (pointer, "differs_from_ping")
            for pointer in ("/attributes/project", "/contact/phone", "/contact/email")
        ]
        assert count(Lead) == 0
        # Nothing was used up by it.
        assert self.post(client, headers, pinged, person).json["status"] == "accepted"

    def test_a_posting_token_knows_no_pings(self, client, headers, pinged, person):
        body = make_body(person, ping_id=pinged[1]["id"])
        body.pop("ping_id")
        answer = client.post(LEADS, json={**body, "bid_id": "any"}, headers=headers)
        assert [e["code"] for e in answer.json["errors"]] == ["ping_unknown"]

    def test_no_contact_and_no_plain_hash_is_kept_of_a_ping(
        self, client, headers, pinged, person, caplog
    ):
        self.post(client, headers, pinged, person)
        kept = db.session.scalars(select(Ping)).one()
        columns = {name: getattr(kept, name) for name in Ping.__table__.columns.keys()}  # noqa: SIM118
        told = f"{columns} {caplog.text}"
        for word in (*person.values(), pinged[0]["phone_sha256"], pinged[0]["email_sha256"]):
            assert word not in told
        assert bytes.fromhex(pinged[0]["phone_sha256"]) not in columns.values()

    def test_events_say_no_contact(self, client, headers, pinged, person):
        self.post(client, headers, pinged, person)
        facts = db.session.execute(select(func.string_agg(_facts(), " "))).scalar()
        assert facts
        assert not [word for word in person.values() if word in facts]


def _facts():
    return sql_cast(Event.facts, Text)


def test_the_spec_shows_pings_and_answers_a_test(cast, client, terms):
    token = posting.share_spec(terms_id=terms.id, actor=cast.seller.actor)
    db.session.commit()
    page = client.get(f"/posting/{token}").get_data(as_text=True)
    for word in (PINGS, "phone_sha256", "email_sha256", SOURCE, VERTICAL, "bid_id"):
        assert word in page
    answer = client.post(f"/posting/{token}/ping", data={"body": _example(page)})
    assert answer.status_code == 200
    assert "&#34;matched&#34;" in answer.get_data(as_text=True)
    assert (count(Ping), count(Post)) == (0, 0)
    wrong = client.post(f"/posting/{token}/ping", data={"body": "{}"}).get_data(as_text=True)
    assert "phone_sha256" in wrong
    assert "/phone_sha256" in wrong


def _example(page: str) -> str:
    """The ping that stands in the form of the page."""
    text = page.partition('id="ping"')[2].partition(">")[2].partition("</textarea>")[0]
    return unescape(text)
