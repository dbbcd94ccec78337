"""People of a lot that came to nothing come again: each row is recognised, none is drawn anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from exchange.catalog.scripts import Outcome
from exchange.core.db import db, get
from exchange.leads import queries
from exchange.leads.models import (
    Batch,
    BatchStatus,
    Fingerprint,
    Lead,
    LeadStatus,
    ProblemRow,
)
from exchange.leads.post_models import PostOutcome
from exchange.leads.services import batches, forecasts, imports, intake, lots
from exchange.verification import queries as verification
from exchange.verification.services import draws
from tests.cast import Cast, Player
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.posts import make_body, make_terms, post
from tests.leads.test_intake import as_file, confirm, rows_for, start
from tests.verification.support import make_sealed, these, work

GOOD, DENIES = Outcome.CONFIRMED, Outcome.DENIES
REJECTED = these({1: DENIES, 2: DENIES, 3: DENIES})  # at once


@dataclass
class Told:
    """A lot that was judged, and what was found of whom."""

    batch: Batch
    people: list[dict[str, str]]

    def with_(self, *, failed: bool = False, checked: bool = False) -> list[dict[str, str]]:
        return [
            self.people[lead.row_number - 1]
            for lead in leads_of(self.batch)
            if bool(lead.failed_at) == failed and bool(lead.checked_at) == checked
        ]


def judged(cast: Cast, *, leads: int = 40, story: Any = REJECTED) -> Told:
    people = [make_person() for _ in range(leads)]
    batch = make_sealed(cast.seller, people=people)
    draws.give_nonce(batch_id=batch.id, nonce="n", by="seller", actor=cast.seller.actor)
    work(cast.verifier, story)
    return Told(batch, people)


def again(seller: Player, people: list[dict[str, str]], **terms: Any) -> Batch:
    """The same people, with somebody new so that there is a lot."""
    return make_batch(seller, people=[*people, make_person()], status=BatchStatus.SEALED, **terms)


def problems(batch: Batch) -> list[ProblemRow]:
    return list(db.session.scalars(select(ProblemRow).where(ProblemRow.batch_id == batch.id)))


class TestRejected:
    def test_who_was_found_bad_is_refused_with_since_when(self, cast: Cast) -> None:
        told = judged(cast)
        bad = told.with_(failed=True)
        assert len(bad) >= 3
        batch = again(cast.seller, bad)
        assert (batch.invalid, batch.duplicate, batch.valid) == (len(bad), 0, 1)
        failed = [lead.failed_at for lead in leads_of(told.batch) if lead.failed_at]
        found = problems(batch)
        assert {code for row in found for code in row.codes} == {"failed_check_before"}
        assert {row.since for row in found} == set(failed)
        assert again(cast.seller, bad).invalid == len(bad)  # and the next time

    def test_who_was_never_judged_waits_for_a_full_inspection(self, cast: Cast) -> None:
        told = judged(cast)
        unknown = told.with_()
        batch = again(cast.seller, unknown)
        assert (batch.in_review, batch.valid, batch.population) == (len(unknown), 1, 1)
        waiting = [lead for lead in leads_of(batch) if lead.repeats_id]
        assert {lead.status for lead in waiting} == {LeadStatus.IN_REVIEW}
        assert len(list(queries.leaves(batch.id))) == 1  # nobody of them can be drawn
        earlier = {lead.id: lead for lead in leads_of(told.batch)}
        assert {earlier[lead.repeats_id].status for lead in waiting if lead.repeats_id} == {
            LeadStatus.WITHDRAWN
        }

    def test_who_was_found_good_is_good_and_nobody_is_called(self, cast: Cast) -> None:
        told = judged(cast, leads=200, story=these({20: DENIES, 21: DENIES, 22: DENIES}))
        assert told.batch.status is BatchStatus.REJECTED
        good = told.with_(checked=True)
        assert len(good) >= 19
        batch = make_sealed(cast.seller, people=told.people)
        assert (batch.valid, batch.in_review) == (len(good), len(told.with_()))
        draws.give_nonce(batch_id=batch.id, nonce="n", by="seller", actor=cast.seller.actor)
        assert work(cast.verifier, REJECTED) == 0
        assert get(Batch, batch.id).status is BatchStatus.ACCEPTED
        before = {lead.checked_at for lead in leads_of(told.batch) if lead.checked_at}
        now = [lead for lead in leads_of(batch) if lead.status is LeadStatus.VALID]
        assert {lead.checked_at for lead in now} == before

    @pytest.mark.parametrize("change", [{"postal_code": "10001"}, {"email": "other@example.com"}])
    def test_what_was_found_good_holds_for_the_same_request_only(
        self, cast: Cast, change: dict[str, str]
    ) -> None:
        told = judged(cast, leads=200, story=these({20: DENIES, 21: DENIES, 22: DENIES}))
        good, unknown = told.with_(checked=True), told.with_()
        people = [{**one, **change} if one == good[0] else one for one in told.people]
        batch = make_sealed(cast.seller, people=people)
        assert (batch.in_review, batch.valid) == (len(unknown) + 1, len(good) - 1)

    def test_another_source_or_half_of_the_file_change_nothing(self, cast: Cast) -> None:
        told = judged(cast)
        unknown = told.with_()
        first = again(cast.seller, unknown[:10], source="another page")
        second = again(cast.seller, [{**one, "sub_id": "new"} for one in unknown[10:]])
        assert first.in_review + second.in_review == len(unknown)
        # And those again, whom the first file brought: that lot is under way.
        third = again(cast.seller, unknown[:10])
        assert (third.duplicate, third.in_review) == (10, 0)

    def test_another_sellers_row_is_a_duplicate_as_ever(self, cast: Cast) -> None:
        told = judged(cast)
        batch = again(cast.other_seller, told.people)
        assert (batch.duplicate, batch.in_review, batch.invalid) == (40, 0, 0)

    def test_a_lead_that_was_sold_is_nobodys_comeback(self, cast: Cast) -> None:
        told = judged(cast)
        sold = next(lead for lead in leads_of(told.batch) if lead.status is LeadStatus.VALID)
        sold.sold = 1
        db.session.flush()
        batch = again(cast.seller, [told.people[sold.row_number - 1]])
        assert (batch.duplicate, batch.in_review) == (1, 0)
        sold.sold = 0


class TestOtherEnds:
    def test_accepted_lot_has_live_leads(self, cast: Cast) -> None:
        told = judged(cast, leads=120, story=these({}))
        assert again(cast.seller, told.people).duplicate == 120

    def test_lot_taken_back_after_its_decision_is_remembered(self, cast: Cast) -> None:
        told = judged(cast, leads=120, story=these({}))
        unknown, good = told.with_(), told.with_(checked=True)
        batches.withdraw_batch(batch_id=told.batch.id, actor=cast.seller.actor)
        batch = again(cast.seller, told.people)
        assert (batch.in_review, batch.valid) == (len(unknown), len(good) + 1)

    def test_undecided_lot_is_remembered(self, cast: Cast) -> None:
        told = judged(cast, leads=120, story=lambda _: Outcome.DO_NOT_CALL)
        assert told.batch.status is BatchStatus.UNDECIDED
        batch = again(cast.seller, told.people)
        assert (batch.in_review + batch.suppressed, batch.valid) == (120, 1)
        assert batch.in_review > 0


@pytest.fixture
def vertical(app: Flask) -> Any:
    return make_vertical("home_improvement_us")


def upload(seller: Player, content: bytes) -> Batch:
    batch = confirm(seller, start(seller, content, again=True))
    intake.take_in(batch.id)
    return db.session.get_one(Batch, batch.id, populate_existing=True)


def reject(cast: Cast, batch: Batch) -> None:
    draws.give_nonce(batch_id=batch.id, nonce="n", by="seller", actor=cast.seller.actor)
    work(cast.verifier, REJECTED)
    assert get(Batch, batch.id).status is BatchStatus.REJECTED


class TestFile:
    def test_lot_of_comebacks_alone_is_rejected_unless_inspected_whole(
        self, vertical: Any, cast: Cast
    ) -> None:
        rows = rows_for(vertical, 150)
        first = upload(cast.seller, as_file(vertical, rows))
        reject(cast, first)
        left = [
            rows[lead.row_number - 1]
            for lead in leads_of(first)
            if not lead.failed_at and not lead.checked_at
        ]
        batch = upload(cast.seller, as_file(vertical, left))
        assert (batch.status, batch.in_review) == (BatchStatus.REJECTED, len(left))
        assert batch.merkle_root is None
        assert not verification.is_public(batch)
        assert batch.decided_at is not None
        # Once more: it is the same people still.
        third = upload(cast.seller, as_file(vertical, left))
        assert (third.status, third.in_review) == (BatchStatus.REJECTED, len(left))
        assert {lead.status for lead in leads_of(batch)} == {LeadStatus.WITHDRAWN}

    def test_lot_taken_back_before_its_seal_frees_its_people(
        self, vertical: Any, cast: Cast
    ) -> None:
        content = as_file(vertical, rows_for(vertical, 20))
        batch = confirm(cast.seller, start(cast.seller, content))
        held = db.session.scalars(select(Fingerprint)).all()
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        assert held == db.session.scalars(select(Fingerprint)).all() == []
        assert upload(cast.seller, content).valid == 20

    def test_dry_run_says_what_will_be(self, vertical: Any, cast: Cast) -> None:
        rows = rows_for(vertical, 150)
        first = upload(cast.seller, as_file(vertical, rows))
        reject(cast, first)
        draft = start(cast.seller, as_file(vertical, rows), again=True)
        imports.map_columns(import_id=draft.id, chosen={}, actor=cast.seller.actor)
        forecast = forecasts.forecast(draft)
        told = leads_of(first)
        bad, good = [x for x in told if x.failed_at], [x for x in told if x.checked_at]
        assert (forecast["invalid"], forecast["valid"], forecast["in_review"]) == (
            len(bad), len(good), 150 - len(bad) - len(good),
        )  # fmt: skip


class TestPosts:
    def test_single_leads_are_recognised_like_rows(self, cast: Cast) -> None:
        told = judged(cast, leads=200, story=these({20: DENIES, 21: DENIES, 22: DENIES}))
        terms = make_terms(cast.seller)
        bad, unknown = told.with_(failed=True)[0], told.with_()[0]
        refused = post(cast.seller, terms, make_body(bad)).post
        assert (refused.outcome, refused.reason) == (PostOutcome.REJECTED, "failed_check_before")
        assert refused.since is not None
        kept = post(cast.seller, terms, make_body(unknown)).post
        assert (kept.outcome, kept.reason) == (PostOutcome.QUEUED_FOR_CHECK, "resubmitted")
        lead = get(Lead, kept.lead_id)
        assert (lead.status, lead.repeats_id is None) == (LeadStatus.IN_REVIEW, False)
        assert post(cast.seller, terms, make_body(unknown)).post.outcome is PostOutcome.DUPLICATE

    def test_rolling_lot_of_comebacks_is_rejected_and_stops_no_source(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lots, "LEADS_MAX", 3)
        told, terms = judged(cast), make_terms(cast.seller)
        for person in told.with_()[:3]:
            lead = get(Lead, post(cast.seller, terms, make_body(person)).post.lead_id)
        lot = get(Batch, lead.batch_id)
        assert (lot.status, lot.in_review, lot.merkle_root) == (BatchStatus.REJECTED, 3, None)
        assert not verification.is_public(lot)
        assert post(cast.seller, terms).post.outcome is PostOutcome.QUEUED_FOR_CHECK
