"""Verbs of full inspections: everybody is called at the seller's cost, held before, earned by call.

A lot that its sample did not accept goes through it whole and is decided anew by the count. Of a
lot that is on sale only what was set aside is called, and comes back lead by lead. What a check
found before carries over: nobody is called twice for one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select

from exchange.billing.services import inspection_holds
from exchange.core import clock, events, ids
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict
from exchange.core.events import Ref
from exchange.core.jobs import enqueue
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.services import require_approved
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.leads.services import batches
from exchange.verification.inspection_models import FullInspection, FullInspectionStatus
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
)
from exchange.verification.queries import inspected
from exchange.verification.queries.tasks import verdicts_on
from exchange.verification.services import inspections, tasks

# So many calls wait in the queue at once; more are put there when half of them are answered.
AT_ONCE: Final = 400
NOT_REACHED: Final = "not_reached"  # why a lead is off sale: nobody knows whether it is good
# Calls that ask the same of the same people, and are not needed beside it.
REPLACED: Final = (InspectionPurpose.SAMPLE, InspectionPurpose.FOLLOW_UP)


def start(
    *, batch_id: UUID, agreed: Money | None = None, is_whole: bool | None = None, actor: Actor
) -> FullInspection:
    """Have everybody of a lot called who has not given an answer; a second click finds it running.

    The sum is held first: from what the seller is owed, then from its wallet. `agreed` is the sum
    that the seller was shown. Raises NotFound, Forbidden for a seller who may not trade, Conflict
    (`not_inspectable`, `source_stopped`, `nothing_to_inspect`, `total_changed`) and
    InsufficientFunds with what is missing; nothing is changed then.
    """
    require_approved(actor.organization_id)
    batch = batches.lock_own(batch_id, actor)
    found = inspected.running(batch.id)
    if found is not None and (found.is_whole or not is_whole):
        return found
    _require_inspectable(batch, running=found)
    whole = inspected.is_about_all(batch) if is_whole is None else is_whole
    price = inspected.estimate(batch).price
    asked = _people(batch, is_whole=whole)
    _require_agreed(price * len(asked), people=len(asked), agreed=agreed)
    found = _hold_and_ask(batch, asked, price=price, is_whole=whole, actor=actor)
    _drop_other_calls(found, asked, actor=actor)
    if whole:
        transition(batch, BatchStatus.IN_FULL_INSPECTION, actor=actor)
    go_on(inspection_id=found.id, actor=actor)
    return found


def go_on(*, inspection_id: UUID, actor: Actor = SYSTEM) -> FullInspection:
    """Queue more calls when few are left, and end it after the last answer; safe to repeat."""
    lock(Batch, get(FullInspection, inspection_id).batch_id)  # before it, as everywhere
    found = lock(FullInspection, inspection_id)
    if found.status is not FullInspectionStatus.RUNNING:
        return found
    while found.called_upto < found.asked and _few_wait(found):
        _queue_more(found)
    if found.called_upto == found.asked and not _left(found):
        _conclude(found, actor=actor)
    return found


def settle(inspection: Inspection, *, actor: Actor) -> None:
    """What follows an answer: it is earned, its lead is acted on, and more people are called.

    Where nobody was called, because the person was taken off the lists, nothing is earned.
    """
    if verdicts_on(inspection.id):
        inspection_holds.earn(ref=Ref.to(inspection), actor=actor)
    _act_on(inspection, actor=actor)
    found = get(FullInspection, inspection.ref_id)
    if _few_wait(found):
        enqueue("verification.inspect_on", found.id)


def stop(*, batch_id: UUID, actor: Actor) -> None:
    """The lot was withdrawn: nobody else is called, and what is held for them goes back."""
    found = inspected.running(batch_id)
    if found is None:
        return
    found = lock(FullInspection, found.id)
    transition(found, FullInspectionStatus.STOPPED, actor=actor)
    _end_calls(found, actor=actor)


def end_leftovers(*, actor: Actor = SYSTEM) -> None:
    """End calls of stopped inspections that were under way then and settled nothing."""
    for inspection_id in inspected.stopped_with_open_calls():
        _end_calls(lock(FullInspection, inspection_id), actor=actor)


def _require_inspectable(batch: Batch, *, running: FullInspection | None) -> None:
    if running is not None:
        text = "What was set aside is being called. Wait for the end of that."
        raise Conflict(text, code="inspection_running")
    if batch.status not in inspected.STARTED_FROM:
        text = "A full inspection follows the decision on a lot."
        raise Conflict(text, code="not_inspectable")
    if batches.is_barred(batch):
        text = "The exchange has stopped the source of this lot. Nothing of it can be sold."
        raise Conflict(text, code="source_stopped")


def _require_agreed(sum_: Money, *, people: int, agreed: Money | None) -> None:
    if not people:
        text = "Everybody of this lot who may be called has given an answer."
        raise Conflict(text, code="nothing_to_inspect")
    if agreed is not None and agreed != sum_:
        text = "The number of people to call has changed. Look at the new sum and confirm again."
        raise Conflict(text, code="total_changed", total=sum_.amount, currency=sum_.currency)


def _people(batch: Batch, *, is_whole: bool) -> Sequence[UUID]:
    """Whom to call, who asked last first."""
    wanted = inspected.to_inspect(batch, is_whole=is_whole)
    return db.session.scalars(
        select(Lead.id).where(*wanted).order_by(Lead.requested_at.desc(), Lead.id)
    ).all()


def _hold_and_ask(
    batch: Batch, people: Sequence[UUID], *, price: Money, is_whole: bool, actor: Actor
) -> FullInspection:
    """The money first; then one question for each lead, written as a set."""
    found = FullInspection(
        id=ids.uuid7(),
        batch_id=batch.id,
        organization_id=batch.organization_id,
        is_whole=is_whole,
        price=price,
        asked=len(people),
    )
    questions = [(ids.uuid7(), lead_id) for lead_id in people]
    from_wallet = inspection_holds.place(
        seller_id=batch.organization_id,
        refs=[Ref(Inspection.KIND, number) for number, _ in questions],
        price=price,
        subject=Ref.to(found),
        actor=actor,
    )
    found.from_wallet = from_wallet.amount
    save(found)
    same = _question(found, batch)
    rows = [
        {**same, "id": number, "lead_id": lead_id, "position": position}
        for position, (number, lead_id) in enumerate(questions, start=1)
    ]
    db.session.connection().execute(insert(Inspection), rows)
    events.record(
        "full_inspection.started",
        subject=found,
        actor=actor,
        organization_id=batch.organization_id,
        people=len(people),
        total=found.total.amount,
        currency=price.currency,
    )
    return found


def _question(found: FullInspection, batch: Batch) -> dict[str, object]:
    """What all questions of a full inspection have in common."""
    return {
        "purpose": InspectionPurpose.FULL_INSPECTION,
        "ref_kind": FullInspection.KIND,
        "ref_id": found.id,
        "organization_id": batch.organization_id,
        "vertical_id": batch.vertical_id,
        "is_counted": False,
        "verdicts_needed": 1,
        "status": InspectionStatus.OPEN,
    }


def _drop_other_calls(found: FullInspection, people: Sequence[UUID], *, actor: Actor) -> None:
    """Calls for the lot's sample that wait for the same people; those under way are finished."""
    same = [Inspection.purpose.in_(REPLACED), Inspection.lead_id.in_(people)]
    inspections.drop(same, parent=found, actor=actor)


