"""Questions about the people who call."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from exchange.core.db import db
from exchange.verification.worker_models import Qualification, QualificationStatus


def find_qualification(
    verifier_id: UUID, *, vertical_id: UUID, language: str
) -> Qualification | None:
    """What a verifier may do for a vertical in a language; None where they never began."""
    return db.session.scalar(
        select(Qualification).where(
            Qualification.verifier_id == verifier_id,
            Qualification.vertical_id == vertical_id,
            Qualification.language == language,
        )
    )


def skills_of(verifier_id: UUID) -> Sequence[tuple[UUID, str]]:
    """The verticals and languages that a verifier is given calls of."""
    rows = db.session.execute(
        select(Qualification.vertical_id, Qualification.language)
        .where(
            Qualification.verifier_id == verifier_id,
            Qualification.status == QualificationStatus.QUALIFIED,
        )
        .order_by(Qualification.id)
    )
    return [(row.vertical_id, row.language) for row in rows]
