"""The API of contracts: it works, a stranger finds nothing, what is wrong is named."""

from __future__ import annotations

from itertools import count

import pytest
from sqlalchemy import select

from exchange.core.db import db, save
from exchange.leads.services.sources import ensure_source
from exchange.market.contract_models import Contract, ContractSource
from tests.factories.billing import fund_wallet
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.contracts import make_contract
from tests.factories.market import make_listing

PRICE = {"amount": 50_00, "currency": "USD"}
HOME = "/api/v1/contracts"
SCOPES = ("contract:read", "contract:write")
_keys = count()


@pytest.fixture
def api(client, cast):
    """Asks as the buyer's program."""
    make_vertical()
    db.session.commit()
    headers = cast.buyer.key(*SCOPES)

    def ask(method, path="", json=None, as_=None):
        sent = {**(as_ or headers), "Idempotency-Key": f"try-{next(_keys)}"}
        return client.open(HOME + path, method=method, json=json, headers=sent)

    return ask


def body(**changes):
    return {"vertical": VERTICAL, "name": "Roofs", "price": PRICE, **changes}


def made(api, **changes):
    answer = api("POST", json=body(**changes))
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.json


class TestMaking:
    def test_a_draft_says_what_it_asks(self, api):
        asked = {
            "criteria": {"all": [{"field": "is_homeowner", "is": True}]},
            "regions": ["OH", "PA"],
            "kinds": ["exclusive"],
            "caps": {"leads": {"day": 5}, "amount": {"week": 100_000}},
            "schedule": [{"days": [0, 1], "from": "09:00", "to": "18:00", "price": 6000}],
            "starts_at": "2030-01-01T00:00:00Z",
            "age_hours_max": 24,
            "approves_sources": True,
        }
        answer = made(api, **asked)
        assert api("GET", f"/{answer['id']}").json == answer
        terms = answer["terms"]
        assert answer["status"] == "draft"
        assert answer["object"] == "contract"
        assert answer["price"] == PRICE
        assert terms.pop("starts_at") == "2030-01-01T00:00:00+00:00"
        assert terms.pop("time_zone") == "America/New_York"
        assert terms == {key: value for key, value in asked.items() if key != "starts_at"}

    def test_it_can_be_active_at_once(self, api, cast):
        fund_wallet(cast.buyer, 1_000_00)
        db.session.commit()
        answer = made(api, activate=True)
        assert answer["status"] == "active"
        assert answer["limited"] is None

    def test_actions_are_paid_under_their_terms(self, api):
        answer = made(api, pricing_model="cpa", action={"action": "signed contract"})
        assert answer["terms"]["action"] == {
            "action": "signed contract",
            "attribution_days": 30,
            "decision_days": 14,
            "past_due": "approve",
        }

    def test_every_mistake_is_named_by_its_pointer(self, api):
        answer = api(
            "POST",
            json=body(
                name="",
                criteria={"field": "phone", "is": "1"},
                caps={"leads": {"day": 0}},
                schedule=[{"days": [0], "from": "18:00", "to": "09:00"}],
                trial_leads=1_000,
            ),
        )
        assert answer.status_code == 422
        assert {error["pointer"] for error in answer.json["errors"]} == {
            "/name", "/criteria/field", "/caps/leads/day", "/schedule/0/to", "/trial_leads",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "changes",
        [
            {"vertical": "shoes"},
            {"criteria": [1]},
            {"caps": {"leads": {"fortnight": 1}}},
            {"schedule": [{"days": ["Monday"], "from": "09:00", "to": "10:00"}]},
            {"schedule": [{"days": [0], "from": "9", "to": "10"}]},
            {"radius": {"postal_code": "10001", "km": 5}},
            {"kinds": ["stolen"]},
            {"starts_at": "2030-01-01T00:00:00"},
            {"price": {"amount": 50.5, "currency": "USD"}},
            {"criteria": {"field": "budget", "from": 10**400}},
            {"criteria": {"field": "budget", "is": -(10**400)}},
            {"time_zone": "localtime"},
            {"postal_codes": ["\u0664\u0663\u0660\u0660\u0664"]},
            {"starts_at": "0001-01-01T00:00:00+14:00"},
            {"ends_at": "9999-12-31T23:59:59-14:00"},
        ],
    )
    def test_what_cannot_be_read_is_refused(self, api, changes):
        assert api("POST", json=body(**changes)).status_code == 422
        assert db.session.scalar(select(Contract)) is None

    def test_what_is_said_twice_is_asked_once(self, api):
        assert made(api, regions=["OH", "PA", "OH"])["terms"]["regions"] == ["OH", "PA"]

    def test_rights(self, api, cast):
        reader = cast.buyer.key("contract:read")
        assert api("POST", json=body(), as_=reader).status_code == 404
        assert api("GET", as_=reader).status_code == 200
        seller = cast.seller.key("batch:read")
        assert api("GET", as_=seller).status_code == 404
        waiting = cast.newcomer.key(*SCOPES)
        assert api("POST", json=body(), as_=waiting).status_code == 201
        assert api("POST", json=body(activate=True), as_=waiting).status_code == 403


