"""Verbs of pay: each call of a qualified verifier earns at once, an undone one gives it back."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from exchange.billing.services import verification_pay
from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import get, save
from exchange.core.events import Ref
from exchange.core.money import Money
from exchange.verification.models import Verdict, VerificationTask
from exchange.verification.pay_models import Earning, EarningKind
from exchange.verification.policy import BPS, RETRIED
from exchange.verification.queries.pay import find_earning
from exchange.verification.queries.workers import find_qualification
from exchange.verification.worker_models import QualificationStatus

TRAINING_BPS: Final = 5_000  # of the usual rate (decision 11)


def earn(verdict: Verdict, task: VerificationTask) -> None:
    """Pay for a call: an attempt, or a result. Who still learns is paid when the test is passed.

    Call it last: it locks what the organization has earned.
    """
    skill = find_qualification(
        verdict.verifier_id, vertical_id=task.vertical_id, language=task.language
    )
    if skill is None or skill.status is QualificationStatus.LEARNING:
        return
    is_attempt = verdict.code in RETRIED
    kind = EarningKind.ATTEMPT if is_attempt else EarningKind.RESULT
    _book(
        Earning(
            organization_id=verdict.organization_id,
            verifier_id=verdict.verifier_id,
            vertical_id=task.vertical_id,
            ref_kind=Verdict.KIND,
            ref_id=verdict.id,
            kind=kind,
            pay=_rate(task.vertical_id, kind=kind),
        )
    )


def earn_training(
    *, ref: Ref, organization_id: UUID, verifier_id: UUID, vertical_id: UUID, calls: int
) -> Earning:
    """Pay the calls of a passed test at half the rate of a result, once for this ref."""
    known = find_earning(ref)
    if known is not None:
        return known
    whole = _rate(vertical_id, kind=EarningKind.TRAINING)
    return _book(
        Earning(
            organization_id=organization_id,
            verifier_id=verifier_id,
            vertical_id=vertical_id,
            ref_kind=ref.kind,
            ref_id=ref.id,
            kind=EarningKind.TRAINING,
            calls=calls,
            pay=Money(whole.amount * calls * TRAINING_BPS // BPS, whole.currency),
        )
    )


def take_back(verdict: Verdict) -> None:
    """Take back what an undone verdict earned. Call it last."""
    earning = find_earning(Ref.to(verdict))
    if earning is None or earning.taken_back_at is not None:
        return
    earning.taken_back_at = clock.now()
    verification_pay.take_back(
        ref=Ref.to(earning),
        organization_id=earning.organization_id,
        amount=earning.pay,
        occurred_at=earning.created_at,  # in the week in which it was earned
    )


def _book(earning: Earning) -> Earning:
    save(earning)
    verification_pay.pay(
        ref=Ref.to(earning),
        organization_id=earning.organization_id,
        amount=earning.pay,
        occurred_at=earning.created_at,
    )
    return earning


def _rate(vertical_id: UUID, *, kind: EarningKind) -> Money:
    vertical = get(Vertical, vertical_id)
    checks = catalog.get_terms(vertical).checks
    is_attempt = kind is EarningKind.ATTEMPT
    amount = checks.pay_per_attempt if is_attempt else checks.pay_per_verdict
    return Money(amount, vertical.currency)
