"""Top-ups: money into a wallet through Stripe Checkout. The event credits it, never the browser."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from exchange.billing import accounts, gateway, ledger
from exchange.billing.ledger import Move
from exchange.billing.models import Reason, TopUp, TopUpStatus
from exchange.billing.services import debts
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.core.events import Ref
from exchange.core.jobs import enqueue
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.models import Organization
from exchange.identity.permissions import OrganizationKind
from exchange.identity.services import require_approved

log = logging.getLogger(__name__)

# Buyers pay for leads, sellers for having their own called (decision 15: one wallet for each).
PAYERS: Final = frozenset({OrganizationKind.BUYER, OrganizationKind.SELLER})
AMOUNT_MIN: Final = 500  # minor units
AMOUNT_MAX: Final = 99_999_999  # Stripe's own limit


def start(*, organization_id: UUID, amount: Money, actor: Actor) -> TopUp:
    """Write down that somebody wants to pay in; nothing moves before Stripe says it was paid.

    Raises NotFound for who has no wallet, Forbidden for an organization that may not trade and
    Invalid for the amount.
    """
    if get(Organization, organization_id).kind not in PAYERS:
        raise NotFound
    require_approved(organization_id)
    if not AMOUNT_MIN <= amount.amount <= AMOUNT_MAX:
        problem = FieldProblem("/amount", "out_of_range", "Name an amount from 5 to 999,999.")
        raise Invalid(errors=(problem,))
    top_up = save(TopUp(organization_id=organization_id, amount=amount))
    events.record(
        "top_up.started",
        subject=top_up,
        actor=actor,
        amount=amount.amount,
        currency=amount.currency,
    )
    return top_up


def open_checkout(*, top_up_id: UUID, success_url: str, cancel_url: str) -> str:
    """The address at which the payer pays, the same whenever it is asked for.

    No lock is held while Stripe is asked. Raises Conflict when there is nothing left to pay and
    OutcomeUnknown when Stripe does not answer: try again.
    """
    top_up = get(TopUp, top_up_id)
    if top_up.status is not TopUpStatus.STARTED:
        raise Conflict("There is nothing left to pay here.", code="not_payable")
    if top_up.checkout_url:
        return top_up.checkout_url
    page = gateway.open_checkout(
        key=f"top-up-{top_up.id}",
        reference=top_up.public_id,
        amount=top_up.amount,
        name=f"Wallet top-up {top_up.public_id}",
        success_url=success_url,
        cancel_url=cancel_url,
    )
    top_up = lock(TopUp, top_up_id)
    top_up.session_id, top_up.checkout_url = page.session_id, page.url
    if page.url is None:
        raise Conflict("This was paid or has expired. Its state will show in a moment.")
    return page.url


def credit(*, top_up_id: UUID, payment_id: str, amount: Money, actor: Actor) -> TopUp:
    """Put what was paid into the wallet, once.

    Raises Conflict when another amount was paid than was asked for, or a second payment came for
    the same top-up: a person must look, and the money stays visible at Stripe.
    """
    top_up = lock(TopUp, top_up_id)
    if amount != top_up.amount:
        raise Conflict("Another amount was paid than was asked for.", code="amount_differs")
    if top_up.status is TopUpStatus.SUCCEEDED:
        if top_up.payment_id != payment_id:
            raise Conflict("This top-up was paid twice.", code="paid_twice")
        return top_up
    owner, currency = top_up.organization_id, amount.currency
    ledger.post(
        key=f"top-up-{top_up.id}",
        reason=Reason.TOPPED_UP,
        subject=Ref.to(top_up),
        moves=[Move(accounts.cash(currency), accounts.wallet(owner, currency), amount)],
    )
    debts.repay(organization_id=owner, currency=currency, actor=actor)
    top_up.payment_id = payment_id
    transition(top_up, TopUpStatus.SUCCEEDED, actor=actor, amount=amount.amount, currency=currency)
    enqueue("billing.book_fee", top_up.id)
    return top_up


def fail(*, top_up_id: UUID, session_id: str, actor: Actor) -> TopUp:
    """Close a top-up whose page expired or whose payment was refused in the end.

    Money that came is stronger: a top-up that succeeded stays so. Nor does an older page close a
    top-up that was given a newer one.
    """
    top_up = lock(TopUp, top_up_id)
    is_ours = top_up.session_id in {None, session_id}
    if top_up.status is TopUpStatus.STARTED and is_ours:
        transition(top_up, TopUpStatus.FAILED, actor=actor)
    return top_up


def book_fee(top_up_id: UUID) -> None:
    """Post what Stripe kept of a payment, once it is known; the sweep asks again until it is."""
    top_up = get(TopUp, top_up_id)
    if top_up.payment_id is None or top_up.fee_booked_at is not None:
        return
    fee = _find_fee(top_up.payment_id)
    if fee is None:
        log.info("the fee of %s is not known yet", top_up.public_id)
        return
    top_up = lock(TopUp, top_up_id)
    moves = [Move(accounts.processing_fees(fee.currency), accounts.cash(fee.currency), fee)]
    ledger.post(
        key=f"top-up-{top_up.id}-fee",
        reason=Reason.PROCESSING_FEE,
        subject=Ref.to(top_up),
        moves=moves,
    )
    top_up.fee_booked_at = clock.now()


def _find_fee(payment_id: str) -> Money | None:
    try:
        return gateway.find_fee(payment_id)
    except gateway.OutcomeUnknown:
        return None
