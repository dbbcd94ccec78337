"""The next call for a verifier: a walk down an index of the queue, never through all of it.

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
    String,
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
# person suppressed; it is asked again here, of the one row that is taken. Conditions say what must
# not be: the planner takes each to be rare then, and walks the index instead of sorting the queue.
MAY_TAKE: Final = f"""
       task.status = 'queued'
   AND task.not_before <= :now
   AND task.seller_id <> :organization_id
   AND task.seller_id <> ALL (
         SELECT organization_id FROM membership WHERE user_id = :verifier_id)
   AND (task.promised_to_id IS NULL OR task.promised_to_id = :verifier_id
        OR task.not_before <= CAST(:now AS timestamptz)
                              - INTERVAL '{PROMISE_KEPT.total_seconds():.0f} seconds')
   AND (task.only_for_id IS NULL OR task.only_for_id = :verifier_id)
   AND (SELECT true FROM verdict
         WHERE verdict.lead_id = task.lead_id AND verdict.verifier_id = :verifier_id
           AND verdict.code NOT IN ('not_reached', 'call_back')
           AND verdict.undone_at IS NULL LIMIT 1) IS NOT TRUE
   AND (SELECT status FROM inspection WHERE inspection.id = task.inspection_id)
       NOT IN ('concluded', 'cancelled')
   AND (SELECT status FROM lead WHERE lead.id = task.lead_id) NOT IN ('suppressed', 'purged')
"""  # noqa: S608  # nosec B608  # constants of this file
IS_SKILLED: Final = """
   AND (SELECT true FROM qualification
         WHERE qualification.verifier_id = :verifier_id
           AND qualification.vertical_id = task.vertical_id
           AND qualification.language = task.language
           AND qualification.status = 'qualified') IS TRUE
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
# Who has many skills finds a call among the first of everybody's queue.
AHEAD: Final = 200
BY_TIME: Final = f"""
    SELECT task.* FROM (
      SELECT task.id FROM verification_task AS task
       WHERE task.status = 'queued' AND task.is_urgent = {{is_urgent}} AND task.not_before <= :now
       ORDER BY task.not_before, task.place LIMIT {AHEAD}) AS first
      JOIN verification_task AS task ON task.id = first.id
     WHERE {MAY_TAKE} {IS_SKILLED} {LOCKED}
"""  # noqa: S608  # nosec B608  # as above
# Who has few looks at each: the heads of the verifier's queues in the order in which they are due;
# then the first row that may be taken from the first queue that has one.
BY_SKILL: Final = f"""
    SELECT found.* FROM (
      SELECT skill.vertical_id, skill.language
        FROM qualification AS skill
       CROSS JOIN LATERAL (
         SELECT task.not_before, task.place FROM verification_task AS task
          WHERE task.status = 'queued' AND task.vertical_id = skill.vertical_id
            AND task.language = skill.language AND task.is_urgent = {{is_urgent}}
            AND task.not_before <= :now
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
     UNION ALL SELECT * FROM ({BY_TIME.format(is_urgent="true")}) AS urgent
     UNION ALL SELECT * FROM ({BY_SKILL.format(is_urgent="true")}) AS urgent_by_skill
     UNION ALL SELECT * FROM ({BY_TIME.format(is_urgent="false")}) AS usual
     UNION ALL SELECT * FROM ({BY_SKILL.format(is_urgent="false")}) AS usual_by_skill
     LIMIT 1
"""  # noqa: S608  # nosec B608  # as above


def _statement(found: str) -> TextClause:
    """The task that is found, or else the call that the verifier is on, in one round trip."""
    sql = f"""
        SELECT found.*, held.id AS held_id
          FROM (VALUES (1)) AS one
          LEFT JOIN verification_task AS held
            ON held.claimed_by_id = :verifier_id AND held.status = 'claimed'
          LEFT JOIN LATERAL ({found}) AS found ON held.id IS NULL
    """  # noqa: S608  # nosec B608  # as above
    return _typed(sql)


def _typed(sql: str) -> TextClause:
    names = ("verifier_id", "organization_id", "task_id")
    return text(sql).bindparams(
        *(bindparam(name, type_=Uuid) for name in names if f":{name}" in sql)
    )


HELD: Final = literal_column("held_id", Uuid)
NEXT_OR_HELD, THIS_OR_HELD = (
    select(VerificationTask, HELD)
    .from_statement(_statement(found))
    .execution_options(populate_existing=True)
    for found in (NEXT, THIS)
)
# For other statements about a table that they call `task`.
MAY_TAKE_SKILLED: Final = _typed(MAY_TAKE + IS_SKILLED)
# A plan that is made anew takes longer than the walk; the one kept for all verifiers is as good.
# The clock is read behind the lock: a subselect of a volatile function is never merged or left out.
_LOCK: Final = text("""
    SELECT exchange_now() AS now,
           coalesce((SELECT kind FROM instance), 'live') = 'live' AS is_live,
           EXISTS (SELECT FROM exam WHERE exam.verifier_id = :verifier_id
                                      AND exam.status = 'open') AS sits_exam,
           set_config('plan_cache_mode', 'force_generic_plan', true)
      FROM (SELECT pg_advisory_xact_lock(hashtextextended(:name, 0)) OFFSET 0) AS locked
""")
LOCK: Final = _LOCK.bindparams(bindparam("verifier_id", type_=Uuid)).columns(
    now=DateTime(timezone=True), is_live=Boolean, sits_exam=Boolean, set_config=String
)


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, for which organization, at what time."""

    verifier_id: UUID
    organization_id: UUID
    now: datetime
    is_live: bool  # legal hours close the queue
    sits_exam: bool

    @property
    def names(self) -> dict[str, UUID | datetime]:
        """The parameters that every statement here has."""
        return {
            "verifier_id": self.verifier_id,
            "organization_id": self.organization_id,
            "now": self.now,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """What is there for a verifier."""

    task: VerificationTask | None  # locked
    held_id: UUID | None  # the call that they are on; nothing else is looked for then


def one_at_a_time(*, verifier_id: UUID, organization_id: UUID) -> Claimant:
    """Make two tabs of one verifier wait for each other: they take one call, not two."""
    whose = {"name": f"claim|{verifier_id}", "verifier_id": verifier_id}
    row = db.session.execute(LOCK, whose).one()
    return Claimant(verifier_id, organization_id, row.now, row.is_live, row.sits_exam)


def find_next(whose: Claimant) -> Found:
    """The next call: promised call-backs first, then hot leads, then who waits longest."""
    return Found(*db.session.execute(NEXT_OR_HELD, whose.names).one())


def find_this(whose: Claimant, *, task_id: UUID) -> Found:
    """This very call, where the verifier may take it."""
    return Found(*db.session.execute(THIS_OR_HELD, {**whose.names, "task_id": task_id}).one())
