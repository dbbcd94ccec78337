"""Questions about the stock of known answers: what is in use, and what could become one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import false, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from exchange.catalog.scripts import Outcome
from exchange.core.db import db
from exchange.leads.models import Consent, Lead
from exchange.verification.gold_models import GoldCase, GoldOrigin
from exchange.verification.models import OutcomeClass, Verdict, VerificationTask
from exchange.verification.policy import final_class
from exchange.verification.queries.gold import TRUE_FOR, known_of_cases
from exchange.verification.queries.tasks import NOT_CALLABLE

QUALITY_CHECK: Final = "quality_check"
# How often a number is called again for it. Nobody is behind a dead one; who has denied to have
# asked is left alone.
CALLS_AGAIN: Final = {
    Outcome.NUMBER_DEAD: None,
    Outcome.WRONG_PERSON: 2,
    Outcome.CONFIRMED: 1,
    Outcome.CORRECTED: 1,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead about which two verifiers agree, so that it can become a case."""

    lead: Lead
    task: VerificationTask
    code: Outcome
    outcome: OutcomeClass


def candidates(vertical_id: UUID, *, now: datetime, limit: int = 50) -> list[Candidate]:
    """Leads with two agreeing verdicts that are no case yet; those who burden nobody come first."""
    first, second = aliased(Verdict), aliased(Verdict)
    agree = (
        first.lead_id == second.lead_id,
        first.verifier_id < second.verifier_id,
        first.code == second.code,
        first.undone_at.is_(None),
        second.undone_at.is_(None),
        first.code.in_([code.value for code in CALLS_AGAIN]),
        first.created_at > now - TRUE_FOR,
        second.created_at > now - TRUE_FOR,
    )
    known = select(GoldCase.id).where(GoldCase.lead_id == Lead.id).exists()
    agreed = Consent.purposes.contains([QUALITY_CHECK])
    statement = (
        select(Lead, VerificationTask, first.code)
        .join(first, first.lead_id == Lead.id)
        .join(second, second.lead_id == Lead.id)
        .join(VerificationTask, VerificationTask.id == second.task_id)
        .outerjoin(Consent, Consent.lead_id == Lead.id)
        .where(
            *agree,
            Lead.vertical_id == vertical_id,
            Lead.status.not_in(NOT_CALLABLE),
            ~known,
            # Who is a person behind a phone has agreed to be asked about our quality.
            or_(first.code == Outcome.NUMBER_DEAD.value, func.coalesce(agreed, false())),
        )
        .ext(distinct_on(Lead.id))
        .order_by(Lead.id, second.id)
    )
    best = {code.value: place for place, code in enumerate(CALLS_AGAIN)}
    found = [
        Candidate(lead, task, Outcome(code), final_class(Outcome(code)))
        for lead, task, code in db.session.execute(statement)
    ]
    return sorted(found, key=lambda one: best[one.code.value])[:limit]


def find_candidate(lead_id: UUID, *, vertical_id: UUID, now: datetime) -> Candidate | None:
    """The lead, if two verifiers agree about it and it is no case yet."""
    found = candidates(vertical_id, now=now, limit=1_000_000)
    return next((one for one in found if one.lead.id == lead_id), None)


@dataclass(frozen=True, slots=True)
class Stock:
    """A case with how often it was given and how often it was answered wrongly."""

    case: GoldCase
    lead: Lead
    given: int
    wrong: int


def cases(vertical_id: UUID | None = None) -> list[Stock]:
    """All cases, those in use first."""
    statement = select(GoldCase, Lead).join(Lead, Lead.id == GoldCase.lead_id)
    if vertical_id is not None:
        statement = statement.where(GoldCase.vertical_id == vertical_id)
    rows = db.session.execute(statement.order_by(GoldCase.status, GoldCase.id.desc())).all()
    known = known_of_cases()
    given_of: dict[UUID, list[bool | None]] = {}
    for one in known:
        given_of.setdefault(one.case.id, []).append(one.is_right)
    return [
        Stock(case, lead, len(given_of.get(case.id, ())), given_of.get(case.id, []).count(False))
        for case, lead in rows
    ]


def house_of_test_identities() -> UUID | None:
    """The organization that holds the test identities, once there is one."""
    return db.session.scalar(
        select(Lead.organization_id)
        .join(GoldCase, GoldCase.lead_id == Lead.id)
        .where(GoldCase.origin == GoldOrigin.SEEDED)
        .limit(1)
    )
