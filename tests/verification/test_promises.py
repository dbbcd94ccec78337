"""Promised call-backs on their page: due by the person's clock, put off, given to a colleague."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import Conflict, Invalid, NotFound
from exchange.verification.models import TaskStatus, VerificationTask
from exchange.verification.services import promises
from tests.cast import Cast, Player
from tests.verification.support import claim, claimed, later, make_sample, report, task_at


@pytest.fixture
def promised(cast: Cast) -> VerificationTask:
    """The verifier promised to call back in two hours."""
    sample = make_sample(cast.seller, leads=1)
    report(cast.verifier, claimed(cast.verifier), Outcome.CALL_BACK)
    return task_at(sample, 1)


def put_off(player: Player, task: VerificationTask, **by: int) -> VerificationTask:
    return promises.put_off(task_id=task.id, by=timedelta(**by), actor=player.actor)


def hand_over(player: Player, task: VerificationTask, to_id: UUID) -> VerificationTask:
    return promises.hand_over(task_id=task.id, to_id=to_id, actor=player.actor)


class TestPuttingOff:
    def test_counts_from_the_promised_time(self, cast: Cast, promised: VerificationTask) -> None:
        due = promised.not_before
        assert put_off(cast.verifier, promised, hours=1).not_before == due + timedelta(hours=1)

    def test_counts_from_now_where_that_is_over(
        self, cast: Cast, promised: VerificationTask
    ) -> None:
        later(hours=2, minutes=20)
        wait = put_off(cast.verifier, promised, hours=1).not_before - clock.now()
        assert timedelta(minutes=59) < wait < timedelta(minutes=61)
        assert claim(cast.verifier) is None

    def test_ends_with_the_days_of_the_policy(self, cast: Cast, promised: VerificationTask) -> None:
        with pytest.raises(Invalid):
            put_off(cast.verifier, promised, days=4)

    def test_is_for_who_promised(self, cast: Cast, promised: VerificationTask) -> None:
        with pytest.raises(NotFound):
            put_off(cast.second_verifier, promised, hours=1)

    def test_comes_too_late_for_a_call_under_way(
        self, cast: Cast, promised: VerificationTask
    ) -> None:
        later(hours=3)
        assert claimed(cast.verifier).id == promised.id
        with pytest.raises(Conflict):
            put_off(cast.verifier, promised, hours=1)


class TestHandingOver:
    def test_makes_it_the_colleagues(self, cast: Cast, promised: VerificationTask) -> None:
        hand_over(cast.verifier, promised, cast.second_verifier.user.id)
        later(hours=2, minutes=5)
        assert claim(cast.verifier) is None
        assert claimed(cast.second_verifier).id == promised.id

    def test_is_refused_for_who_may_not_call(self, cast: Cast, promised: VerificationTask) -> None:
        for stranger in (cast.seller, cast.admin, cast.verifier):
            with pytest.raises(Invalid):
                hand_over(cast.verifier, promised, stranger.user.id)


class TestPage:
    @pytest.fixture
    def page(self, cast: Cast, client: FlaskClient) -> FlaskClient:
        return cast.verifier.sign_in(client)

    def test_says_that_nothing_is_promised(self, page: FlaskClient) -> None:
        assert "No call-backs due" in page.get("/verification/callbacks").text

    def test_shows_the_time_of_the_person_and_nobody(
        self, page: FlaskClient, promised: VerificationTask
    ) -> None:
        shown = page.get("/verification/callbacks").text
        assert promised.time_zone in shown
        assert "1 of 3" in shown
        assert "+1614" not in shown
        assert "Call now" not in shown

    def test_leads_to_the_call_when_it_is_due(
        self, page: FlaskClient, promised: VerificationTask
    ) -> None:
        later(hours=2, minutes=5)
        db.session.commit()
        assert "Call now" in page.get("/verification/callbacks").text
        response = page.post(f"/verification/callbacks/{promised.public_id}/call")
        assert response.location.endswith(f"/verification/tasks/{promised.public_id}")
        db.session.refresh(promised)
        assert promised.status is TaskStatus.CLAIMED

    def test_puts_off_and_hands_over(
        self, cast: Cast, page: FlaskClient, promised: VerificationTask
    ) -> None:
        address = f"/verification/callbacks/{promised.public_id}"
        due = promised.not_before
        assert page.post(f"{address}/snooze", data={"minutes": "60"}).status_code == 303
        db.session.refresh(promised)
        assert promised.not_before == due + timedelta(hours=1)
        form = {"colleague": cast.second_verifier.user.public_id}
        assert page.post(f"{address}/hand-over", data=form).status_code == 303
        db.session.refresh(promised)
        assert promised.promised_to_id == cast.second_verifier.user.id
        assert page.post(f"{address}/snooze", data={"minutes": "60"}).status_code == 404

    def test_says_what_is_wrong(self, page: FlaskClient, promised: VerificationTask) -> None:
        address = f"/verification/callbacks/{promised.public_id}"
        for door, data in (("snooze", {"minutes": "9999"}), ("hand-over", {"colleague": ""})):
            response = page.post(f"{address}/{door}", data=data)
            assert response.status_code == 422
            assert "error-summary" in response.text
