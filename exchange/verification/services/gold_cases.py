"""Verbs of cases: leads whose right answer is known, from confirmed checks or test identities.

A test identity is a lead of an organization of its own that trades nothing, in a lot that is
never sealed: nobody can buy it, it stands in nobody's figures, and even the operator's own
verifiers may be given it.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final
from uuid import UUID

from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.models import Vertical
from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import Outcome
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.clock import InstanceKind
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind
from exchange.leads.checking import CheckedRow, Checker, Rules
from exchange.leads.checking import Outcome as RowOutcome
from exchange.leads.models import Batch, BatchStatus, Lead, LeadKind, LeadStatus
from exchange.leads.samples import invented_rows
from exchange.leads.services import single
from exchange.leads.services.sources import ensure_source
from exchange.verification import planted
from exchange.verification.gold_models import GoldCase, GoldCaseStatus, GoldOrigin
from exchange.verification.models import OutcomeClass
from exchange.verification.policy import final_class
from exchange.verification.queries import gold_stock as queries

HOUSE: Final = "Test identities"
AGREED: Final = "Agreed to answer as a test identity of the spot check."
GOOD: Final = (Outcome.CONFIRMED, Outcome.CORRECTED)
BAD: Final = (Outcome.DENIES, Outcome.WRONG_PERSON, Outcome.NUMBER_DEAD)
PLANTED_BAD: Final = 0.4


def confirm(*, lead_id: UUID, vertical_id: UUID, actor: Actor) -> GoldCase:
    """Make a case of a lead about which two verifiers agree. Raises Conflict where they do not."""
    found = queries.find_candidate(lead_id, vertical_id=vertical_id, now=clock.now())
    if found is None:
        text = "Two verifiers have to agree about a lead before it can be a known answer."
        raise Conflict(text, code="not_confirmed")
    case = save(
        GoldCase(
            lead_id=lead_id,
            vertical_id=vertical_id,
            language=found.task.language,
            time_zone=found.task.time_zone,
            origin=GoldOrigin.CONFIRMED,
            truth=found.outcome,
            codes=_codes(found.code),
            calls_max=queries.CALLS_AGAIN[found.code],
        )
    )
    events.record("gold_case.added", subject=case, actor=actor, origin=case.origin.value)
    return case


def seed(*, vertical_id: UUID, values: Mapping[str, str], code: Outcome, actor: Actor) -> GoldCase:
    """Make a case of a test identity: a number that somebody answers as was agreed with them.

    `values` are those of a lead, by field. Raises Invalid with every field that is wrong, and
    Conflict where the number is known in the vertical already.
    """
    if code not in {*GOOD, *BAD}:
        text = "Choose an answer that is good or bad."
        raise Invalid(errors=(FieldProblem("/code", "value_not_allowed", text),))
    vertical = get(Vertical, vertical_id)
    definition = catalog.get_definition(vertical)
    lead = _write(vertical, definition, _checked(definition, values), actor=actor)
    case = save(
        GoldCase(
            lead_id=lead.id,
            vertical_id=vertical.id,
            language=vertical.language,
            time_zone=_zone_of(lead, definition) or vertical.time_zone,
            origin=GoldOrigin.SEEDED,
            truth=OutcomeClass(final_class(code)),
            codes=_codes(code),
        )
    )
    events.record("gold_case.added", subject=case, actor=actor, origin=case.origin.value)
    return case


def plant(*, vertical_id: UUID, count: int, random: Random, actor: Actor) -> list[GoldCase]:
    """Make cases of invented people, 40 % of them bad. Raises Conflict where people are real."""
    if clock.instance_kind() is InstanceKind.LIVE:
        raise Conflict(
            "Invented people answer in a sandbox or a demo only.", code="people_are_real"
        )
    definition = catalog.get_definition(get(Vertical, vertical_id))
    rows = invented_rows(definition, random=random, count=count, now=clock.now())
    made = []
    for number, row in enumerate(rows):
        code = BAD[number % len(BAD)] if number < count * PLANTED_BAD else GOOD[0]
        values = {**row, "phone": row["phone"][:-2] + _ending(code, random)}
        made.append(seed(vertical_id=vertical_id, values=values, code=code, actor=actor))
    return made


def retire(*, case_id: UUID, reason: str, actor: Actor) -> GoldCase:
    """Give a case to nobody any more; answers that were given stay in the figures."""
    case = lock(GoldCase, case_id)
    if case.status is GoldCaseStatus.RETIRED:
        return case
    case.status_reason = reason
    transition(case, GoldCaseStatus.RETIRED, actor=actor, reason=reason)
    return case


def _codes(best: Outcome) -> list[str]:
    """Every outcome of the same class, the exact one first."""
    others = GOOD if best in GOOD else BAD
    return [best.value, *(code.value for code in others if code is not best)]


def _checked(definition: VerticalDefinition, values: Mapping[str, str]) -> CheckedRow:
    now = clock.now()
    is_demo = clock.instance_kind() is not InstanceKind.LIVE
    typed = {
        "requested_at": now.isoformat(),
        "consent_at": now.isoformat(),
        "consent_quality_check": "yes",
        "consent_text": AGREED,
        **{name: text for name, text in values.items() if text},
    }
    row = Checker(Rules.of(definition, now=now, demo=is_demo)).check_values(typed)
    if row.outcome is RowOutcome.INVALID:
        text = "This value does not pass the checks of the vertical."
        raise Invalid(errors=tuple(FieldProblem(f"/{e.field}", e.code, text) for e in row.errors))
    return row


def _write(
    vertical: Vertical, definition: VerticalDefinition, row: CheckedRow, *, actor: Actor
) -> Lead:
    batch = lock(Batch, _batch(vertical, actor=actor).id)
    written = single.write(batch, row, definition=definition)
    if written.lead is None:
        text = "This person is in the vertical already, or does not want to be called."
        raise Conflict(text, code="number_known")
    batch.rows_done += 1
    batch.valid += written.lead.status is LeadStatus.VALID
    batch.in_review += written.lead.status is LeadStatus.IN_REVIEW
    written.lead.in_frame = False  # never drawn, never sold
    db.session.flush()
    return written.lead


def _zone_of(lead: Lead, definition: VerticalDefinition) -> str | None:
    """The clock of the lead's region, as it is of any other lead."""
    region = definition.fields.by_name.get("region")
    choice = region.choice_by_value.get(lead.region) if region else None
    return choice.time_zone if choice else None


