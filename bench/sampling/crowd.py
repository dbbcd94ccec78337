"""A hundred thousand calls that wait, of two hundred skills, and twenty people who may make some.

A skill is a vertical in a language. Each verifier has a number of skills between ten and all; the
calls are spread evenly over skills and sellers, one in ten is urgent, and all of them are due.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import psycopg
from sqlalchemy import select

from bench.sampling.stage import Stage, copy, numbered, owned
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db
from exchange.identity.models import Membership
from exchange.verification.models import Inspection, VerificationTask
from exchange.verification.services import qualifications
from exchange.verification.worker_models import Qualification
from tests.verification.support import make_sample

TASKS, VERTICALS, LANGUAGES, SELLERS, VERIFIERS = 100_000, 50, ("en", "es", "ru", "ms"), 40, 20
SKILLS = VERTICALS * len(LANGUAGES)
SKILLS_MIN = 10
LOT = 1_000  # leads of one seller under one sample
# What the copied rows are, in their ids.
VERTICAL, SELLER, VERIFIER, LEAD, INSPECTION, TASK, SAMPLE, MEMBER, QUALIFIED = range(1, 10)


@dataclass(frozen=True, slots=True)
class Claimer:
    """A verifier as the door knows them."""

    id: UUID
    organization_id: UUID
    actor: Actor


def make_queue(ours: Stage) -> list[Claimer]:
    """Fill the queue by copying one call that the product asked for; gives who may claim."""
    sample = make_sample(ours.cast.seller)
    task = db.session.scalars(select(VerificationTask)).first()
    assert task is not None
    member = db.session.scalars(
        select(Membership).where(Membership.user_id == ours.cast.verifier.user.id)
    ).one()
    qualified = qualifications.grant(
        verifier_id=member.user_id, vertical_id=task.vertical_id, language="en", actor=SYSTEM
    )
    inspection = db.session.get_one(Inspection, task.inspection_id)
    db.session.commit()
    with owned(ours.owner) as connection:
        _copy_people(connection, member, seller_id=sample.organization_id)
        _copy_skills(connection, qualified)
        _copy_calls(connection, task, inspection)
        connection.execute(
            "DELETE FROM verification_task WHERE vertical_id = %s", [task.vertical_id]
        )
        connection.execute(
            "DELETE FROM qualification WHERE vertical_id = %s", [qualified.vertical_id]
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
    db.session.rollback()
    permissions = ours.cast.verifier.actor.permissions
    house = member.organization_id
    people = [_id(VERIFIER, number) for number in range(1, VERIFIERS + 1)]
    return [Claimer(one, house, Actor("user", one, house, permissions)) for one in people]


def _copy_people(connection: psycopg.Connection, member: Membership, *, seller_id: UUID) -> None:
    sellers = {"id": numbered(SELLER), "trade_name": "'Seller ' || n"}
    copy(connection, "organization", of=seller_id, times=SELLERS, changed=sellers)
    users = {"id": numbered(VERIFIER), "email": "'verifier' || n || '@bench.example'"}
    copy(connection, "user", of=member.user_id, times=VERIFIERS, changed=users)
    members = {"id": numbered(MEMBER), "user_id": numbered(VERIFIER)}
    copy(connection, "membership", of=member.id, times=VERIFIERS, changed=members)


def _copy_skills(connection: psycopg.Connection, qualified: Qualification) -> None:
    """Verifier k of 20 has 10, 20, ... 200 skills, each from a place of their own on."""
    verticals = {"id": numbered(VERTICAL), "code": "'vertical_' || n"}
    vertical_id = qualified.vertical_id
    copy(connection, "vertical", of=vertical_id, times=VERTICALS, changed=verticals)
    for number in range(1, VERIFIERS + 1):
        skill = f"((n + {number * 37}) % {SKILLS})"
        changed = {
            "id": numbered(QUALIFIED, f"({number} * {SKILLS} + n)"),
            "verifier_id": f"'{_id(VERIFIER, number)}'::uuid",
            **_skill(skill),
        }
        times = SKILLS_MIN + (SKILLS - SKILLS_MIN) * (number - 1) // (VERIFIERS - 1)
        copy(connection, "qualification", of=qualified.id, times=times, changed=changed)


def _copy_calls(
    connection: psycopg.Connection, task: VerificationTask, inspection: Inspection
) -> None:
    seller = numbered(SELLER, f"(1 + n / {LOT} % {SELLERS})")
    skill = _skill(f"((n * 7919 + n / 200) % {SKILLS})")
    vertical = {"vertical_id": skill["vertical_id"]}
    leads = {"id": numbered(LEAD), "row_number": "1000 + n", "organization_id": seller, **vertical}
    copy(connection, "lead", of=inspection.lead_id, times=TASKS, changed=leads)
    inspections = {
        "id": numbered(INSPECTION),
        "lead_id": numbered(LEAD),
        "ref_id": numbered(SAMPLE, f"(1 + n / {LOT})"),
        "position": f"1 + n % {LOT}",
        "organization_id": seller,
        **vertical,
    }
    copy(connection, "inspection", of=inspection.id, times=TASKS, changed=inspections)
    calls = {
        "id": numbered(TASK),
        "inspection_id": numbered(INSPECTION),
        "lead_id": numbered(LEAD),
        "seller_id": seller,
        "is_urgent": "n % 10 = 0",
        # Due within the last eight hours, in an order that is not that of the ids.
        "not_before": "original.not_before - (n * 7907 % 28800) * interval '1 second'",
        "place": f"1 + n % {LOT}",
        **skill,
    }
    copy(connection, "verification_task", of=task.id, times=TASKS, changed=calls)


def _skill(number: str) -> dict[str, str]:
    """SQL of the vertical and the language of a skill, from 0."""
    words = ", ".join(f"'{language}'" for language in LANGUAGES)
    return {
        "vertical_id": numbered(VERTICAL, f"(1 + {number} % {VERTICALS})"),
        "language": f"(ARRAY[{words}])[1 + {number} / {VERTICALS}]",
    }


def _id(kind: int, number: int) -> UUID:
    return UUID(f"0199{kind:04x}-0000-7000-8000-{number:012x}")
