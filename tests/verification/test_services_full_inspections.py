"""Full inspections: the money first, everybody called once, the lot decided by the count."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from exchange.billing import accounts, ledger
from exchange.billing import queries as billing
from exchange.billing.models import AccountKind, Reason
from exchange.catalog.scripts import Outcome
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, unit_of_work
from exchange.core.errors import Conflict, InsufficientFunds, NotFound
from exchange.core.events import Ref
from exchange.core.money import Money
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus, Lead, LeadStatus
from exchange.leads.services import batches, suppression
from exchange.verification import queries
from exchange.verification.inspection_models import FullInspection, FullInspectionStatus
from exchange.verification.models import Inspection, InspectionPurpose, InspectionStatus
from exchange.verification.queries import inspected
from exchange.verification.services import full_inspections
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.verification.support import (
    Story,
    claimed,
    everybody,
    inspection_of,
    make_sample,
    report,
    these,
    work,
)

GOOD, DENIES, DEAD, LATER = (
    Outcome.CONFIRMED, Outcome.DENIES, Outcome.NUMBER_DEAD, Outcome.DO_NOT_CALL,
)  # fmt: skip
SIZE = 30


def rejected(cast: Cast, *, leads: int = SIZE) -> Batch:
    """A lot that its sample rejected; everybody else of the sample has been called too."""
    sample = make_sample(cast.seller, leads=leads)
    work(cast.verifier, these({1: DENIES, 2: DENIES, 3: DENIES}, others=GOOD))
    found = get(Batch, sample.batch_id)
    assert found.status is BatchStatus.REJECTED
    return found


def funded(cast: Cast, batch: Batch, *, share: float = 1) -> Money:
    """The seller's wallet holds this part of what a full inspection costs; returns the cost."""
    total = inspected.estimate(batch).total
    fund_wallet(cast.seller, int(total.amount * share), total.currency)
    return total


def start(cast: Cast, batch: Batch) -> FullInspection:
    return full_inspections.start(batch_id=batch.id, actor=cast.seller.actor)


def money(cast: Cast, kind: AccountKind, batch: Batch) -> int:
    return billing.balance(cast.seller.organization.id, kind, batch.price.currency).amount


def income(batch: Batch) -> int:
    return billing.platform_balance(AccountKind.INSPECTION_INCOME, batch.price.currency).amount


def call_all(cast: Cast, run_jobs, story: Story) -> None:
    """Call everybody who waits, with the jobs that follow."""
    work(cast.verifier, story)
    ring(run_jobs)


def ring(run_jobs) -> None:
    """End the unit of work and run what it rang for; what is read next is read anew."""
    with unit_of_work():
        db.session.flush()
    run_jobs()
    db.session.expire_all()


