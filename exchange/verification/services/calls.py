"""What a verifier sees of a call that is held: the lead, the script, and the person.

Opening it opens the contact, on the record each time. It shows nothing of the seller, the price,
the lot or what others found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.models import Vertical
from exchange.catalog.scripts import Asked, Line, Script, render
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.clock import InstanceKind
from exchange.core.db import get
from exchange.identity import queries as identity
from exchange.identity.models import User
from exchange.leads import queries as leads
from exchange.leads.models import Lead
from exchange.leads.services import contacts
from exchange.verification import planted
from exchange.verification.facts import Fact, facts_of, variables_of
from exchange.verification.models import Inspection, VerificationTask
from exchange.verification.policy import LocalHours
from exchange.verification.services import tasks


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is held, ready to be made."""

    task: VerificationTask
    vertical: Vertical
    definition: VerticalDefinition
    lead: Lead
    contact: dict[str, str]
    script: Script
    languages: Sequence[str]
    facts: list[Fact]
    lines: list[Line]  # with the variables filled in
    hours: LocalHours
    said: str | None  # what the person says; None where a real number is to be dialed

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.task.attempts + 1

    @property
    def attempts_max(self) -> int:
        """The attempts after which a look is decided; more where attempts run on."""
        return max(self.definition.terms.attempts.decision_attempts, self.attempt)

    def line_of(self, asked: Asked) -> Line | None:
        """The line that asks for this fact, if the script has one."""
        return next((line for line in self.lines if line.asks is asked), None)


def open_call(
    *, task_id: UUID, lease_number: int | None = None, language: str = "", actor: Actor
) -> Call:
    """Open a held call in one of the script's languages, the vertical's own unless it has others.

    Raises NotFound, Conflict `lease_over`, and Gone where the person was erased meanwhile.
    """
    held = tasks.require_lease(task_id=task_id, lease_number=lease_number, actor=actor)
    lead = leads.get_lead(get(Inspection, held.inspection_id).lead_id)
    vertical = get(Vertical, held.vertical_id)
    contact = contacts.open_for_check(lead_id=lead.id, actor=actor)
    definition = catalog.get_definition(vertical)
    script = definition.script_in(language)
    facts = facts_of(definition, lead.attributes, language=script.language)
    variables = variables_of(
        facts,
        contact=contact,
        caller=get(User, tasks.verifier_of(actor)).name,
        exchange=_house(),
        requested_at=lead.requested_at,
        landing_url=lead.landing_url,
        language=script.language,
    )
    return Call(
        task=held,
        vertical=vertical,
        definition=definition,
        lead=lead,
        contact=contact,
        script=script,
        languages=[other.language for other in definition.scripts],
        facts=facts,
        lines=[
            Line(line.id, render(line.text, variables), line.answers, line.asks)
            for line in script.lines
        ],
        hours=tasks.hours_at(vertical, time_zone=held.time_zone),
        said=_said(held, lead, script, phone=contact.get("phone", "")),
    )


def _house() -> str:
    operator = identity.operator()
    return operator.trade_name if operator else ""


def _said(task: VerificationTask, lead: Lead, script: Script, *, phone: str) -> str | None:
    if clock.instance_kind() is InstanceKind.LIVE:
        return None
    return planted.said(script, phone=phone, lead_id=lead.id, attempts=task.attempts)