def _batch(vertical: Vertical, *, actor: Actor) -> Batch:
    """The lot of the vertical's test identities: a draft for good, so that nothing is sold."""
    house_id = queries.house_of_test_identities() or _found_house().id
    schema_id = catalog.get_schema(vertical).id
    found = db.session.scalar(
        select(Batch).where(
            Batch.organization_id == house_id,
            Batch.vertical_id == vertical.id,
            Batch.schema_id == schema_id,
            Batch.status == BatchStatus.DRAFT,
        )
    )
    return found or save(
        Batch(
            organization_id=house_id,
            vertical_id=vertical.id,
            schema_id=schema_id,
            source_id=ensure_source(organization_id=house_id, name=HOUSE, actor=actor).id,
            name=HOUSE,
            quality_class=QualityClass.UNVERIFIED,
            kind=LeadKind.EXCLUSIVE,
            price=Money(0, vertical.currency),
        )
    )


def _found_house() -> Organization:
    """Whom the test identities belong to: nobody is a member, nothing is traded."""
    return save(
        Organization(
            kind=OrganizationKind.SELLER,
            status=OrganizationStatus.SUSPENDED,
            status_reason="Holds the test identities of the spot check. Trades nothing.",
            name=HOUSE,
            trade_name=HOUSE,
            country="US",
        )
    )


def _ending(code: Outcome, random: Random) -> str:
    """Two digits by which the invented person speaks so; most endings are of people who asked."""
    fitting = [ending for ending, truth in planted.ENDINGS.items() if truth is code]
    return random.choice(fitting) if fitting else f"{random.randrange(8, 100):02}"
