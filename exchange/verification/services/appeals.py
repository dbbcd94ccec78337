"""Verbs of appeals: a verifier says that a known answer is wrong, and somebody else decides.

An appeal that is upheld takes the error out of the figures and the case out of use. Deciding is
the operator's: whoever is paid for the calls does not say what they are worth.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, lock, save
from exchange.core.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from exchange.core.states import transition
from exchange.verification.gold_models import Appeal, AppealStatus, GoldCheck
from exchange.verification.queries import workers
from exchange.verification.queries.tasks import get_verdict
from exchange.verification.services import gold_cases

TEXT_LENGTH_MAX: Final = 1_000
UPHELD: Final = "An appeal showed that its answer was wrong."


def appeal(*, verdict_id: UUID, text: str, verifier_id: UUID, actor: Actor) -> Appeal:
    """Ask for a decision about one's own verdict on a known call; asking again changes nothing.

    Raises NotFound for any verdict that is not shown as a disagreement yet, so that nobody learns
    by asking which call was known; Invalid without a text.
    """
    verdict = get_verdict(verdict_id, viewer=verifier_id)
    until = workers.shown_until(clock.now())
    shown = workers.disagreements(verifier_id, until=until)
    one = next((one for one in shown if one.verdict.id == verdict.id), None)
    if one is None:
        raise NotFound
    if not 0 < len(text.strip()) <= TEXT_LENGTH_MAX:
        detail = "Say in at most 1,000 characters what you heard."
        raise Invalid(errors=(FieldProblem("/text", "required", detail),))
    check = lock(GoldCheck, one.known.check.id)
    made = workers.find_appeal(check.id)
    if made is not None:
        return made
    made = save(
        Appeal(
            check_id=check.id,
            verdict_id=verdict.id,
            verifier_id=verifier_id,
            organization_id=verdict.organization_id,
            text=text.strip(),
        )
    )
    events.record("appeal.made", subject=made, actor=actor)
    return made


def decide(*, appeal_id: UUID, is_upheld: bool, reason: str, actor: Actor) -> Appeal:
    """Decide an appeal. Raises Forbidden for one's own, Conflict for a second decision, Invalid."""
    found = lock(Appeal, appeal_id)
    if found.verifier_id == actor.id:
        raise Forbidden("Nobody decides about their own appeal.")
    if found.status is not AppealStatus.OPEN:
        raise Conflict("This appeal is decided.", code="appeal_decided")
    if not reason.strip():
        raise Invalid(errors=(FieldProblem("/reason", "required", "Say why."),))
    found.reason, found.decided_by_id = reason.strip(), actor.id
    found.decided_at = clock.now()
    to = AppealStatus.UPHELD if is_upheld else AppealStatus.REFUSED
    transition(found, to, actor=actor, reason=found.reason)
    if is_upheld:
        check = lock(GoldCheck, found.check_id)
        check.is_void = True
        gold_cases.retire(case_id=check.case_id, reason=UPHELD, actor=actor)
    db.session.flush()
    return found
