"""The verifier's pages: a plain form does it all, and nothing shows what a verifier must not see."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db
from exchange.verification.models import TaskStatus, Verdict, VerificationTask
from tests.cast import Cast
from tests.factories.catalog import make_vertical
from tests.verification.support import later, make_sample

PHONE = re.compile(r"\+1614\d{7}")


@pytest.fixture
def page(cast: Cast, client: FlaskClient) -> FlaskClient:
    """The verifier's browser."""
    return cast.verifier.sign_in(client)


def take(page: FlaskClient) -> str:
    """The address of the next call."""
    response = page.post("/verification/next")
    assert response.status_code == 303
    assert "/tasks/" in response.location
    return response.location


def lease(page: FlaskClient, call: str) -> str:
    found = re.search(r'name="lease_number" value="(\d+)"', page.get(call).text)
    assert found is not None
    return found[1]


def send(page: FlaskClient, call: str, outcome: str, **more: str) -> TestResponse:
    form = {"lease_number": lease(page, call), "outcome": outcome, "sure": "1", **more}
    return page.post(f"{call}/verdict", data=form)


def sampled(cast: Cast, **terms) -> None:
    make_sample(cast.seller, **terms)
    db.session.commit()


class TestStart:
    def test_is_empty_without_calls(self, page: FlaskClient) -> None:
        seen = page.get("/verification")
        assert seen.status_code == 200
        assert "Nothing waits for you" in seen.text

    def test_shows_what_waits_and_the_way_to_it(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        seen = page.get("/verification").text
        assert "36 calls wait" in seen
        assert 'action="/verification/next"' in seen

    def test_leads_back_to_the_call_that_is_held(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        assert f'href="{call}"' in page.get("/verification").text
        assert take(page) == call

    def test_lists_promised_call_backs_without_the_people(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        sampled(cast, leads=1)
        call = take(page)
        assert send(page, call, "call_back", callback_at=in_a_day(call)).status_code == 303
        seen = page.get("/verification").text
        assert "1 call-back that you promised" in seen
        assert not PHONE.search(seen)

    def test_takes_nothing_where_nothing_waits(self, page: FlaskClient) -> None:
        response = page.post("/verification/next", follow_redirects=True)
        assert "Nothing waits for you just now." in response.text

    @pytest.mark.parametrize("who", ["seller", "buyer", "admin"])
    def test_is_for_verifiers(self, cast: Cast, client: FlaskClient, who: str) -> None:
        getattr(cast, who).sign_in(client)
        assert client.get("/verification").status_code == 404
        assert client.post("/verification/next").status_code == 404

    def test_asks_strangers_to_sign_in(self, client: FlaskClient) -> None:
        assert client.get("/verification").status_code == 303


def in_a_day(call: str) -> str:
    """A time tomorrow as the form sends it, by the person's clock."""
    task_id = call.rsplit("/", maxsplit=1)[1]
    task = next(t for t in db.session.scalars(select(VerificationTask)) if t.public_id == task_id)
    local = (clock.after_lock() + timedelta(days=1)).astimezone(ZoneInfo(task.time_zone))
    return local.strftime("%Y-%m-%dT%H:%M")


class TestCall:
    def test_shows_who_what_to_say_and_nine_results(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        seen = page.get(take(page))
        assert PHONE.search(seen.text)
        assert "Has anybody called you about this already?" in seen.text
        for number, outcome in enumerate(Outcome, start=1):
            assert f'value="{outcome}" data-hotkey="{number}"' in seen.text
        assert "no-store" in seen.headers["Cache-Control"]

    def test_is_blind(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast, price=4_321)
        seen = page.get(take(page)).text
        assert cast.seller.organization.trade_name not in seen
        assert cast.seller.organization.name not in seen
        for secret in ("43.21", "4321", "landing page", "LX-15", "A lot of tests"):
            assert secret not in seen

    def test_never_offers_a_link_to_dial_where_nobody_is_called(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        sampled(cast)
        seen = page.get(take(page)).text
        assert "tel:" not in seen
        assert "What is heard" in seen

    def test_has_a_key_for_everything(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        seen = page.get(take(page)).text
        for key in ("d", "n", "c", "e", "b", "x", "?", "Mod+Enter", "Ctrl+Space"):
            assert f'data-hotkey="{key}"' in seen

    def test_speaks_another_language_of_the_script(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast, vertical=make_vertical("car_insurance_ru"))
        call = take(page)
        assert "Здравствуйте" in page.get(call).text
        assert "Good day" in page.get(f"{call}?language=en").text

    def test_of_another_verifier_is_not_found(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        other = cast.second_verifier.sign_in(page.application.test_client())
        for answer in (
            other.get(call),
            other.post(f"{call}/verdict", data={"lease_number": "1", "outcome": "confirmed"}),
            other.post(f"{call}/release", data={"lease_number": "1"}),
            other.post(f"{call}/extend", data={"lease_number": "1"}),
            other.post(f"{call}/skip", data={"lease_number": "1", "reason": "line"}),
            other.post(f"{call}/draft", data={"lease_number": "1"}),
            other.post(f"{call}/claim", data={"lease_number": "1"}),
        ):
            assert answer.status_code == 404
            assert not PHONE.search(answer.text)

    @pytest.mark.parametrize("call", ["task_nonsense", "lead_01JD9YQ4S8K2M3N4P5Q6R7S8T9", "x"])
    def test_that_does_not_exist_is_not_found(self, page: FlaskClient, call: str) -> None:
        assert page.get(f"/verification/tasks/{call}").status_code == 404


class TestPace:
    def test_is_to_go_on_unless_the_browser_remembers_otherwise(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        sampled(cast)
        page.post("/verification/pace", data={})
        response = send(page, take(page), "number_dead")
        assert response.location.endswith("/verification")
        assert "You come back here" in page.get("/verification").text
        page.post("/verification/pace", data={"goes_on": "yes"})
        response = send(page, take(page), "number_dead")
        assert "/tasks/" in response.location

    def test_and_pay_of_a_vertical_are_on_the_start_page(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        sampled(cast)
        assert "$1.20" in page.get("/verification").text
        call = take(page)
        later(minutes=2)
        db.session.commit()
        send(page, call, "confirmed")
        page.post(f"{take(page)}/release", data={"lease_number": "1"})
        shown = page.get("/verification").text
        assert "2 min" in shown
        assert re.search(r"\$3[56]\.", shown)  # one result in two minutes


class TestSubmit:
    def test_leads_to_the_next_call_and_closes_the_person(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        sampled(cast)
        call = take(page)
        response = send(page, call, "confirmed", called_before="no", horizon="week")
        assert response.status_code == 303
        assert response.location != call
        verdict = db.session.scalars(select(Verdict)).one()
        assert verdict.answers == {"called_before": "no", "horizon": "week"}
        ended = page.get(call)
        assert ended.status_code == 200
        assert not PHONE.search(ended.text)

    def test_answers_a_script_with_the_next_call_itself(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "outcome": "confirmed", "sure": "1"}
        response = page.post(f"{call}/verdict", data=form, headers={"HX-Request": "true"})
        assert response.status_code == 200
        following = response.headers["HX-Push-Url"]
        assert following != call
        assert f'action="{following}/verdict"' in response.text
        assert "<html" not in response.text
        assert lease(page, following) == "1"  # one call was taken, not two
        held = select(func.count(VerificationTask.id)).where(
            VerificationTask.status == TaskStatus.CLAIMED
        )
        assert db.session.scalar(held) == 1

    def test_refused_is_shown_again_in_place(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        response = page.post(
            f"{call}/verdict",
            data={"lease_number": lease(page, call), "note": "half a word"},
            headers={"HX-Request": "true"},
        )
        assert response.status_code == 422
        assert "half a word" in response.text
        assert "<html" not in response.text

    def test_of_the_last_call_leads_home(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast, leads=1)
        call = take(page)
        response = send(page, call, "confirmed")
        assert response.location.endswith("/verification")
        assert "All done. 1 call today, thank you." in page.get(response.location).text

    def test_without_a_result_shows_the_page_again(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "note": "typed already"}
        response = page.post(f"{call}/verdict", data=form)
        assert response.status_code == 422
        assert "Choose a result." in response.text
        assert "typed already" in response.text

    def test_that_was_too_quick_is_asked_once(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "outcome": "denies"}
        asked = page.post(f"{call}/verdict", data=form)
        assert asked.status_code == 422
        assert 'name="sure" value="1"' in asked.text
        assert re.search(r'value="denies"[^>]* checked', asked.text)
        assert page.post(f"{call}/verdict", data={**form, "sure": "1"}).status_code == 303

    def test_sent_twice_is_one_verdict(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "outcome": "confirmed", "sure": "1"}
        answers = [page.post(f"{call}/verdict", data=form) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        assert answers[0].location == answers[1].location
        assert len(db.session.scalars(select(Verdict)).all()) == 1

    def test_corrects_what_was_claimed(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        more = {"fix-postal_code": "43005", "fix-budget": ""}
        assert send(page, call, "corrected", **more).status_code == 303
        assert db.session.scalars(select(Verdict)).one().corrections == {"postal_code": "43005"}

    def test_refuses_a_correction_that_cannot_be(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        response = send(page, take(page), "corrected", **{"fix-postal_code": "nowhere"})
        assert response.status_code == 422
        assert "cannot be this value" in response.text
        assert 'value="nowhere"' in response.text

    def test_promises_a_call_back_by_the_persons_clock(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast, leads=1)
        call = take(page)
        due = in_a_day(call)
        assert send(page, call, "call_back", callback_at=due).status_code == 303
        task = db.session.scalars(select(VerificationTask)).one()
        local = task.not_before.astimezone(ZoneInfo(task.time_zone))
        assert local.strftime("%Y-%m-%dT%H:%M") == due

    @pytest.mark.parametrize(
        "more",
        [
            {"outcome": "splendid"},
            {"outcome": "call_back", "callback_at": "soon"},
            {"outcome": "call_back"},
            {"lease_number": "one"},
            {"called_before": "perhaps"},
            {"right": "everything"},
            {"note": "x" * 1_001},
        ],
    )
    def test_of_nonsense_is_refused(self, cast: Cast, page: FlaskClient, more) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "outcome": "confirmed", "sure": "1", **more}
        assert page.post(f"{call}/verdict", data=form).status_code == 422


class TestTime:
    def test_is_extended_and_keeps_what_was_typed(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "note": "half a sentence", "outcome": "denies"}
        later(minutes=14)
        db.session.commit()
        assert page.post(f"{call}/extend", data=form).status_code == 303
        later(minutes=14)
        db.session.commit()
        seen = page.get(call)
        assert PHONE.search(seen.text)
        assert "half a sentence" in seen.text

    def test_that_ran_out_keeps_the_text_and_hides_the_person(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "outcome": "denies", "note": "never asked"}
        later(minutes=16)
        db.session.commit()
        response = page.post(f"{call}/verdict", data={**form, "sure": "1"})
        assert response.status_code == 409
        assert "never asked" in response.text
        assert not PHONE.search(response.text)
        again = page.post(f"{call}/claim", data=form)
        assert again.status_code == 303
        seen = page.get(call).text
        assert PHONE.search(seen)
        assert "never asked" in seen
        assert re.search(r'value="denies"[^>]* checked', seen)

    def test_draft_is_kept_in_the_background(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        form = {"lease_number": lease(page, call), "note": "on the way", "fix-budget": "12"}
        assert page.post(f"{call}/draft", data=form).status_code == 204
        assert "on the way" in page.get(call).text

    def test_draft_of_another_is_not_shown(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        number = lease(page, call)
        page.post(f"{call}/draft", data={"lease_number": number, "note": "my own words"})
        assert page.post(f"{call}/release", data={"lease_number": number}).status_code == 303
        other = cast.second_verifier.sign_in(page.application.test_client())
        theirs = take(other)
        assert theirs == call
        assert "my own words" not in other.get(theirs).text


class TestWaysOut:
    def test_skip_wants_a_reason_and_leads_on(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        number = lease(page, call)
        assert page.post(f"{call}/skip", data={"lease_number": number}).status_code == 422
        form = {"lease_number": number, "reason": "language"}
        response = page.post(f"{call}/skip", data=form)
        assert response.status_code == 303
        assert response.location != call

    def test_break_gives_the_call_back(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        response = page.post(f"{call}/release", data={"lease_number": lease(page, call)})
        assert response.location.endswith("/verification")
        db.session.expire_all()
        statuses = {task.status for task in db.session.scalars(select(VerificationTask))}
        assert statuses == {TaskStatus.QUEUED}


class TestUndo:
    def verdict_path(self) -> str:
        return f"/verification/verdicts/{db.session.scalars(select(Verdict)).one().public_id}/undo"

    def test_leads_back_to_the_call(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        call = take(page)
        following = send(page, call, "denies", note="no").location
        path = self.verdict_path()
        assert f'action="{path}"' in page.get(following).text
        response = page.post(path)
        assert response.location == call
        seen = page.get(call).text
        assert PHONE.search(seen)
        assert re.search(r'value="denies"[^>]* checked', seen)

    def test_that_comes_too_late_says_why(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        send(page, take(page), "confirmed")
        later(seconds=31)
        db.session.commit()
        response = page.post(self.verdict_path())
        assert response.status_code == 409
        assert "thirty seconds" in response.text

    def test_of_another_is_not_found(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        send(page, take(page), "confirmed")
        other = cast.second_verifier.sign_in(page.application.test_client())
        assert other.post(self.verdict_path()).status_code == 404


class TestResults:
    def test_are_empty_at_first(self, page: FlaskClient) -> None:
        assert "No results yet" in page.get("/verification/results").text

    def test_are_ones_own_without_the_people(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        send(page, take(page), "denies")
        seen = page.get("/verification/results")
        assert "Denies the request" in seen.text
        assert not PHONE.search(seen.text)
        other = cast.second_verifier.sign_in(page.application.test_client())
        assert "No results yet" in other.get("/verification/results").text

    def test_come_as_a_fragment_to_htmx(self, cast: Cast, page: FlaskClient) -> None:
        sampled(cast)
        send(page, take(page), "denies")
        part = page.get("/verification/results", headers={"HX-Request": "true"})
        assert "<html" not in part.text
        assert "Denies the request" in part.text
