"""The next call for a verifier: a walk down the index of each queue, never through all of them.

The statements are text because each part of them is there for the plan it makes: conditions on
other tables are subselects, so that they are asked of the few rows at the head of a queue, and
constants stand in the text, so that a prepared plan may use the partial index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import (
    Boolean,
    DateTime,
    Row,
    TextClause,
    Uuid,
    bindparam,
    literal_column,
    select,
    text,
)

from exchange.core.db import db
from exchange.verification.models import VerificationTask

# Somebody who promised to call back has so long to begin; after that anybody may.
PROMISE_KEPT: Final = timedelta(minutes=30)

# May this verifier take the call now? The queue drops a call when its question is answered or its
# person suppressed; it is asked again here, of the one row that is taken.
MAY_TAKE: Final = f"""
       task.status = 'queued'
   AND task.not_before <= (SELECT exchange_now())
   AND task.seller_id <> :organization_id
   AND task.seller_id <> ALL (
         SELECT organization_id FROM membership WHERE user_id = :verifier_id)
   AND (task.promised_to_id IS NULL OR task.promised_to_id = :verifier_id
        OR task.not_before <= (SELECT exchange_now())
                              - INTERVAL '{PROMISE_KEPT.total_seconds():.0f} seconds')
   AND (SELECT true FROM verdict
         WHERE verdict.lead_id = task.lead_id AND verdict.verifier_id = :verifier_id
           AND verdict.outcome IS NOT NULL AND verdict.undone_at IS NULL LIMIT 1) IS NULL
   AND (SELECT status FROM inspection WHERE inspection.id = task.inspection_id) = 'open'
   AND (SELECT status FROM lead WHERE lead.id = task.lead_id) NOT IN ('suppressed', 'purged')
"""  # noqa: S608  # nosec B608  # constants of this file
IS_SKILLED: Final = """
   AND EXISTS (SELECT FROM qualification
                WHERE qualification.verifier_id = :verifier_id
                  AND qualification.vertical_id = task.vertical_id
                  AND qualification.language = task.language
                  AND qualification.status = 'qualified')
"""
LOCKED: Final = "LIMIT 1 FOR UPDATE OF task SKIP LOCKED"
PROMISED: Final = f"""
    SELECT task.* FROM verification_task AS task
     WHERE task.promised_to_id = :verifier_id AND {MAY_TAKE} {IS_SKILLED}
     ORDER BY task.not_before, task.place {LOCKED}
"""  # noqa: S608  # nosec B608  # as above
THIS: Final = f"""
    SELECT task.* FROM verification_task AS task
     WHERE task.id = :task_id AND {MAY_TAKE} {IS_SKILLED} {LOCKED}
"""  # noqa: S608  # nosec B608  # as above
# The heads of the verifier's queues in the order in which they are due; then the first row that
# may be taken from the first queue that has one. Its lock is the only one.
BY_SKILL: Final = f"""
    SELECT found.* FROM (
      SELECT skill.vertical_id, skill.language
        FROM qualification AS skill
       CROSS JOIN LATERAL (
         SELECT task.not_before, task.place FROM verification_task AS task
          WHERE task.status = 'queued' AND task.vertical_id = skill.vertical_id
            AND task.language = skill.language AND task.is_urgent = {{is_urgent}}
            AND task.not_before <= (SELECT exchange_now())
          ORDER BY task.not_before, task.place LIMIT 1) AS head
       WHERE skill.verifier_id = :verifier_id AND skill.status = 'qualified'
       ORDER BY head.not_before, head.place) AS queue
     CROSS JOIN LATERAL (
       SELECT task.* FROM verification_task AS task
        WHERE task.vertical_id = queue.vertical_id AND task.language = queue.language
          AND task.is_urgent = {{is_urgent}} AND {MAY_TAKE}
        ORDER BY task.not_before, task.place {LOCKED}) AS found
     LIMIT 1
"""  # noqa: S608  # nosec B608  # as above
# A branch is asked only when those above it have nothing.
NEXT: Final = f"""
    SELECT * FROM ({PROMISED}) AS promised
     UNION ALL SELECT * FROM ({BY_SKILL.format(is_urgent="true")}) AS urgent
     UNION ALL SELECT * FROM ({BY_SKILL.format(is_urgent="false")}) AS usual
     LIMIT 1
"""  # noqa: S608  # nosec B608  # as above


def _statement(found: str) -> TextClause:
    """The task that is found, and in the same round trip all else that a claim has to know."""
    sql = f"""
        SELECT found.*, exchange_now() AS asked_at, held.id AS held_id,
               coalesce((SELECT kind FROM instance), 'live') = 'live' AS is_live
          FROM (VALUES (1)) AS one
          LEFT JOIN verification_task AS held
            ON held.claimed_by_id = :verifier_id AND held.status = 'claimed'
          LEFT JOIN LATERAL ({found}) AS found ON held.id IS NULL
    """  # noqa: S608  # nosec B608  # as above
    names = ("verifier_id", "organization_id", "task_id")
    return text(sql).bindparams(
        *(bindparam(name, type_=Uuid) for name in names if f":{name}" in sql)
    )


EXTRA: Final = (
    literal_column("asked_at", DateTime(timezone=True)),
    literal_column("held_id", Uuid),
    literal_column("is_live", Boolean),
)
FIND: Final = {
    kind: select(VerificationTask, *EXTRA)
    .from_statement(_statement(found))
    .execution_options(populate_existing=True)
    for kind, found in (("next", NEXT), ("this", THIS))
}
# For other statements about a table that they call `task`.
MAY_TAKE_SKILLED: Final = text(MAY_TAKE + IS_SKILLED).bindparams(
    bindparam("verifier_id", type_=Uuid), bindparam("organization_id", type_=Uuid)
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is there for a verifier, by the clock behind the lock of their claim."""

    task: VerificationTask | None  # locked
    held_id: UUID | None  # the call that they are on; nothing else is looked for then
    at: datetime
    is_live: bool  # legal hours close the queue


def find_next(*, verifier_id: UUID, organization_id: UUID) -> Found:
    """The next call: promised call-backs first, then hot leads, then who waits longest."""
    names = {"verifier_id": verifier_id, "organization_id": organization_id}
    return _found(db.session.execute(FIND["next"], names).one())


def find_this(*, task_id: UUID, verifier_id: UUID, organization_id: UUID) -> Found:
    """This very call, where the verifier may take it."""
    names = {"verifier_id": verifier_id, "organization_id": organization_id, "task_id": task_id}
    return _found(db.session.execute(FIND["this"], names).one())


def _found(row: Row[VerificationTask | None, datetime, UUID | None, bool]) -> Found:
    return Found(row[0], row[2], row[1], row[3])