def _end_calls(found: FullInspection, *, actor: Actor) -> None:
    inspections.drop([Inspection.ref_id == found.id], parent=found, actor=actor)
    _give_back(found, actor=actor)


def _left(found: FullInspection) -> int:
    return inspected.waiting(found.id, upto=found.called_upto)


def _few_wait(found: FullInspection) -> bool:
    return _left(found) <= AT_ONCE // 2


def _queue_more(found: FullInspection) -> None:
    after, found.called_upto = found.called_upto, min(found.called_upto + AT_ONCE, found.asked)
    pairs = db.session.execute(
        select(Inspection, Lead)
        .join(Lead, Lead.id == Inspection.lead_id)
        .where(
            Inspection.ref_id == found.id,
            Inspection.status == InspectionStatus.OPEN,
            Inspection.position > after,
            Inspection.position <= found.called_upto,
        )
        .order_by(Inspection.position)
    )
    tasks.queue((row[0], row[1]) for row in pairs)


def _act_on(inspection: Inspection, *, actor: Actor) -> None:
    lead_ids = [inspection.lead_id]
    if inspection.outcome is OutcomeClass.GOOD:
        assert inspection.concluded_at is not None
        batches.mark_checked(lead_ids=lead_ids, at=inspection.concluded_at, actor=actor)
        batches.clear_leads(lead_ids=lead_ids, actor=actor)
    elif inspection.outcome is OutcomeClass.BAD:
        batches.refuse_leads(lead_ids=lead_ids, actor=actor)
    else:
        batches.set_aside_leads(lead_ids=lead_ids, reason=NOT_REACHED, actor=actor)


def _conclude(found: FullInspection, *, actor: Actor) -> None:
    """Count what all checks of the lot found, give back what is left, and decide the lot anew."""
    counts = inspected.tally(found)
    found.good, found.bad = counts[OutcomeClass.GOOD], counts[OutcomeClass.BAD]
    found.unresolved = counts[OutcomeClass.OPEN]
    found.concluded_at = clock.now()
    _give_back(found, actor=actor)
    transition(
        found,
        FullInspectionStatus.CONCLUDED,
        actor=actor,
        organization_id=found.organization_id,
        good=found.good,
        bad=found.bad,
        open=found.unresolved,
    )
    if found.is_whole:
        is_any_left = batches.has_valid_leads(found.batch_id)
        decision = BatchStatus.ACCEPTED if is_any_left else BatchStatus.REJECTED
        batches.decide_batch(batch_id=found.batch_id, decision=decision, actor=actor)


def _give_back(found: FullInspection, *, actor: Actor) -> None:
    refs = [Ref(Inspection.KIND, number) for number in inspected.unanswered(found.id)]
    owed = Money(found.from_wallet, found.price.currency)
    if refs:
        owed = inspection_holds.release(
            seller_id=found.organization_id,
            refs=refs,
            wallet_gave=owed,
            subject=Ref.to(found),
            actor=actor,
        )
    found.from_wallet = owed.amount
