"""What Stripe tells us: stored first, worked on afterwards, each event once and in any order.

Handlers compare states, so it does not matter which of two events came first. An event about a
row that is not here yet stays and the sweep rings for it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from exchange.billing import gateway
from exchange.billing.gateway import ConnectTransfer
from exchange.billing.models import InboundEvent, InboundStatus, Payout, PayoutAccount, TopUp
from exchange.billing.services import payouts, top_ups
from exchange.core import clock, ids
from exchange.core.actors import SYSTEM
from exchange.core.db import Record, db, lock
from exchange.core.errors import Conflict, DomainError
from exchange.core.jobs import enqueue
from exchange.core.money import Currency, Money
from exchange.core.states import transition

STRIPE: Final = "stripe"
FIRST_RETRY: Final = timedelta(seconds=30)
EVENTS_PER_SWEEP: Final = 100
OPEN: Final = (InboundStatus.RECEIVED, InboundStatus.FAILED)

Json = dict[str, Any]  # Any: what Stripe sent
HANDLED, IGNORED, RECEIVED = InboundStatus.HANDLED, InboundStatus.IGNORED, InboundStatus.RECEIVED


def receive(*, source: str, external_id: str, event_type: str, payload: Json) -> bool:
    """Store an event and ring for it; False when it was stored before."""
    statement = insert(InboundEvent).values(
        source=source,
        external_id=external_id,
        type=event_type,
        payload=payload,
        next_attempt_at=clock.now() + FIRST_RETRY,
    )
    statement = statement.on_conflict_do_nothing(index_elements=["source", "external_id"])
    made = db.session.scalar(statement.returning(InboundEvent.id))
    if made is not None:
        enqueue("billing.handle_inbound", made)
    return made is not None


def handle(event_id: UUID) -> InboundStatus:
    """Do what a stored event asks for, once; returns its state afterwards.

    A refusal by one of our verbs leaves everything but the event itself unchanged: it is marked
    failed, kept with the reason, and tried again by the sweep.
    """
    event = lock(InboundEvent, event_id)
    if event.status not in OPEN:
        return event.status
    try:
        with db.session.begin_nested():
            outcome = _work_on(event)
    except DomainError as error:
        event.failure = error.code
        if event.status is RECEIVED:
            transition(event, InboundStatus.FAILED, actor=SYSTEM, code=error.code)
        return event.status
    if outcome is not RECEIVED:
        event.failure = ""
        transition(event, outcome, actor=SYSTEM)
    return event.status


def ring_again() -> int:
    """Ring for the events that are due, each later than the time before; returns how many."""
    now = clock.now()
    due: Sequence[InboundEvent] = db.session.scalars(
        select(InboundEvent)
        .where(InboundEvent.status.in_(OPEN), InboundEvent.next_attempt_at <= now)
        .order_by(InboundEvent.next_attempt_at)
        .limit(EVENTS_PER_SWEEP)
        .with_for_update(skip_locked=True)
    ).all()
    for event in due:
        event.attempts += 1
        event.next_attempt_at = now + payouts.pause_after(event.attempts)
        enqueue("billing.handle_inbound", event.id)
    return len(due)


def _work_on(event: InboundEvent) -> InboundStatus:
    """Do what the event asks for; IGNORED when it is none of ours, RECEIVED when it is early."""
    handler = HANDLERS.get(event.type)
    reference = None if handler is None else handler.reference(event.payload)
    if handler is None or not isinstance(reference, str):
        return IGNORED
    row_id = ids.decode(handler.model.PREFIX, reference)
    if row_id is None:
        return IGNORED
    if db.session.get(handler.model, row_id) is None:
        return RECEIVED
    try:
        handler.act(row_id, event.payload)
    except KeyError:
        raise Conflict("Something is missing in this event.", code="shape_unknown") from None
    return HANDLED


def _paid(top_up_id: UUID, session: Json) -> None:
    """A checkout was finished; only money that has come is credited."""
    if session["payment_status"] == "paid":
        amount = _money(session, "amount_total")
        payment_id = str(session["payment_intent"])
        top_ups.credit(top_up_id=top_up_id, payment_id=payment_id, amount=amount, actor=SYSTEM)


def _not_paid(top_up_id: UUID, session: Json) -> None:
    """A checkout expired, or its bank refused in the end."""
    top_ups.fail(top_up_id=top_up_id, session_id=str(session["id"]), actor=SYSTEM)


def _sent(payout_id: UUID, transfer: Json) -> None:
    """A transfer was made: the payout is paid."""
    payouts.confirm(payout_id=payout_id, transfer=_transfer(transfer), actor=SYSTEM)


def _taken_back(payout_id: UUID, transfer: Json) -> None:
    """A transfer was reversed: the payout failed. Only a whole reversal is ours to understand."""
    if transfer["amount_reversed"] != transfer["amount"]:
        raise Conflict("The transfer was reversed in part.", code="reversed_in_part")
    sent = _transfer(transfer)
    payouts.fail(payout_id=payout_id, transfer=sent, reason="reversed", actor=SYSTEM)


def _account_changed(account_id: UUID, account: Json) -> None:
    """A connected account changed; it may be ready for transfers now."""
    if gateway.can_receive(account):
        payouts.make_account_ready(account_id=account_id, actor=SYSTEM)


def _in_session(session: Json) -> object:
    return session.get("client_reference_id")


def _in_metadata(subject: Json) -> object:
    return (subject.get("metadata") or {}).get("reference")


@dataclass(frozen=True, slots=True)
class Handler:
    """Which row an event is about, where it names it, and what to do with it."""

    model: type[Record]
    reference: Callable[[Json], object]
    act: Callable[[UUID, Json], None]


HANDLERS: Final[dict[str, Handler]] = {
    "checkout.session.completed": Handler(TopUp, _in_session, _paid),
    "checkout.session.async_payment_succeeded": Handler(TopUp, _in_session, _paid),
    "checkout.session.async_payment_failed": Handler(TopUp, _in_session, _not_paid),
    "checkout.session.expired": Handler(TopUp, _in_session, _not_paid),
    "transfer.created": Handler(Payout, _in_metadata, _sent),
    "transfer.reversed": Handler(Payout, _in_metadata, _taken_back),
    "account.updated": Handler(PayoutAccount, _in_metadata, _account_changed),
}


def _transfer(transfer: Json) -> ConnectTransfer:
    return ConnectTransfer(str(transfer["id"]), _money(transfer, "amount"))


def _money(subject: Json, name: str) -> Money:
    try:
        return Money(subject[name], Currency(str(subject["currency"]).upper()))
    except (TypeError, ValueError):
        raise Conflict("This currency is not one of ours.", code="currency_unknown") from None