class TestChanging:
    def test_what_is_named_changes_and_null_takes_away(self, api):
        found = made(api, regions=["OH"], age_hours_max=24)
        answer = api("PATCH", f"/{found['id']}", json={"age_hours_max": None, "name": "Ohio"})
        assert answer.status_code == 200
        assert "age_hours_max" not in answer.json["terms"]
        assert answer.json["terms"]["regions"] == ["OH"]
        assert (answer.json["name"], answer.json["terms_version"]) == ("Ohio", 2)
        assert api("PATCH", f"/{found['id']}", json={"trial_leads": 0}).status_code == 422

    def test_a_change_of_what_has_changed_since_is_refused_with_the_new_price(self, api):
        path = f"/{made(api)['id']}"
        new = {"amount": 55_00, "currency": "USD"}
        assert api("PATCH", path, json={"price": new, "terms_version": 1}).status_code == 200
        late = api("PATCH", path, json={"age_hours_max": 5, "terms_version": 1})
        assert late.status_code == 409
        assert late.json["code"] == "terms_changed"
        assert (late.json["terms_version"], late.json["amount"]) == (2, 55_00)
        assert "age_hours_max" not in api("GET", path).json["terms"]

    def test_on_off_and_ended(self, api):
        path = f"/{made(api)['id']}"
        assert api("POST", f"{path}/pause").status_code == 409
        assert api("PATCH", path, json={"status": "active"}).json["status"] == "active"
        assert api("POST", f"{path}/pause").json["status"] == "paused"
        assert api("POST", f"{path}/resume").json["status"] == "active"
        assert api("PATCH", path, json={"status": "ended"}).json["status"] == "ended"
        assert api("POST", f"{path}/resume").status_code == 409

    def test_a_list_by_state(self, api):
        first, second = made(api), made(api, activate=True)
        assert [one["id"] for one in api("GET").json["data"]] == [second["id"], first["id"]]
        drafts = api("GET", "?status=draft").json["data"]
        assert [one["id"] for one in drafts] == [first["id"]]

    def test_a_stranger_finds_nothing(self, api, cast):
        path = f"/{made(api)['id']}"
        stranger = cast.other_buyer.key(*SCOPES)
        for method, address in (
            ("GET", path), ("PATCH", path), ("POST", f"{path}/pause"), ("POST", f"{path}/resume"),
            ("GET", f"{path}/diagnosis"), ("GET", f"{path}/sources"),
        ):  # fmt: skip
            sent = {} if method == "PATCH" else None
            assert api(method, address, json=sent, as_=stranger).status_code == 404


class TestAsking:
    def test_the_diagnosis_names_the_filter_that_removes_most(self, api, cast):
        fund_wallet(cast.buyer, 1_000_00)
        listing = make_listing(
            cast.seller, leads=8, values={"is_homeowner": "no", "region": "OH"}, price=40_00
        )
        db.session.commit()
        found = made(
            api,
            activate=True,
            regions=["OH"],
            criteria={
                "all": [
                    {"field": "is_homeowner", "is": True},
                    {"field": "budget", "from": 1},
                ]
            },
        )
        assert listing.price.amount == 40_00
        answer = api("GET", f"/{found['id']}/diagnosis").json
        assert answer["limited"]["by"] == "filter"
        assert answer["narrowest"] == {
            "misfit": "criteria", "fields": ["is_homeowner"], "leads": 8,
        }  # fmt: skip
        checks = {check["code"]: check for check in answer["checks"]}
        assert checks["account"]["ok"] is True
        assert checks["filters"]["ok"] is False
        assert "fewer than 5 fit" in checks["filters"]["detail"]

    def test_a_forecast_says_that_there_is_no_history(self, api):
        sent = {"vertical": VERTICAL, "price": PRICE}
        answer = api("POST", "/forecast", json=sent)
        assert answer.status_code == 200
        assert answer.json["silence"] == "no_history"
        assert answer.json["week"] is None
        assert api("POST", "/forecast", json={**sent, "trial_leads": 0}).status_code == 422

    def test_a_source_is_approved(self, api, cast):
        contract = make_contract(cast.buyer, approves_sources=True)
        source = ensure_source(organization_id=cast.seller.organization.id, name="My secret ads")
        asked = save(
            ContractSource(
                contract_id=contract.id,
                source_id=source.id,
                organization_id=cast.seller.organization.id,
            )
        )
        db.session.commit()
        path = f"/{contract.public_id}/sources"
        found = api("GET", path)
        assert [one["status"] for one in found.json["data"]] == ["requested"]
        assert "secret" not in found.get_data(as_text=True)
        answer = api("PATCH", f"{path}/{asked.public_id}", json={"status": "approved"})
        assert answer.json["status"] == "approved"
        assert answer.json["seller"] == cast.seller.organization.trade_name
        assert api("PATCH", f"{path}/{asked.public_id}", json={"status": "x"}).status_code == 422
        other = make_contract(cast.buyer)
        db.session.commit()
        wrong = f"/{other.public_id}/sources/{asked.public_id}"
        assert api("PATCH", wrong, json={"status": "approved"}).status_code == 404
