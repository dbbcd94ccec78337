"""Verbs of qualifications: who may call for a vertical in a language."""

from __future__ import annotations

from uuid import UUID

from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import save
from exchange.core.states import transition
from exchange.verification.queries.workers import find_qualification
from exchange.verification.worker_models import Qualification, QualificationStatus


def begin(*, verifier_id: UUID, vertical_id: UUID, language: str, actor: Actor) -> Qualification:
    """Let somebody learn a vertical in a language; who began already goes on where they were."""
    del actor  # the doors decide who may; nothing happens to anybody yet
    found = find_qualification(verifier_id, vertical_id=vertical_id, language=language)
    return found or save(
        Qualification(verifier_id=verifier_id, vertical_id=vertical_id, language=language)
    )


def grant(
    *, verifier_id: UUID, vertical_id: UUID, language: str, note: str = "", actor: Actor
) -> Qualification:
    """Qualify somebody: they passed the test, or whoever runs the floor vouches for them."""
    found = begin(verifier_id=verifier_id, vertical_id=vertical_id, language=language, actor=actor)
    if found.status is not QualificationStatus.QUALIFIED:
        found.qualified_at = clock.now()
        found.reason = ""
        transition(found, QualificationStatus.QUALIFIED, actor=actor, reason=note)
    return found
