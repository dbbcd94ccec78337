"""One file through the verbs of intake, as a seller brings it who takes every guess for right."""

import io
from collections import Counter
from dataclasses import dataclass, field

from exchange.catalog import services as catalog
from exchange.catalog.policies import QualityClass
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.money import Money
from exchange.leads import queries
from exchange.leads.findings import FileReject
from exchange.leads.models import Batch, Import, ImportStatus, LeadKind
from exchange.leads.services import imports, intake
from tests.leads.intake_case import definition

STATES = ("valid", "in_review", "invalid", "duplicate", "suppressed")


@dataclass
class Taken:
    """What became of a file."""

    reject: FileReject | None = None
    draft: Import | None = None
    batch: Batch | None = None
    asked: set[str] = field(default_factory=set)
    forecast: dict[str, object] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)

    @property
    def refused(self):
        """The code of the file if it was refused, else those of its problem rows."""
        return {self.reject.code} if self.reject else set(queries.problem_counts(self.batch.id))

    @property
    def told(self):
        """All codes and notes that the seller is shown, before the rows are sent and after."""
        return self.refused | self.notes | set(self.forecast.get("codes", ()))

    @property
    def outcomes(self):
        return Counter({state: n for state in STATES if (n := getattr(self.batch, state))})


def open_vertical(country="us"):
    """The small vertical of `intake_case`: smaller than what an operator may publish."""
    return catalog._found(definition(country), SYSTEM)


def take(seller, content, *, country="us", name="leads.csv", answers=None):
    """Upload, answer with the guesses (or `answers`), map, confirm and take in."""
    vertical = open_vertical(country)
    taken = Taken()
    try:
        with unit_of_work():
            taken.draft = imports.start_import(
                organization_id=seller.organization.id,
                vertical_code=vertical.code,
                source_name="Search ads",
                file_name=name,
                stream=io.BytesIO(content),
                actor=seller.actor,
            )
            _settle(taken, answers or {}, seller)
            _map(taken, seller)
            taken.batch = _confirm(taken.draft, vertical, seller)
        intake.take_in(taken.batch.id)
        taken.batch = db.session.get(Batch, taken.batch.id, populate_existing=True)
    except FileReject as reject:
        taken.reject = reject
    return taken


def _settle(taken, answers, seller):
    draft = taken.draft
    while draft.questions:
        taken.asked |= {question["code"] for question in draft.questions}
        guesses = {question["field"]: question["guess"] for question in draft.questions}
        imports.answer(import_id=draft.id, answers={**guesses, **answers}, actor=seller.actor)
    if draft.status is ImportStatus.UPLOADED:
        imports.answer(import_id=draft.id, answers=answers, actor=seller.actor)
    taken.notes |= {note["code"] for note in draft.recognition["notes"]}


def _map(taken, seller):
    """Map with the guesses; a field that several columns claim gets the first."""
    draft, chosen, answers = taken.draft, {}, {}
    while True:
        imports.map_columns(import_id=draft.id, chosen=chosen, answers=answers, actor=seller.actor)
        if not draft.questions:
            break
        for question in draft.questions:
            taken.asked.add(question["code"])
            if question["field"] in {"date_order", "decimal_separator"}:
                answers[question["field"]] = question["guess"]
            elif question["code"] == "columns_swapped":
                chosen[int(question["options"][-1]) - 1] = question["field"]
            else:
                chosen[int(question["guess"]) - 1] = question["field"]
    taken.forecast = draft.forecast


def _confirm(draft, vertical, seller):
    batch = imports.draft_batch(
        import_id=draft.id,
        name="Lot",
        quality_class=QualityClass.STANDARD,
        price=Money(4500, vertical.currency),
        kind=LeadKind.EXCLUSIVE,
        sales_max=1,
        actor=seller.actor,
    )
    return imports.confirm(batch_id=batch.id, declared_unsold=True, actor=seller.actor)