class TestStart:
    def test_asks_everybody_without_an_answer_and_holds_the_sum(self, cast: Cast) -> None:
        batch = rejected(cast)
        answered = db.session.query(Inspection).filter(Inspection.outcome.is_not(None)).count()
        total = funded(cast, batch)
        found = start(cast, batch)
        assert found.asked == SIZE - answered > 0
        assert found.total == total == found.price * found.asked
        assert (money(cast, AccountKind.WALLET, batch), money(cast, AccountKind.HELD, batch)) == (
            0, total.amount,
        )  # fmt: skip
        assert batch.status is BatchStatus.IN_FULL_INSPECTION

    def test_without_the_money_changes_nothing_and_says_what_is_missing(self, cast: Cast) -> None:
        batch = rejected(cast)
        total = funded(cast, batch, share=0.5)
        with pytest.raises(InsufficientFunds) as refused:
            start(cast, batch)
        assert refused.value.facts["missing"] == total.amount - total.amount // 2
        assert batch.status is BatchStatus.REJECTED
        assert inspected.running(batch.id) is None
        assert money(cast, AccountKind.HELD, batch) == 0

    def test_twice_is_one_inspection_and_one_sum(self, cast: Cast) -> None:
        batch = rejected(cast)
        total = funded(cast, batch)
        assert start(cast, batch).id == start(cast, batch).id
        assert money(cast, AccountKind.HELD, batch) == total.amount

    def test_of_another_sum_than_was_shown_is_refused(self, cast: Cast) -> None:
        batch = rejected(cast)
        total = funded(cast, batch)
        with pytest.raises(Conflict) as refused:
            full_inspections.start(
                batch_id=batch.id, agreed=total - Money(1, total.currency), actor=cast.seller.actor
            )
        assert refused.value.code == "total_changed"

    def test_is_the_sellers_own_affair(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            full_inspections.start(batch_id=rejected(cast).id, actor=cast.other_seller.actor)

    def test_waits_for_the_decision(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        with pytest.raises(Conflict) as refused:
            full_inspections.start(batch_id=sample.batch_id, actor=cast.seller.actor)
        assert refused.value.code == "not_inspectable"

    def test_asks_nobody_who_waits_for_the_samples_call_twice(self, cast: Cast) -> None:
        sample = make_sample(cast.seller, leads=120)
        work(cast.verifier, everybody(DENIES), calls=3)
        batch = get(Batch, sample.batch_id)
        funded(cast, batch)
        found = start(cast, batch)
        assert found.asked == 117
        still = db.session.scalars(
            select(Inspection.purpose).where(Inspection.status == InspectionStatus.OPEN).distinct()
        ).all()
        assert still == [InspectionPurpose.FULL_INSPECTION]

    def test_puts_few_calls_at_a_time_into_the_queue(
        self, cast: Cast, run_jobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(full_inspections, "AT_ONCE", 10)
        sample = make_sample(cast.seller, leads=120)
        work(cast.verifier, everybody(DENIES), calls=3)
        batch = get(Batch, sample.batch_id)
        funded(cast, batch)
        found = start(cast, batch)
        assert found.called_upto == 10
        work(cast.verifier, everybody(GOOD), calls=5)
        ring(run_jobs)
        assert found.called_upto == 20


class TestPayment:
    def test_takes_what_is_payable_before_the_wallet_and_gives_it_back_last(
        self, cast: Cast
    ) -> None:
        batch = rejected(cast)
        total = inspected.estimate(batch).total
        fund_wallet(cast.seller, total.amount, total.currency)
        make_payable(cast, total.amount // 3, total)
        found = start(cast, batch)
        assert money(cast, AccountKind.PAYABLE, batch) == 0
        assert found.from_wallet == total.amount - total.amount // 3
        work(cast.verifier, everybody(GOOD), calls=1)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        # One answer was paid for out of what was payable; the wallet is whole again.
        assert money(cast, AccountKind.WALLET, batch) == total.amount
        assert money(cast, AccountKind.PAYABLE, batch) == total.amount // 3 - found.price.amount
        assert income(batch) == found.price.amount

    def test_is_earned_answer_by_answer(self, cast: Cast) -> None:
        batch = rejected(cast)
        total = funded(cast, batch)
        found = start(cast, batch)
        work(cast.verifier, everybody(GOOD), calls=2)
        assert income(batch) == 2 * found.price.amount
        assert money(cast, AccountKind.HELD, batch) == total.amount - 2 * found.price.amount

    def test_of_somebody_who_was_never_called_goes_back_at_the_end(
        self, cast: Cast, run_jobs
    ) -> None:
        batch = rejected(cast)
        funded(cast, batch)
        found = start(cast, batch)
        lead_id = inspection_of(claimed(cast.second_verifier)).lead_id
        other = db.session.scalar(
            select(Inspection.lead_id).where(
                Inspection.ref_id == found.id, Inspection.lead_id != lead_id
            )
        )
        assert other is not None
        suppression.suppress_person(lead_id=other, origin="objection", actor=SYSTEM)
        finish_held(cast)
        call_all(cast, run_jobs, everybody(GOOD))
        assert found.status is FullInspectionStatus.CONCLUDED
        assert income(batch) == (found.asked - 1) * found.price.amount
        assert money(cast, AccountKind.WALLET, batch) == found.price.amount
        assert money(cast, AccountKind.HELD, batch) == 0


def finish_held(cast: Cast) -> None:
    """The second verifier answers the call that is held."""
    report(cast.second_verifier, claimed(cast.second_verifier), GOOD)


def make_payable(cast: Cast, amount: int, like: Money) -> None:
    """What the seller is owed from earlier sales."""
    owner, currency = cast.seller.organization.id, like.currency
    moves = [
        ledger.Move(
            accounts.cash(currency), accounts.payable(owner, currency), Money(amount, currency)
        )
    ]
    ledger.post(
        key="tests-payable",
        reason=Reason.CORRECTION,
        subject=Ref("organization", owner),
        moves=moves,
    )


class TestEnd:
    def test_accepts_with_the_count_as_the_bound(self, cast: Cast, run_jobs) -> None:
        batch = rejected(cast)
        funded(cast, batch)
        found = start(cast, batch)
        call_all(cast, run_jobs, these({1: DEAD}))
        assert batch.status is BatchStatus.ACCEPTED
        quality = queries.published_quality(batch.id)
        assert quality is not None
        assert (quality["n"], quality["bad"], quality["open"]) == (SIZE, 4, 0)
        assert (quality["bad_upper"], quality["method"]) == (4 / SIZE, "full inspection")
        assert quality["open_cases"] is not None
        assert quality["open_cases"]["lower"] == quality["open_cases"]["upper"] == 4 / SIZE
        assert found.status is FullInspectionStatus.CONCLUDED

    def test_leaves_only_good_leads_on_sale(self, cast: Cast, run_jobs) -> None:
        batch = rejected(cast)
        funded(cast, batch)
        start(cast, batch)
        call_all(cast, run_jobs, these({1: DEAD, 2: LATER, 3: Outcome.CANNOT_JUDGE}))
        call_again(cast, run_jobs)
        fit = db.session.scalars(
            select(Lead).where(Lead.batch_id == batch.id, Lead.status == LeadStatus.VALID)
        ).all()
        assert len(fit) == SIZE - 3 - 3
        assert all(lead.checked_at for lead in fit)

    def test_rejects_where_nothing_is_left(self, cast: Cast, run_jobs) -> None:
        sample = make_sample(cast.seller, leads=10)
        work(cast.verifier, everybody(DENIES), calls=3)
        batch = get(Batch, sample.batch_id)
        assert batch.status is BatchStatus.REJECTED
        funded(cast, batch)
        start(cast, batch)
        call_all(cast, run_jobs, everybody(DENIES))
        assert batch.status is BatchStatus.REJECTED
        with pytest.raises(Conflict) as refused:
            start(cast, batch)
        assert refused.value.code == "nothing_to_inspect"

    def test_leaves_the_public_record_of_the_sample_as_it_was(self, cast: Cast, run_jobs) -> None:
        batch = rejected(cast)
        before = queries.public_record(batch.id).header
        funded(cast, batch)
        start(cast, batch)
        call_all(cast, run_jobs, everybody(GOOD))
        assert queries.public_record(batch.id).header == before


def call_again(cast: Cast, run_jobs) -> None:
    """The second verifier hears who could not be judged."""
    work(cast.second_verifier, everybody(Outcome.CANNOT_JUDGE))
    ring(run_jobs)


class TestSetAside:
    def test_leads_of_an_accepted_lot_come_back_one_by_one(self, cast: Cast, run_jobs) -> None:
        sample = make_sample(cast.seller, leads=60)
        work(cast.verifier, everybody(GOOD))
        batch = get(Batch, sample.batch_id)
        assert batch.status is BatchStatus.ACCEPTED
        aside = set_aside(batch, 5)
        funded(cast, batch)
        found = start(cast, batch)
        assert (found.is_whole, found.asked, batch.status) == (False, 5, BatchStatus.ACCEPTED)
        call_all(cast, run_jobs, these({1: DEAD}))
        states = {leads.get_lead(lead_id).status for lead_id in aside}
        assert states == {LeadStatus.VALID, LeadStatus.QUARANTINED}
        assert (found.good, found.bad) == (4, 1)
        quality = queries.published_quality(batch.id)
        assert quality is not None
        assert quality["method"] == "stage-wise"

    def test_calls_nobody_who_objected_while_set_aside(self, cast: Cast, run_jobs) -> None:
        sample = make_sample(cast.seller)
        work(cast.verifier, everybody(GOOD))
        batch = get(Batch, sample.batch_id)
        aside = set_aside(batch, 5)
        suppression.suppress_person(lead_id=aside[0], origin="objection", actor=SYSTEM)
        funded(cast, batch)
        found = start(cast, batch)
        assert found.asked == 4
        suppression.suppress_person(lead_id=aside[1], origin="objection", actor=SYSTEM)
        call_all(cast, run_jobs, everybody(GOOD))
        assert found.status is FullInspectionStatus.CONCLUDED
        states = {leads.get_lead(lead_id).status for lead_id in aside[:2]}
        assert states == {LeadStatus.SUPPRESSED}


def set_aside(batch: Batch, count: int) -> list[UUID]:
    """So many unchecked leads of a lot, quarantined with their source."""
    chosen = db.session.scalars(
        select(Lead.id)
        .where(Lead.batch_id == batch.id, Lead.checked_at.is_(None))
        .order_by(Lead.id)
        .limit(count)
    ).all()
    batches.set_aside_leads(lead_ids=chosen, reason="sub_source_bad", actor=SYSTEM)
    return list(chosen)


class TestWithdrawal:
    def test_gives_back_what_nobody_answered(self, cast: Cast) -> None:
        batch = rejected(cast)
        total = funded(cast, batch)
        found = start(cast, batch)
        work(cast.verifier, everybody(GOOD), calls=2)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        assert found.status is FullInspectionStatus.STOPPED
        assert money(cast, AccountKind.HELD, batch) == 0
        assert money(cast, AccountKind.WALLET, batch) == total.amount - 2 * found.price.amount

    def test_lets_a_call_that_is_under_way_end_and_pays_for_it(self, cast: Cast) -> None:
        batch = rejected(cast)
        total = funded(cast, batch)
        found = start(cast, batch)
        held = claimed(cast.second_verifier)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        assert money(cast, AccountKind.HELD, batch) == found.price.amount
        report(cast.second_verifier, held, Outcome.CONFIRMED)
        assert money(cast, AccountKind.HELD, batch) == 0
        assert money(cast, AccountKind.WALLET, batch) == total.amount - found.price.amount

    @pytest.mark.parametrize("code", [Outcome.NOT_REACHED, Outcome.NUMBER_DEAD])
    def test_gives_back_a_call_under_way_that_settled_nothing(
        self, cast: Cast, sweep, code: Outcome
    ) -> None:
        batch = rejected(cast)
        funded(cast, batch)
        found = start(cast, batch)
        held = claimed(cast.second_verifier)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        report(cast.second_verifier, held, code)
        db.session.commit()
        sweep("verification.leases")
        db.session.expire_all()
        question = inspection_of(held)
        assert question.status is InspectionStatus.CANCELLED
        assert (money(cast, AccountKind.HELD, batch), found.from_wallet) == (0, 0)
