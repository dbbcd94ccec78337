"""The JSON doors: the record of a draw for everybody, calls for a verifier's own program."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db
from exchange.identity import services as identity
from exchange.identity.permissions import Role
from exchange.leads import queries as leads
from exchange.leads.models import Batch
from exchange.verification.models import Sample, Verdict, VerificationTask
from exchange.verification.records import check_record
from tests.cast import PASSWORD, Cast, Player
from tests.verification.support import everybody, later, make_sample, make_sealed, these, work

Headers = dict[str, str]


def draw_path(batch: Batch) -> str:
    return f"/api/v1/batches/{batch.public_id}/draw"


def batch_of(sample: Sample) -> Batch:
    return leads.get_batch(sample.batch_id, viewer=None)


@pytest.fixture
def caller(cast: Cast) -> Headers:
    """A personal key of the head of the callers."""
    user = identity.add_member(
        email="olga@callers.example",
        name="Olga",
        password=PASSWORD,
        organization_id=cast.verifier.organization.id,
        role=Role.OWNER,
    )
    return Player(user, cast.verifier.organization, Role.OWNER).key("task:work")


class TestDraw:
    def test_of_a_decided_batch_is_for_every_key(self, cast: Cast, client: FlaskClient) -> None:
        batch = batch_of(make_sample(cast.seller))
        work(cast.verifier, these({5: Outcome.DENIES}))
        for player, scope in (
            (cast.seller, "batch:read"),
            (cast.buyer, "market:read"),
            (cast.other_seller, "batch:read"),
        ):
            headers = player.key(scope)
            record = client.get(draw_path(batch), headers=headers)
            leaves = client.get(f"{draw_path(batch)}/leaves", headers=headers)
            assert (record.status_code, leaves.status_code) == (200, 200)
            assert leaves.mimetype == "application/octet-stream"
            given = [leaves.data[at : at + 32] for at in range(0, len(leaves.data), 32)]
            checks = check_record(record.get_json(), lambda given=given: given)
            assert len(checks) == 9
            assert [check for check in checks if not check.agrees] == []

    def test_before_the_decision_tells_the_seller_what_is_fixed(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        batch = batch_of(make_sample(cast.seller))
        work(cast.verifier, these({2: Outcome.DENIES}), calls=5)
        headers = cast.seller.key("batch:read")
        seen = client.get(draw_path(batch), headers=headers)
        body = seen.get_json()
        assert seen.status_code == 200
        assert body["plan"]["looks"] == [22, 36, 50, 64, 78, 92]
        assert body["progress"] == {"checked": 5, "most": 92}
        assert len(body["commitment"]) == len(body["root"]) == 64
        told = json.dumps(body)
        for hidden in ("secret", "seed", "drawn", "outcome", '"bad"', "good", 'quality":'):
            assert hidden not in told
        leaves = client.get(f"{draw_path(batch)}/leaves", headers=headers)
        assert len(leaves.data) == 120 * 32

    def test_waits_for_its_nonce(self, cast: Cast, client: FlaskClient) -> None:
        batch = make_sealed(cast.seller)
        body = client.get(draw_path(batch), headers=cast.seller.key("batch:read")).get_json()
        assert body["nonce_until"] is not None
        assert (body["plan"], body["progress"], body["nonce"]) == (None, None, None)

    def test_before_the_decision_is_not_for_others(self, cast: Cast, client: FlaskClient) -> None:
        batch = batch_of(make_sample(cast.seller))
        for player, scope in ((cast.buyer, "market:read"), (cast.other_seller, "batch:read")):
            headers = player.key(scope)
            for path in (draw_path(batch), f"{draw_path(batch)}/leaves"):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 404
                assert answer.get_json()["code"] == "not_found"

    def test_is_for_everybody_once_the_lot_is_decided(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        batch = batch_of(make_sample(cast.seller))
        db.session.commit()
        assert client.get(draw_path(batch)).status_code == 404
        work(cast.verifier, everybody(Outcome.CONFIRMED))
        db.session.commit()
        assert client.get(draw_path(batch)).get_json()["secret"]

    def test_of_nothing_is_not_found(self, cast: Cast, client: FlaskClient) -> None:
        headers = cast.seller.key("batch:read")
        for name in ("batch_0", "batch_" + "0" * 26, "lead_" + "0" * 26):
            answer = client.get(f"/api/v1/batches/{name}/draw", headers=headers)
            assert answer.status_code == 404


class TestTasks:
    def test_next_gives_the_person_and_the_lease(
        self, cast: Cast, client: FlaskClient, caller: Headers
    ) -> None:
        make_sample(cast.seller)
        db.session.commit()
        answer = client.get("/api/v1/verification/tasks/next", headers=caller)
        body = answer.get_json()
        assert answer.status_code == 200
        assert body["object"] == "verification_task"
        assert body["contact"]["phone"].startswith("+1614")
        assert (body["attempt"], body["attempts_max"], body["lease_number"]) == (1, 3, 1)
        assert "project" in body["claimed"]
        assert cast.seller.organization.trade_name not in answer.text
        assert "no-store" in answer.headers.get("Cache-Control", "")
        again = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        assert again["id"] == body["id"]

    def test_next_is_empty_where_nothing_waits(self, client: FlaskClient, caller: Headers) -> None:
        answer = client.get("/api/v1/verification/tasks/next", headers=caller)
        assert (answer.status_code, answer.data) == (204, b"")

    def test_verdict_is_taken_and_repeated_without_harm(
        self, cast: Cast, client: FlaskClient, caller: Headers
    ) -> None:
        make_sample(cast.seller)
        db.session.commit()
        task = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        path = f"/api/v1/verification/tasks/{task['id']}/verdict"
        body = {"lease_number": task["lease_number"], "outcome": "denies", "note": "never"}
        answers = [client.post(path, json=body, headers=caller) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].get_json() == answers[1].get_json()
        assert answers[0].get_json()["outcome"] == "bad"
        assert answers[0].get_json()["task"] == task["id"]
        verdict = db.session.scalars(select(Verdict)).one()
        assert verdict.organization_id == cast.verifier.organization.id

    def test_call_back_is_a_moment(self, cast: Cast, client: FlaskClient, caller: Headers) -> None:
        make_sample(cast.seller, leads=1)
        db.session.commit()
        task = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        due = clock.after_lock() + timedelta(hours=3)
        answer = client.post(
            f"/api/v1/verification/tasks/{task['id']}/verdict",
            json={"lease_number": 1, "outcome": "call_back", "callback_at": due.isoformat()},
            headers=caller,
        )
        assert answer.get_json()["outcome"] is None
        assert db.session.scalars(select(VerificationTask)).one().not_before == due

    def test_release_gives_the_call_back(
        self, cast: Cast, client: FlaskClient, caller: Headers
    ) -> None:
        make_sample(cast.seller)
        db.session.commit()
        task = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        answer = client.post(
            f"/api/v1/verification/tasks/{task['id']}/release",
            json={"lease_number": 1, "reason": "line"},
            headers=caller,
        )
        assert answer.get_json() == {
            "id": task["id"], "object": "verification_task", "status": "queued",
        }  # fmt: skip
        following = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        assert following["id"] != task["id"]

    @pytest.mark.parametrize(
        ("body", "status", "pointers"),
        [
            ({}, 422, {"/lease_number", "/outcome"}),
            ({"lease_number": 1, "outcome": "splendid"}, 422, {"/outcome"}),
            ({"lease_number": "x", "outcome": "denies"}, 422, {"/lease_number"}),
            ({"lease_number": 1, "outcome": "call_back"}, 422, {"/callback_at"}),
            (
                {"lease_number": 1, "outcome": "call_back", "callback_at": "2026-11-21T10:00:00"},
                422,
                {"/callback_at"},
            ),
            ({"lease_number": 1, "outcome": "corrected"}, 422, {"/corrections"}),
            ({"lease_number": 1, "outcome": "denies", "note": "x" * 1_001}, 422, {"/note"}),
            ({"lease_number": 1, "outcome": "denies", "mood": "good"}, 422, {"/mood"}),
            ({"lease_number": 9, "outcome": "denies"}, 409, set()),
        ],
    )
    def test_nonsense_is_refused_field_by_field(
        self, cast: Cast, client: FlaskClient, caller: Headers, body, status, pointers
    ) -> None:
        make_sample(cast.seller)
        db.session.commit()
        task = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        answer = client.post(
            f"/api/v1/verification/tasks/{task['id']}/verdict", json=body, headers=caller
        )
        assert answer.status_code == status
        assert answer.mimetype == "application/problem+json"
        assert {error["pointer"] for error in answer.get_json()["errors"]} == pointers

    def test_late_verdict_is_refused(
        self, cast: Cast, client: FlaskClient, caller: Headers
    ) -> None:
        make_sample(cast.seller)
        db.session.commit()
        task = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        later(minutes=16)
        db.session.commit()
        answer = client.post(
            f"/api/v1/verification/tasks/{task['id']}/verdict",
            json={"lease_number": 1, "outcome": "denies"},
            headers=caller,
        )
        assert (answer.status_code, answer.get_json()["code"]) == (409, "lease_over")

    def test_is_for_verifiers_alone(self, cast: Cast, client: FlaskClient) -> None:
        headers = cast.seller.key("batch:read")
        assert client.get("/api/v1/verification/tasks/next", headers=headers).status_code == 404
        assert client.get("/api/v1/verification/tasks/next").status_code == 401

    def test_of_another_verifier_is_not_found(
        self, cast: Cast, client: FlaskClient, caller: Headers
    ) -> None:
        sample = make_sample(cast.seller)
        db.session.commit()
        task = client.get("/api/v1/verification/tasks/next", headers=caller).get_json()
        user = identity.add_member(
            email="otto@callers.example",
            name="Otto",
            password=PASSWORD,
            organization_id=cast.verifier.organization.id,
            role=Role.OWNER,
        )
        other = Player(user, cast.verifier.organization, Role.OWNER).key("task:work")
        for deed in ("verdict", "release"):
            answer = client.post(
                f"/api/v1/verification/tasks/{task['id']}/{deed}",
                json={"lease_number": 1, **({"outcome": "denies"} if deed == "verdict" else {})},
                headers=other,
            )
            assert answer.status_code == 404
        assert sample.called_ahead == 36
