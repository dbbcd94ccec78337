"""The queue: who may take which call, for how long, and what stays when time runs out."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from exchange.catalog.calling import CallingHours
from exchange.catalog.schemas import load_preset
from exchange.catalog.scripts import Outcome
from exchange.catalog.services import publish_vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.errors import Conflict, NotFound
from exchange.core.events import Event
from exchange.core.states import transition
from exchange.identity import services as identity
from exchange.identity.models import Membership
from exchange.identity.permissions import Role
from exchange.leads import queries as leads
from exchange.leads.services import suppression
from exchange.verification import queries
from exchange.verification.models import TaskStatus, Verdict, VerificationTask
from exchange.verification.queries import tasks as questions
from exchange.verification.queries.workers import find_qualification
from exchange.verification.services import calls, tasks
from exchange.verification.worker_models import QualificationStatus
from tests.cast import Cast, Player
from tests.factories.catalog import VERTICAL, make_vertical
from tests.verification.support import (
    claim,
    claimed,
    inspection_at,
    inspection_of,
    later,
    make_sample,
    report,
    take,
    task_at,
)


def release(player: Player, task: VerificationTask, reason: str = "") -> None:
    tasks.release(
        task_id=task.id, lease_number=task.lease_number, reason=reason, actor=player.actor
    )


class TestClaiming:
    def test_is_nothing_where_nothing_waits(self, cast: Cast) -> None:
        assert claim(cast.verifier) is None

    def test_goes_down_the_draw_order(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        assert inspection_of(task).position == 1
        assert (task.status, task.lease_number) == (TaskStatus.CLAIMED, 1)
        assert inspection_of(claimed(cast.second_verifier)).position == 2

    def test_again_gives_the_call_that_is_held(self, cast: Cast) -> None:
        make_sample(cast.seller)
        assert claimed(cast.verifier) is claimed(cast.verifier)

    def test_prefers_hot_leads_of_a_later_lot(self, cast: Cast) -> None:
        make_sample(cast.seller, requested_at=clock.now() - timedelta(days=5))
        hot = make_sample(cast.seller, requested_at=clock.now() - timedelta(hours=1))
        assert inspection_of(claimed(cast.verifier)).ref_id == hot.id

    def test_prefers_a_promised_call_back(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        task = take(cast.verifier, sample, 7)
        report(cast.verifier, task, Outcome.CALL_BACK)
        later(hours=2, minutes=5)
        assert inspection_of(claimed(cast.second_verifier)).position == 1
        assert claimed(cast.verifier).id == task.id

    def test_leaves_a_promise_to_who_made_it_for_half_an_hour(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.CALL_BACK)
        later(hours=2, minutes=29)
        assert claim(cast.second_verifier) is None
        later(minutes=2)
        assert inspection_of(claimed(cast.second_verifier)).ref_id == sample.id

    def test_never_gives_leads_of_an_organization_the_verifier_belongs_to(self, cast: Cast) -> None:
        make_sample(cast.seller)
        save(
            Membership(
                user_id=cast.verifier.user.id,
                organization_id=cast.seller.organization.id,
                role=Role.MEMBER,
            )
        )
        assert claim(cast.verifier) is None
        assert claim(cast.second_verifier) is not None

    def test_never_gives_a_lead_that_the_verifier_judged_before(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.CANNOT_JUDGE)
        assert claim(cast.verifier) is None
        assert claim(cast.second_verifier) is not None

    def test_gives_an_attempt_that_reached_nobody_to_anybody(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        assert claim(cast.verifier) is None
        later(hours=5)
        assert claim(cast.verifier) is not None

    def test_gives_nothing_to_a_suspended_organization(self, cast: Cast) -> None:
        make_sample(cast.seller)
        held = claimed(cast.verifier)
        identity.suspend_organization(
            organization_id=cast.verifier.organization.id, reason="a leak", actor=cast.admin.actor
        )
        assert claim(cast.verifier) == held  # what is held may be finished
        report(cast.verifier, held, Outcome.CONFIRMED)
        assert claim(cast.verifier) is None
        assert claim(cast.second_verifier) is None

    def test_never_gives_a_suppressed_person(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        lead_id = inspection_at(sample, 1).lead_id
        suppression.suppress_person(lead_id=lead_id, origin="list", actor=SYSTEM)
        assert inspection_of(claimed(cast.verifier)).position == 2

    def test_of_a_call_that_somebody_holds_is_refused(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        claimed(cast.verifier)
        with pytest.raises(Conflict) as caught:
            take(cast.second_verifier, sample, 1)
        assert caught.value.code == "task_taken"

    def test_holds_one_call_only(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        first = claimed(cast.verifier)
        second = take(cast.verifier, sample, 5)
        assert (first.status, second.status) == (TaskStatus.QUEUED, TaskStatus.CLAIMED)

    def test_counts_what_waits_for_a_verifier(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        report(cast.verifier, take(cast.verifier, sample, 1), Outcome.CANNOT_JUDGE)
        counts = [
            sum(
                one.calls
                for one in questions.waiting(
                    verifier_id=player.user.id,
                    organization_id=player.organization.id,
                    now=clock.after_lock(),
                )
            )
            for player in (cast.verifier, cast.second_verifier)
        ]
        assert counts == [35, 36]


class TestSkills:
    """A call is for somebody who is qualified for its vertical in its language."""

    def test_that_nobody_has_leave_the_call_waiting(self, cast: Cast) -> None:
        make_sample(cast.seller)
        spoil(cast.verifier, QualificationStatus.PAUSED)
        assert claim(cast.verifier) is None
        assert claim(cast.second_verifier) is not None

    def test_are_of_one_language(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=1)
        task_at(sample, 1).language = "es"
        assert claim(cast.verifier) is None

    def test_are_needed_for_a_promised_call_back_and_for_this_very_call(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        report(cast.verifier, take(cast.verifier, sample, 7), Outcome.CALL_BACK)
        later(hours=2, minutes=5)
        spoil(cast.verifier, QualificationStatus.PAUSED)
        assert claim(cast.verifier) is None
        with pytest.raises(Conflict):
            take(cast.verifier, sample, 7)

    def test_of_two_verticals_give_the_older_call_first(self, cast: Cast) -> None:
        old = {"requested_at": clock.now() - timedelta(days=5)}
        first = make_sample(cast.seller, vertical=make_vertical("car_insurance_ru"), leads=1, **old)
        later(minutes=1)
        second = make_sample(cast.seller, leads=1, **old)
        given = [inspection_of(claimed(player)).ref_id for player in callers(cast)]
        assert given == [first.id, second.id]

    def test_count_only_what_the_verifier_may_call(self, cast: Cast) -> None:
        make_sample(cast.seller)
        spoil(cast.verifier, QualificationStatus.PAUSED)
        now = clock.after_lock()
        own = {"verifier_id": cast.verifier.user.id, "now": now}
        assert questions.waiting(organization_id=cast.verifier.organization.id, **own) == []
        later(days=-1)
        assert questions.next_due(cast.verifier.user.id, now=clock.now()) is None
        assert questions.next_due(cast.second_verifier.user.id, now=clock.now()) is not None


def callers(cast: Cast) -> list[Player]:
    return [cast.verifier, cast.second_verifier]


def spoil(player: Player, status: QualificationStatus) -> None:
    """Nothing more is given to the player."""
    for vertical_id, language in queries.skills_of(player.user.id):
        found = find_qualification(player.user.id, vertical_id=vertical_id, language=language)
        assert found is not None
        transition(found, status, actor=SYSTEM)


def shut_except(weekday: int) -> None:
    """Publish hours that are open on one day of the week only, Monday being 0."""
    usual = load_preset(VERTICAL)
    days = tuple(((time(9), time(20)),) if day == weekday else () for day in range(7))
    terms = replace(usual.terms, calling_hours=CallingHours(days=days))
    publish_vertical(definition=replace(usual, terms=terms), actor=SYSTEM)


def go_live() -> None:
    """Make this a live instance, as its owner could."""
    db.session.execute(text("SET LOCAL ROLE NONE"))
    db.session.execute(text("UPDATE instance SET kind = 'live'"))
    db.session.execute(text("SET LOCAL ROLE exchange_app"))


class TestHours:
    """Only a live instance calls people; the hours of the vertical are then the law."""

    def test_out_of_hours_nobody_is_called(self, cast: Cast) -> None:
        make_sample(cast.seller)
        later_day = (clock.now().weekday() + 3) % 7
        shut_except(later_day)
        go_live()
        assert claim(cast.verifier) is None
        waiting = db.session.scalars(
            select(VerificationTask).execution_options(populate_existing=True)
        ).all()
        for task in waiting:
            opens = task.not_before.astimezone(ZoneInfo(task.time_zone))
            assert (opens.weekday(), opens.hour, opens.minute) == (later_day, 9, 0)

    def test_of_a_sandbox_are_always_open(self, cast: Cast) -> None:
        make_sample(cast.seller)
        shut_except((clock.now().weekday() + 3) % 7)
        assert claim(cast.verifier) is not None

    def test_where_the_person_is_decide(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        for position in range(1, 37):
            lead = leads.get_lead(inspection_at(sample, position).lead_id)
            regions = leads.fields_of(leads.get_batch(lead.batch_id, viewer=None).schema_id)
            region = regions.by_name["region"].choice_by_value[lead.region]
            assert task_at(sample, position).time_zone == region.time_zone


class TestLease:
    def test_lasts_fifteen_minutes_and_is_extended(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        later(minutes=14)
        tasks.extend(task_id=task.id, lease_number=1, actor=cast.verifier.actor)
        later(minutes=14)
        report(cast.verifier, task, Outcome.CONFIRMED)
        assert task.status is TaskStatus.SUBMITTED

    def test_that_ran_out_refuses_the_result(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        later(minutes=15)
        with pytest.raises(Conflict) as caught:
            report(cast.verifier, task, Outcome.CONFIRMED)
        assert caught.value.code == "lease_over"
        assert db.session.scalars(select(Verdict)).all() == []

    def test_with_an_old_number_is_refused(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        old = task.lease_number
        release(cast.verifier, task)
        assert claimed(cast.verifier) is task
        with pytest.raises(Conflict):
            tasks.extend(task_id=task.id, lease_number=old, actor=cast.verifier.actor)

    def test_of_somebody_else_is_not_found(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        with pytest.raises(NotFound):
            report(cast.second_verifier, task, Outcome.CONFIRMED)

    def test_expires_and_keeps_what_was_typed(self, cast: Cast, sweep) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        tasks.save_draft(
            task_id=task.id, lease_number=1, draft={"note": "half a"}, actor=cast.verifier.actor
        )
        later(minutes=16)
        db.session.commit()
        sweep("verification.leases")
        db.session.refresh(task)
        assert (task.status, task.lease_until) == (TaskStatus.QUEUED, None)
        assert task.draft == {"note": "half a", "by": str(cast.verifier.user.id)}
        assert take_again(cast.verifier, task).draft["note"] == "half a"

    def test_is_freed_only_once(self, cast: Cast) -> None:
        make_sample(cast.seller)
        claimed(cast.verifier)
        later(minutes=16)
        assert [tasks.expire_leases(), tasks.expire_leases()] == [1, 0]

    def test_of_an_expired_call_passes_to_another(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        later(minutes=16)
        tasks.expire_leases()
        assert claimed(cast.second_verifier) is task
        with pytest.raises(NotFound):
            report(cast.verifier, task, Outcome.CONFIRMED)

    def test_cannot_be_had_twice_by_one_verifier(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        claimed(cast.verifier)
        other = task_at(sample, 9)
        with pytest.raises(IntegrityError, match="claimed_by_id"), db.session.begin_nested():
            db.session.execute(
                text(
                    "UPDATE verification_task SET status = 'claimed', claimed_by_id = :me,"
                    " claimed_at = now(), lease_until = now() WHERE id = :id"
                ),
                {"me": cast.verifier.user.id, "id": other.id},
            )


def take_again(player: Player, task: VerificationTask) -> VerificationTask:
    return tasks.claim(
        task_id=task.id,
        verifier_id=player.user.id,
        organization_id=player.organization.id,
        actor=player.actor,
    )


class TestRelease:
    def test_gives_the_call_to_the_next_one(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        release(cast.verifier, task)
        assert claimed(cast.second_verifier) is task

    def test_with_a_reason_lets_others_go_first(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        release(cast.verifier, task, "language")
        assert inspection_of(claimed(cast.verifier)).position == 2
        events = select(Event.facts).where(Event.type == "task.queued")
        assert [facts["reason"] for facts in db.session.scalars(events)] == ["language"]

    def test_of_a_call_that_is_not_held_is_not_found(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        with pytest.raises(NotFound):
            release(cast.verifier, task_at(sample, 1))

    def test_of_nothing_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            tasks.release(task_id=uuid4(), lease_number=1, actor=cast.verifier.actor)


class TestOpening:
    def test_shows_the_person_and_writes_it_down(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        task = claimed(cast.verifier)
        call = calls.open_call(task_id=task.id, actor=cast.verifier.actor)
        assert call.contact["phone"].startswith("+1614")
        assert call.contact["name"] in call.lines[0].text
        opened = db.session.scalars(select(Event).where(Event.type == "contact.opened")).all()
        assert [event.subject_id for event in opened] == [inspection_at(sample, 1).lead_id]
        assert opened[0].facts == {"purpose": "check"}

    def test_is_over_with_the_lease(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        report(cast.verifier, task, Outcome.CONFIRMED)
        with pytest.raises(Conflict):
            calls.open_call(task_id=task.id, actor=cast.verifier.actor)

    def test_is_for_who_holds_the_call(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        with pytest.raises(NotFound):
            calls.open_call(task_id=task.id, actor=cast.second_verifier.actor)

    def test_tells_nothing_of_the_seller(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        call = calls.open_call(task_id=claimed(cast.verifier).id, actor=cast.verifier.actor)
        spoken = " ".join(line.text for line in call.lines)
        assert cast.seller.organization.trade_name not in spoken
        assert leads.get_batch(sample.batch_id, viewer=None).name not in spoken
        assert "…" not in call.lines[0].text

    def test_speaks_the_languages_of_the_script(self, cast: Cast) -> None:
        vertical = make_vertical("car_insurance_ru")
        make_sample(cast.seller, vertical=vertical)
        task = claimed(cast.verifier)
        own = calls.open_call(task_id=task.id, actor=cast.verifier.actor)
        english = calls.open_call(task_id=task.id, language="en", actor=cast.verifier.actor)
        assert (own.script.language, english.script.language) == ("ru", "en")
        assert own.said
        assert own.said != english.said
        assert queries.progress(inspection_of(task).ref_id) is None
