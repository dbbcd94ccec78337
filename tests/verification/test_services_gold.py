"""Known calls: they come by the rate, look like any other, and act on nobody but their verifier."""

from __future__ import annotations

import re
from random import Random
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db, get, save
from exchange.core.errors import Conflict, Invalid
from exchange.core.events import Event
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Batch, BatchStatus, Lead, LeadStatus, SuppressionEntry
from exchange.verification import queries
from exchange.verification.gold_models import Exam, GoldCase, GoldCheck
from exchange.verification.models import (
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    TaskStatus,
)
from exchange.verification.queries import gold as gold_queries
from exchange.verification.queries import gold_stock
from exchange.verification.services import gold, gold_cases, promises, tasks, verdicts
from tests.cast import Cast, Player
from tests.factories.catalog import VERTICAL, definition_of, make_vertical
from tests.factories.leads import make_person
from tests.verification.support import (
    always,
    answer_gold,
    case_of,
    cases,
    claim,
    claim_gold,
    claim_this,
    claimed,
    inspection_of,
    judged_too,
    later,
    make_sample,
    never,
    report,
    skill_of,
    task_at,
)


class TestOffer:
    def test_comes_instead_of_a_call_that_waits_and_keeps_waiting(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=3, bad=3)
        skill_of(cast.verifier)
        known = claim_gold(cast.verifier)
        report(cast.verifier, known, Outcome.CONFIRMED)
        ordinary = claim(cast.verifier, dice=always)
        assert ordinary is not None
        # The dice say yes again, but this call was preceded already.
        assert inspection_of(ordinary).purpose is InspectionPurpose.SAMPLE

    def test_is_handed_to_a_colleague_as_any_promised_call(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=3, bad=3)
        skill = skill_of(cast.verifier)
        skill_of(cast.second_verifier)
        known = claim_gold(cast.verifier)
        report(cast.verifier, known, Outcome.CALL_BACK)
        colleague = cast.second_verifier
        promises.hand_over(task_id=known.id, to_id=colleague.user.id, actor=cast.verifier.actor)
        later(hours=3)
        report(colleague, claim_this(colleague, known), Outcome.CONFIRMED)
        assert known.status is TaskStatus.SUBMITTED
        assert gold_queries.known_calls(skill) == []  # it tells of nobody

    def test_does_not_come_where_nothing_else_waits(self, cast: Cast) -> None:
        cases(cast, good=3, bad=3)
        skill_of(cast.verifier)
        assert claim(cast.verifier) is None

    def test_does_not_come_by_other_dice(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=3, bad=3)
        skill_of(cast.verifier)
        task = claim(cast.verifier, dice=never)
        assert task is not None
        assert inspection_of(task).purpose is InspectionPurpose.SAMPLE

    def test_does_not_come_before_a_promised_call_back(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        cases(cast, good=3, bad=3)
        skill_of(cast.verifier)
        report(cast.verifier, claimed(cast.verifier), Outcome.CALL_BACK)
        later(hours=3)
        task = claim(cast.verifier, dice=always)
        assert task is not None
        assert inspection_of(task).purpose is InspectionPurpose.SAMPLE

    def test_two_tabs_hold_one_and_giving_back_changes_nothing(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=3, bad=3)
        skill_of(cast.verifier)
        first = claim_gold(cast.verifier)
        assert claim_gold(cast.verifier).id == first.id
        tasks.release(task_id=first.id, lease_number=1, actor=cast.verifier.actor)
        # It and the call that it came before are both next now; no other known one is made.
        report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        assert first.status is TaskStatus.SUBMITTED
        assert db.session.scalar(select(func.count()).select_from(GoldCheck)) == 1

    def test_is_seen_by_its_verifier_alone(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        cases(cast, good=3, bad=3)
        skill_of(cast.verifier)
        known = claim_gold(cast.verifier)
        tasks.release(task_id=known.id, lease_number=1, actor=cast.verifier.actor)
        second = claimed(cast.second_verifier)
        assert second.id == task_at(sample, 1).id
        report(cast.second_verifier, second, Outcome.CONFIRMED)
        assert claim(cast.second_verifier) is None
        with pytest.raises(Conflict):
            tasks.claim(
                task_id=known.id,
                verifier_id=cast.second_verifier.user.id,
                organization_id=cast.second_verifier.organization.id,
                actor=cast.second_verifier.actor,
            )

    def test_a_skipped_one_does_not_come_back_and_is_tidied(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=1, bad=0)
        skill_of(cast.verifier)
        known = claim(
            cast.verifier, dice=lambda _who, _what, asked: 0.0 if asked == "gold" else 0.9
        )
        assert known is not None
        actor = cast.verifier.actor
        tasks.release(task_id=known.id, lease_number=1, reason="language", actor=actor)
        assert known.status is TaskStatus.QUEUED  # as any call that was skipped
        later(minutes=11)
        assert claimed(cast.verifier).id != known.id
        assert gold.tidy() == 0
        later(hours=1)
        assert gold.tidy() == 1
        assert known.status is TaskStatus.CANCELLED
        assert inspection_of(known).status is InspectionStatus.CANCELLED

    def test_never_the_same_twice_for_one_verifier(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=20)
        cases(cast, good=2, bad=2)
        skill_of(cast.verifier)
        met = set()
        for _ in range(4):
            task = claim_gold(cast.verifier)
            met.add(case_of(task).id)
            report(cast.verifier, task, Outcome.CONFIRMED)
            report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        assert len(met) == 4
        assert inspection_of(claimed(cast.verifier)).purpose is InspectionPurpose.SAMPLE
        check = db.session.scalars(select(GoldCheck)).first()
        assert check is not None
        twin = GoldCheck(
            case_id=check.case_id,
            verifier_id=check.verifier_id,
            organization_id=check.organization_id,
            instead_of_id=claimed(cast.verifier).id,
        )
        with pytest.raises(IntegrityError), db.session.begin_nested():
            save(twin)

    def test_of_one_house_three_meet_a_case_at_most(self, cast: Cast) -> None:
        cases(cast, good=1)
        case = db.session.scalars(select(GoldCase)).one()
        skill = skill_of(cast.verifier)
        ask: dict[str, Any] = {"truth": OutcomeClass.GOOD, "now": clock.now()}
        here = {"organization_id": cast.second_verifier.organization.id}
        assert gold_queries.find_cases(skill, **ask, **here) == [case]
        for other in (cast.second_verifier, cast.admin, cast.finance):
            exam = _exam_of(other)
            save(GoldCheck(case_id=case.id, verifier_id=other.user.id, exam_id=exam, **here))
        assert gold_queries.find_cases(skill, **ask, **here) == []
        elsewhere = {"organization_id": cast.admin.organization.id}
        assert gold_queries.find_cases(skill, **ask, **elsewhere) == [case]

    def test_the_rate_is_kept_by_keyed_dice(self, cast: Cast) -> None:
        # So many that the share is out of bounds once in more runs than anybody will see.
        thrown = [
            gold.keyed_dice(cast.verifier.user.id, cast.admin.user.id, f"{i}")
            for i in range(20_000)
        ]
        assert 0.08 < sum(dice < 0.1 for dice in thrown) / len(thrown) < 0.12
        first = gold.keyed_dice(cast.verifier.user.id, cast.admin.user.id, "gold")
        assert first == gold.keyed_dice(cast.verifier.user.id, cast.admin.user.id, "gold")


class TestAnswer:
    def test_acts_on_nobody(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        cases(cast, bad=2)
        skill_of(cast.verifier)
        verdict = answer_gold(cast.verifier)
        assert verdict.outcome is OutcomeClass.BAD
        lead = get(Lead, verdict.lead_id)
        assert lead.status is LeadStatus.VALID
        assert lead.checked_at is None
        assert queries.known_outcome(lead.id) is None
        db.session.refresh(sample)
        assert (sample.n, sample.good, sample.bad) == (0, 0, 0)

    def test_a_wrong_do_not_call_leaves_the_test_identity(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=1, bad=1)
        skill_of(cast.verifier)
        task = claim_gold(cast.verifier)
        verdict = report(cast.verifier, task, Outcome.DO_NOT_CALL)
        assert db.session.scalars(select(SuppressionEntry)).all() == []
        assert get(Lead, verdict.lead_id).status is LeadStatus.VALID
        with pytest.raises(Conflict):  # as with anybody
            verdicts.undo(verdict_id=verdict.id, actor=cast.verifier.actor)

    def test_cannot_judge_asks_nobody_else(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, good=1, bad=1)
        skill_of(cast.verifier)
        task = claim_gold(cast.verifier)
        report(cast.verifier, task, Outcome.CANNOT_JUDGE)
        assert inspection_of(task).outcome is OutcomeClass.OPEN

    def test_is_undone_like_any_other(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, bad=2)
        skill = skill_of(cast.verifier)
        verdict = answer_gold(cast.verifier, rightly=False)
        assert [one.is_right for one in gold_queries.known_calls(skill)] == [False]
        task = verdicts.undo(verdict_id=verdict.id, actor=cast.verifier.actor)
        assert gold_queries.known_calls(skill) == []
        report(cast.verifier, task, Outcome.WRONG_PERSON)
        assert [one.is_right for one in gold_queries.known_calls(skill)] == [True]

    def test_is_in_no_event_that_verifiers_or_sellers_may_read(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, bad=2)
        skill_of(cast.verifier)
        verdict = answer_gold(cast.verifier)
        readers = (cast.verifier.organization.id, cast.seller.organization.id)
        read = select(Event.type).where(
            Event.organization_id.in_(readers), Event.subject_id == verdict.inspection_id
        )
        assert db.session.scalars(read).all() == []
        written = select(Event.type).where(Event.subject_id == verdict.inspection_id)
        assert db.session.scalars(written).all() == ["inspection.concluded"]


class TestLook:
    """Nothing but the person differs from an ordinary call."""

    def test_on_the_page_and_in_json(self, cast: Cast, client: FlaskClient) -> None:
        make_sample(cast.seller, requested_at=clock.now())
        cases(cast, good=1, bad=1)
        skill_of(cast.verifier)
        known = claim_gold(cast.verifier)
        db.session.commit()
        page = cast.verifier.sign_in(client)
        headers = cast.verifier.key("task:work")
        seen = [self._look(page, headers)]
        report(cast.verifier, known, Outcome.CONFIRMED)
        later(minutes=1)  # the undo of the last result is not shown any more
        ordinary = claimed(cast.verifier)
        db.session.commit()
        seen.append(self._look(page, headers))
        assert inspection_of(ordinary).purpose is InspectionPurpose.SAMPLE
        (page_of_gold, json_of_gold), (page_of_other, json_of_other) = seen
        assert json_of_gold.keys() == json_of_other.keys()
        personal = {"id", "contact", "claimed", "said", "time_zone", "lease_until"}
        same = json_of_gold.keys() - personal
        assert {k: json_of_gold[k] for k in same} == {k: json_of_other[k] for k in same}
        assert json_of_gold["contact"].keys() == json_of_other["contact"].keys()
        assert json_of_gold["claimed"].keys() == json_of_other["claimed"].keys()
        assert page_of_gold == page_of_other

    def test_is_as_old_as_the_call_that_it_precedes(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        cases(cast, good=1, bad=1)
        skill_of(cast.verifier)
        later(hours=5)
        known = claim_gold(cast.verifier)
        other = task_at(sample, 1)
        assert known.created_at == other.created_at
        assert known.id.int >> 80 == other.id.int >> 80
        assert known.id != other.id

    @pytest.mark.parametrize("code", [Outcome.CONFIRMED, Outcome.WRONG_PERSON])
    def test_after_the_verdict(self, cast: Cast, client: FlaskClient, code: Outcome) -> None:
        make_sample(cast.seller)
        cases(cast, good=1, bad=1)
        skill_of(cast.verifier)
        known = claim_gold(cast.verifier)
        report(cast.verifier, known, code)
        ordinary = claimed(cast.verifier)
        report(cast.verifier, ordinary, code)
        db.session.commit()
        page = cast.verifier.sign_in(client)
        first, second = (
            page.get(f"/verification/tasks/{task.public_id}") for task in (known, ordinary)
        )
        assert first.status_code == second.status_code == 200
        assert _anonymous(first.text) == _anonymous(second.text)

    def _look(self, page: FlaskClient, headers: dict[str, str]) -> tuple[str, dict[str, Any]]:
        answer = page.get("/api/v1/verification/tasks/next", headers=headers)
        assert answer.status_code == 200
        found = answer.get_json()
        seen = page.get(f"/verification/tasks/{found['id']}")
        assert seen.status_code == 200
        return _anonymous(seen.text, found), found


def _anonymous(text: str, found: dict[str, Any] | None = None) -> str:
    """A page without the person, their facts and what is new in every answer."""
    text = re.sub(r"task_[0-9A-Z]{26}|[0-9A-Za-z_-]{22,}(?:\.[0-9A-Za-z_-]+)*", "…", text)
    text = re.sub(r'<time[^>]*>[^<]*</time>|data-[a-z-]+="[^"]*"', "…", text)
    text = re.sub(r"\d+ calls? today|(?:America|Pacific)/[\w/-]+", "…", text)
    if found:
        for value in (*found["contact"].values(), found["said"] or ""):
            text = text.replace(str(value), "…")
    text = re.sub(r"<dd[^>]*>.*?</dd>|<option[^>]*>.*?</option>|value=\"[^\"]*\"", "…", text)
    return re.sub(r"<(?:p|blockquote|q)[^>]*>.*?</(?:p|blockquote|q)>", "…", text, flags=re.DOTALL)


class TestCases:
    def test_a_test_identity_is_nobodys_stock(self, cast: Cast) -> None:
        cases(cast, good=1)
        case = db.session.scalars(select(GoldCase)).one()
        lead = get(Lead, case.lead_id)
        batch = get(Batch, lead.batch_id)
        house = get(Organization, batch.organization_id)
        assert (batch.status, batch.may_be_sold) == (BatchStatus.DRAFT, False)
        assert house.status is OrganizationStatus.SUSPENDED
        assert not lead.in_frame
        assert (case.truth, case.codes[0]) == (OutcomeClass.GOOD, "confirmed")

    def test_has_the_clock_of_its_region(self, cast: Cast) -> None:
        cases(cast, good=8)
        fields = definition_of(make_vertical()).fields.by_name["region"].choice_by_value
        zones = set()
        for case in db.session.scalars(select(GoldCase)):
            choice = fields[get(Lead, case.lead_id).region]
            assert case.time_zone == choice.time_zone
            zones.add(case.time_zone)
        assert len(zones) > 1

    def test_all_of_a_vertical_stand_in_one_lot(self, cast: Cast) -> None:
        cases(cast, good=2, bad=1)
        leads = [get(Lead, case.lead_id) for case in db.session.scalars(select(GoldCase))]
        assert len({lead.batch_id for lead in leads}) == 1
        assert [get(Batch, leads[0].batch_id).valid] == [3]

    def test_wrong_values_are_named(self, cast: Cast) -> None:
        vertical = make_vertical()
        with pytest.raises(Invalid) as refused:
            gold_cases.seed(
                vertical_id=vertical.id,
                values={**make_person(), "phone": "12"},
                code=Outcome.CONFIRMED,
                actor=cast.admin.actor,
            )
        assert "/phone" in {problem.pointer for problem in refused.value.errors}

    def test_an_open_answer_is_no_truth(self, cast: Cast) -> None:
        with pytest.raises(Invalid):
            gold_cases.seed(
                vertical_id=make_vertical().id,
                values=make_person(),
                code=Outcome.NOT_REACHED,
                actor=cast.admin.actor,
            )

    def test_one_verdict_confirms_nothing_and_two_do(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        task = claimed(cast.verifier)
        verdict = report(cast.verifier, task, Outcome.NUMBER_DEAD)
        vertical = make_vertical()
        ask: dict[str, Any] = {
            "lead_id": verdict.lead_id,
            "vertical_id": vertical.id,
            "actor": cast.admin.actor,
        }
        with pytest.raises(Conflict):
            gold_cases.confirm(**ask)
        judged_too(cast, verdict)
        case = gold_cases.confirm(**ask)
        assert (case.truth, case.codes[0], case.calls_max) == (
            OutcomeClass.BAD, "number_dead", None,
        )  # fmt: skip
        assert case.time_zone == task_at(sample, 1).time_zone
        with pytest.raises(Conflict):  # it is one already
            gold_cases.confirm(**ask)

    def test_of_confirmed_people_nobody_is_asked_by_their_own_judges(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        judged_too(cast, verdict)
        vertical = make_vertical()
        case = gold_cases.confirm(
            lead_id=verdict.lead_id, vertical_id=vertical.id, actor=cast.admin.actor
        )
        assert case.calls_max == 1
        found = {
            player.user.email: list(
                gold_queries.find_cases(
                    skill_of(player),
                    truth=OutcomeClass.GOOD,
                    organization_id=player.organization.id,
                    now=clock.now(),
                )
            )
            for player in (cast.verifier, cast.second_verifier, cast.seller, cast.admin)
        }
        assert [email for email, some in found.items() if some] == [cast.admin.user.email]

    def test_who_denied_is_left_alone(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        judged_too(cast, verdict)
        assert gold_stock.candidates(make_vertical().id, now=clock.now()) == []

    def test_a_retired_one_is_given_to_nobody(self, cast: Cast) -> None:
        make_sample(cast.seller)
        cases(cast, bad=1)
        skill_of(cast.verifier)
        case = db.session.scalars(select(GoldCase)).one()
        gold_cases.retire(case_id=case.id, reason="the number moved", actor=cast.admin.actor)
        assert inspection_of(claimed(cast.verifier)).purpose is InspectionPurpose.SAMPLE

    def test_nobody_is_invented_where_people_are_real(self, cast: Cast) -> None:
        made = gold_cases.plant(
            vertical_id=make_vertical(VERTICAL).id,
            count=10,
            random=Random(1),
            actor=cast.admin.actor,
        )
        assert [case.truth for case in made].count(OutcomeClass.BAD) == 4


def _exam_of(player: Player) -> UUID:
    exam = Exam(
        qualification_id=skill_of(player).id,
        verifier_id=player.user.id,
        organization_id=player.organization.id,
    )
    return save(exam).id
