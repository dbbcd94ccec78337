"""Pages on which verifiers learn and see themselves, and on which others run the floor."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.catalog.models import Vertical
from exchange.catalog.scripts import Outcome
from exchange.core.db import AnyRecord, db, save
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind, Role
from exchange.verification.gold_models import Appeal, GoldCase, GoldCaseStatus
from exchange.verification.models import InspectionPurpose, OutcomeClass
from exchange.verification.queries.workers import qualifications_of
from exchange.verification.services import exams, oversight
from exchange.verification.training import cards
from exchange.verification.worker_models import QualificationStatus
from exchange.verification.workers import EXAM_SIZE, PRACTICE_SIZE, SHOWN_AFTER
from tests.cast import Cast, Player, _member
from tests.factories.catalog import VERTICAL, definition_of, make_vertical
from tests.factories.leads import make_person
from tests.verification.support import (
    answer_gold,
    case_of,
    cases,
    claimed,
    inspection_of,
    later,
    make_sample,
    skill_of,
)

NOT_TYPED = {"requested_at", "consent_at", "consent_text", "consent_quality_check"}
TRAINING = f"/verification/training/{VERTICAL}"


@pytest.fixture
def page(cast: Cast, client: FlaskClient) -> FlaskClient:
    return cast.verifier.sign_in(client)


@pytest.fixture
def lead(cast: Cast) -> Player:
    """Who runs the floor of the cast's verifiers."""
    found = _member(cast.verifier.organization, "lena@callers.example", Role.SHIFT_LEAD)
    db.session.commit()
    return found


def newcomer(cast: Cast) -> Player:
    """A verifier who has not begun anything."""
    found = _member(cast.verifier.organization, "nell@callers.example", Role.VERIFIER)
    for skill in qualifications_of(found.user.id).values():
        db.session.delete(skill)
    db.session.commit()
    return found


class TestTraining:
    def test_leads_from_the_instruction_through_practice_to_the_exam(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        vertical = make_vertical()
        cases(cast, good=16, bad=12)
        nell = newcomer(cast)
        page = nell.sign_in(client)
        assert VERTICAL in page.get("/verification/training").text
        shown = page.get(TRAINING).text
        for example in ("not in service", "3.9%", "81.8%", "It opens after the practice."):
            assert example in shown
        at = page.post(f"{TRAINING}/begin").location
        (skill,) = qualifications_of(nell.user.id).values()
        right = cards(definition_of(vertical).script_in(""), seed=str(skill.id))
        for number in range(1, PRACTICE_SIZE + 1):
            seen = page.get(at).text
            assert f"Practice {number} of {PRACTICE_SIZE}" in seen
            answered = page.post(at, data={"outcome": right[number - 1].right.value}).location
            assert "This is right." in page.get(answered).text
            at = at.replace(f"practice/{number}", f"practice/{number + 1}")
        assert "Start the exam" in page.get(TRAINING).text
        call = page.post(f"{TRAINING}/exam").location
        assert "/verification/tasks/task_" in call
        for _ in range(EXAM_SIZE):
            call = _answer(page, nell, call)
        later(seconds=31)
        exams.decide_due()
        db.session.commit()
        assert "Qualified" in page.get(TRAINING).text

    def test_a_wrong_practice_answer_is_explained_at_once(
        self, cast: Cast, page: FlaskClient
    ) -> None:
        make_vertical()
        db.session.commit()
        at = page.post(f"{TRAINING}/begin").location
        at = re.sub(r"practice/\d+", "practice/1", at)
        (skill,) = qualifications_of(cast.verifier.user.id).values()
        right = cards(definition_of(make_vertical()).script_in(""), seed=str(skill.id))[0].right
        wrong = Outcome.CONFIRMED if right is not Outcome.CONFIRMED else Outcome.DENIES
        seen = page.get(page.post(at, data={"outcome": wrong.value}).location).text
        assert "The right result is:" in seen
        assert "Another example:" in seen

    def test_practice_without_a_choice_shows_the_task_again(self, page: FlaskClient) -> None:
        make_vertical()
        db.session.commit()
        at = re.sub(r"practice/\d+", "practice/1", page.post(f"{TRAINING}/begin").location)
        refused = page.post(at, data={})
        assert refused.status_code == 422
        assert "Choose a result." in refused.text

    def test_one_cannot_run_ahead(self, cast: Cast, page: FlaskClient) -> None:
        make_vertical()
        db.session.commit()
        page.post(f"{TRAINING}/begin")
        (skill,) = qualifications_of(cast.verifier.user.id).values()
        skill.practised = 2
        db.session.commit()
        base = f"/verification/training/{skill.public_id}/practice"
        assert [page.get(f"{base}/{n}").status_code for n in (3, 4, 11)] == [200, 404, 404]

    def test_the_exam_before_the_practice_is_refused_with_the_reason(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        make_vertical()
        page = newcomer(cast).sign_in(client)
        page.post(f"{TRAINING}/begin")
        refused = page.post(f"{TRAINING}/exam")
        assert refused.status_code == 409
        assert "Do all ten practice tasks first." in refused.text


class TestResults:
    def test_accuracy_is_shown_after_twenty(self, cast: Cast, page: FlaskClient) -> None:
        make_sample(cast.seller, leads=30)
        cases(cast, good=3, bad=3)
        skill_of(cast.verifier)
        answer_gold(cast.verifier)
        later(days=SHOWN_AFTER.days, seconds=1)
        db.session.commit()
        assert "after 20 checks" in page.get("/verification/results").text

    def test_a_disagreement_is_explained_and_appealed(self, cast: Cast, page: FlaskClient) -> None:
        make_sample(cast.seller)
        cases(cast, good=2, bad=2)
        skill_of(cast.verifier)
        verdict = answer_gold(cast.verifier, rightly=False)
        db.session.commit()
        at = f"/verification/verdicts/{verdict.public_id}/appeal"
        assert "known answer differ" not in page.get("/verification/results").text
        assert page.post(at, data={"text": "too early"}).status_code == 404
        later(days=SHOWN_AFTER.days, seconds=1)
        db.session.commit()
        seen = page.get("/verification/results").text
        assert "known answer differ" in seen
        assert "A test identity" in seen
        empty = page.post(at, data={"text": " "})
        assert empty.status_code == 422
        assert page.post(at, data={"text": "they said yes"}).status_code == 303
        assert "Your appeal:" in page.get("/verification/results").text


class TestShift:
    def test_is_for_who_runs_the_floor(
        self, cast: Cast, page: FlaskClient, lead: Player, client: FlaskClient
    ) -> None:
        skill_of(cast.verifier)
        db.session.commit()
        assert page.get("/verification/shift").status_code == 404
        assert "/verification/shift" not in page.get("/verification").text
        theirs = lead.sign_in(client.application.test_client())
        assert cast.verifier.user.name in theirs.get("/verification/shift").text
        for player in (cast.seller, cast.buyer):
            other = player.sign_in(client.application.test_client())
            assert other.get("/verification/shift").status_code == 404

    def test_each_reason_to_type_has_a_label_of_its_own(
        self, cast: Cast, lead: Player, client: FlaskClient
    ) -> None:
        skill = skill_of(cast.verifier)
        other = skill_of(lead)
        oversight.pause(qualification_id=other.id, reason="too_fast", actor=cast.admin.actor)
        db.session.commit()
        seen = cast.admin.sign_in(client).get("/verification/shift").text
        fields = re.findall(r'<textarea[^>]* id="([^"]+)"', seen)
        assert f"why-pause-{skill.public_id}" in fields
        assert len(fields) == len(set(fields)) > 2
        assert set(fields) <= set(re.findall(r'<label for="([^"]+)"', seen))

    def test_verticals_go_by_their_names(
        self, cast: Cast, lead: Player, client: FlaskClient
    ) -> None:
        skill_of(cast.verifier)
        db.session.commit()
        name = definition_of(make_vertical()).label_in("en")
        for player, at in ((lead, "shift"), (cast.verifier, "results")):
            page = player.sign_in(client.application.test_client())
            seen = page.get(f"/verification/{at}").text
            assert name in seen
            assert VERTICAL not in seen

    def test_of_another_house_shows_nobody_of_this(self, cast: Cast, client: FlaskClient) -> None:
        skill = skill_of(cast.verifier)
        stranger = _stranger()
        page = stranger.sign_in(client)
        assert cast.verifier.user.name not in page.get("/verification/shift").text
        at = f"/verification/shift/{skill.public_id}/pause"
        assert page.post(at, data={"reason": "out"}).status_code == 404

    def test_pause_and_resume_say_why(self, cast: Cast, lead: Player, client: FlaskClient) -> None:
        skill = skill_of(cast.verifier)
        db.session.commit()
        page = lead.sign_in(client)
        at = f"/verification/shift/{skill.public_id}"
        assert page.post(f"{at}/pause", data={"reason": ""}).status_code == 422
        assert page.post(f"{at}/pause", data={"reason": "reads too fast"}).status_code == 303
        seen = page.get("/verification/shift").text
        assert "reads too fast" in seen
        theirs = cast.verifier.sign_in(client.application.test_client())
        assert "reads too fast" in theirs.get("/verification").text
        assert page.post(f"{at}/resume", data={"reason": "slower now"}).status_code == 303
        assert "reads too fast" not in theirs.get("/verification").text

    def test_after_errors_a_lead_can_only_retrain(
        self, cast: Cast, lead: Player, client: FlaskClient
    ) -> None:
        skill = skill_of(cast.verifier)
        oversight.pause(qualification_id=skill.id, reason="gold_errors", actor=cast.admin.actor)
        db.session.commit()
        page = lead.sign_in(client)
        seen = page.get("/verification/shift").text
        assert "Too many answers to calls with a known answer were wrong." in seen
        assert "Send to training" in seen
        assert f"{skill.public_id}/resume" not in seen
        at = f"/verification/shift/{skill.public_id}"
        assert page.post(f"{at}/resume", data={"reason": "please"}).status_code == 403
        assert page.post(f"{at}/retrain", data={"reason": "again"}).status_code == 303
        assert _fresh(skill).status is QualificationStatus.LEARNING

    def test_the_operator_decides_appeals(self, cast: Cast, client: FlaskClient) -> None:
        make_sample(cast.seller)
        cases(cast, good=2, bad=2)
        skill_of(cast.verifier)
        verdict = answer_gold(cast.verifier, rightly=False)
        later(days=SHOWN_AFTER.days, seconds=1)
        db.session.commit()
        theirs = cast.verifier.sign_in(client.application.test_client())
        theirs.post(
            f"/verification/verdicts/{verdict.public_id}/appeal", data={"text": "I heard yes"}
        )
        page = cast.admin.sign_in(client)
        assert "I heard yes" in page.get("/verification/shift").text
        appeal = db.session.scalars(select(Appeal)).one()
        form = {"decision": "upheld", "reason": "the number had moved"}
        at = f"/verification/appeals/{appeal.public_id}/decide"
        assert theirs.post(at, data=form).status_code == 404
        assert page.post(at, data=form).status_code == 303
        assert "the number had moved" in theirs.get("/verification/results").text


class TestKnownAnswers:
    def test_a_test_identity_is_typed_in_and_retired(self, cast: Cast, client: FlaskClient) -> None:
        vertical = make_vertical()
        db.session.commit()
        page = cast.admin.sign_in(client)
        at = f"/verification/gold/{VERTICAL}/new"
        assert page.get(at).status_code == 200
        person = make_person()
        form = {**_form(vertical), **person, "outcome": "wrong_person"}
        bad = page.post(at, data={**form, "phone": "12"})
        assert bad.status_code == 422
        added = page.post(at, data=form)
        assert added.status_code == 303, re.findall(r"(?s)error-summary.*?</ul>", added.text)
        case = db.session.scalars(select(GoldCase)).one()
        assert case.truth is OutcomeClass.BAD
        seen = page.get(f"/verification/gold?vertical={VERTICAL}").text
        assert "test identity" in seen
        assert person["phone"] not in seen
        retire = f"/verification/gold/cases/{case.public_id}/retire"
        assert page.post(retire, data={"reason": "moved away"}).status_code == 303
        assert _fresh(case).status is GoldCaseStatus.RETIRED

    def test_invented_people_come_by_forty(self, cast: Cast, client: FlaskClient) -> None:
        make_vertical()
        db.session.commit()
        page = cast.admin.sign_in(client)
        assert page.post(f"/verification/gold/{VERTICAL}/plant").status_code == 303
        made = db.session.scalars(select(GoldCase.truth)).all()
        assert (len(made), made.count(OutcomeClass.BAD)) == (40, 16)

    def test_is_for_the_operator_alone(self, cast: Cast, client: FlaskClient, lead: Player) -> None:
        make_vertical()
        db.session.commit()
        for player in (cast.verifier, lead, cast.seller, cast.finance):
            page = player.sign_in(client.application.test_client())
            assert page.get("/verification/gold").status_code == 404
            assert page.post(f"/verification/gold/{VERTICAL}/plant").status_code == 404


def _answer(page: FlaskClient, verifier: Player, call: str) -> str:
    """The exam's call answered rightly at its page; the address of what follows."""
    task = claimed(verifier)
    assert call.endswith(task.public_id)
    assert inspection_of(task).purpose is InspectionPurpose.GOLD
    is_good = case_of(task).truth is OutcomeClass.GOOD
    form = {
        "lease_number": task.lease_number,
        "outcome": "confirmed" if is_good else "wrong_person",
        "sure": "1",
    }
    response = page.post(f"{call}/verdict", data=form)
    assert response.status_code == 303, response.text
    return response.location


def _form(vertical: Vertical) -> dict[str, str]:
    fields = definition_of(vertical).fields.specs
    return {
        spec.name: spec.choices[0].value if spec.choices else spec.example
        for spec in fields
        if spec.name not in NOT_TYPED
    }


def _stranger() -> Player:
    """Who runs the floor of another house."""
    house = save(
        Organization(
            kind=OrganizationKind.VERIFICATION,
            status=OrganizationStatus.APPROVED,
            name="Other Callers",
            trade_name="Other Callers",
            country="US",
        )
    )
    found = _member(house, "otto@others.example", Role.OWNER)
    db.session.commit()
    return found


def _fresh(record: AnyRecord) -> AnyRecord:
    db.session.refresh(record)
    return record
