"""Payouts: a seller's payable money on its way out, as one Connect transfer each.

The money leaves `payable` when the payout is asked for, so it cannot be spent twice. Only Stripe's
word ends it: paid, or failed and back in `payable`.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from exchange.billing import accounts, gateway, ledger, queries
from exchange.billing.accounts import AccountRef
from exchange.billing.gateway import ConnectTransfer
from exchange.billing.ledger import Move
from exchange.billing.models import (
    Payout,
    PayoutAccount,
    PayoutAccountStatus,
    PayoutStatus,
    Reason,
)
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.core.events import Ref
from exchange.core.jobs import enqueue
from exchange.core.money import Currency, Money
from exchange.core.states import transition
from exchange.identity.models import Organization
from exchange.identity.permissions import OrganizationKind
from exchange.identity.services import require_approved

log = logging.getLogger(__name__)

SUSPENDED: Final = "organization_suspended"
FIRST_RETRY: Final = timedelta(seconds=30)
RETRY_MAX: Final = timedelta(hours=1)


def connect_account(*, organization_id: UUID, actor: Actor) -> PayoutAccount:
    """Begin to connect a payout account at Stripe; asked again, the same one.

    A job opens it there. Raises NotFound for who sells nothing, Forbidden for an organization
    that may not trade.
    """
    _require_seller(organization_id)
    fresh = insert(PayoutAccount).values(organization_id=organization_id)
    made = db.session.scalar(fresh.on_conflict_do_nothing().returning(PayoutAccount.id))
    account = queries.find_payout_account(organization_id)
    assert account is not None
    if made is not None:
        events.record("payout_account.started", subject=account, actor=actor)
    account.failure = ""  # what Stripe refused before may pass now
    if account.external_id is None:
        enqueue("billing.open_payout_account", account.id)
    return account


def _require_seller(organization_id: UUID) -> None:
    if get(Organization, organization_id).kind is not OrganizationKind.SELLER:
        raise NotFound
    require_approved(organization_id)


def open_account(account_id: UUID) -> None:
    """Open the account at Stripe under a key of its own; no lock is held meanwhile."""
    account = get(PayoutAccount, account_id)
    if account.external_id is not None or account.failure:
        return
    owner = get(Organization, account.organization_id)
    try:
        opened = gateway.open_account(
            key=f"payout-account-{account.id}", reference=account.public_id, country=owner.country
        )
    except gateway.OutcomeUnknown:
        log.warning("%s is not open yet; it will be tried again", account.public_id)
        return
    except gateway.Refused as refused:
        lock(PayoutAccount, account_id).failure = refused.reason
        return
    account = lock(PayoutAccount, account_id)
    account.external_id = opened.account_id
    if opened.is_ready:
        make_account_ready(account_id=account_id, actor=SYSTEM)


def make_account_ready(*, account_id: UUID, actor: Actor) -> PayoutAccount:
    """Let payouts go to the account; a repeat changes nothing."""
    account = lock(PayoutAccount, account_id)
    if account.status is PayoutAccountStatus.STARTED:
        transition(account, PayoutAccountStatus.READY, actor=actor)
    return account


def onboarding_url(*, account: PayoutAccount, return_url: str, refresh_url: str) -> str:
    """Where the owner tells Stripe who they are. Raises Conflict until Stripe has the account."""
    if account.external_id is None:
        raise Conflict("The payment service is still opening the account.", retry_after=2)
    return gateway.onboarding_url(
        account.external_id, return_url=return_url, refresh_url=refresh_url
    )


def request(
    *, organization_id: UUID, currency: Currency, amount: Money | None = None, actor: Actor
) -> Payout:
    """Take money out of `payable` and send it, all of it where no amount is named.

    Raises NotFound for who sells nothing, Forbidden for an organization that may not trade,
    Conflict `payout_account_missing` and `nothing_payable`, InsufficientFunds for more than there
    is.
    """
    _require_seller(organization_id)
    _require_account(organization_id)
    payable = accounts.payable(organization_id, currency)
    on_its_way = accounts.in_transit(organization_id, currency)
    available = Money(ledger.lock_balances([payable, on_its_way])[payable], currency)
    wanted = _checked(amount, available)
    payout = save(
        Payout(
            organization_id=organization_id,
            amount=wanted,
            next_attempt_at=clock.now() + FIRST_RETRY,
        )
    )
    move = Move(payable, on_its_way, wanted)
    _post(payout, "requested", reason=Reason.PAYOUT_REQUESTED, move=move)
    events.record(
        "payout.requested",
        subject=payout,
        actor=actor,
        amount=wanted.amount,
        currency=currency,
    )
    enqueue("billing.send_payout", payout.id)
    return payout


def send(payout_id: UUID) -> Payout:
    """Hand a payout to Stripe, exactly once however often this is called.

    The row stays locked during the call. Without an answer it stays as it is and is tried again
    under the same key; a transfer that Stripe has already is found by its reference, for keys are
    forgotten after a day. A suspended organization's payout is held instead.
    """
    payout = lock(Payout, payout_id)
    if payout.status is not PayoutStatus.RELEASABLE:
        return payout
    try:
        sent = gateway.find_transfer(payout.public_id) or _send_new(payout)
    except gateway.OutcomeUnknown:
        log.warning("the outcome of %s is not known; it will be tried again", payout.public_id)
    except gateway.Refused as refused:
        payout.failure = refused.reason
        _give_back(payout, _in_transit(payout), actor=SYSTEM)
    else:
        if sent is not None:
            _leave(payout, sent, actor=SYSTEM)
    return payout


def pause_after(attempts: int) -> timedelta:
    """How long to wait before the next attempt: twice as long each time, an hour at most."""
    return min(FIRST_RETRY * (1 << min(attempts, 10)), RETRY_MAX)


def confirm(*, payout_id: UUID, transfer: ConnectTransfer, actor: Actor) -> Payout:
    """Note that Stripe has made the transfer: the money is paid. A repeat changes nothing.

    Raises Conflict when the transfer is not this payout's.
    """
    payout = lock(Payout, payout_id)
    _require_same(payout, transfer)
    if payout.status in {PayoutStatus.PAID, PayoutStatus.FAILED}:
        return payout
    if payout.status is not PayoutStatus.IN_TRANSIT:
        _leave(payout, transfer, actor=actor)
    move = Move(_in_transit(payout), accounts.cash(payout.amount.currency), payout.amount)
    _post(payout, "paid", reason=Reason.PAYOUT_PAID, move=move)
    transition(payout, PayoutStatus.PAID, actor=actor)
    return payout


def fail(*, payout_id: UUID, transfer: ConnectTransfer, reason: str, actor: Actor) -> Payout:
    """Note that Stripe took the transfer back: the money is payable again.

    What was taken back was made before, so the books say both, in whatever order we heard of it.
    """
    payout = confirm(payout_id=payout_id, transfer=transfer, actor=actor)
    if payout.status is PayoutStatus.PAID:
        payout.failure = reason
        _give_back(payout, accounts.cash(payout.amount.currency), actor=actor)
    return payout


def release_held(*, organization_id: UUID, actor: Actor) -> int:
    """Send what was held while the organization was suspended; returns how many."""
    held = db.session.scalars(
        select(Payout.id)
        .where(
            Payout.organization_id == organization_id,
            Payout.status == PayoutStatus.HELD,
            Payout.failure == SUSPENDED,
        )
        .order_by(Payout.id)
    ).all()
    for payout_id in held:
        payout = lock(Payout, payout_id)
        payout.failure = ""
        transition(payout, PayoutStatus.RELEASABLE, actor=actor)
        enqueue("billing.send_payout", payout_id)
    return len(held)


def _require_account(organization_id: UUID) -> PayoutAccount:
    account = queries.find_payout_account(organization_id)
    if account is None or account.status is not PayoutAccountStatus.READY:
        raise Conflict(
            "Connect a payout account first, so that the money has somewhere to go.",
            code="payout_account_missing",
        )
    return account


def _checked(amount: Money | None, available: Money) -> Money:
    if not available and amount is None:
        raise Conflict("There is nothing to pay out yet.", code="nothing_payable")
    if amount is None:
        return available
    if amount.amount <= 0:
        problem = FieldProblem("/amount", "out_of_range", "Name an amount above zero.")
        raise Invalid(errors=(problem,))
    return amount


def _send_new(payout: Payout) -> ConnectTransfer | None:
    """Make the transfer; None when the payout was held instead."""
    if not get(Organization, payout.organization_id).is_approved:
        payout.failure = SUSPENDED
        transition(payout, PayoutStatus.HELD, actor=SYSTEM, reason=SUSPENDED)
        return None
    account = _require_account(payout.organization_id)
    assert account.external_id is not None
    return gateway.send_transfer(
        key=f"payout-{payout.id}",
        reference=payout.public_id,
        amount=payout.amount,
        account_id=account.external_id,
    )


def _leave(payout: Payout, transfer: ConnectTransfer, *, actor: Actor) -> None:
    _require_same(payout, transfer)
    payout.external_id, payout.failure = transfer.transfer_id, ""
    transition(payout, PayoutStatus.IN_TRANSIT, actor=actor)


def _require_same(payout: Payout, transfer: ConnectTransfer) -> None:
    if transfer.amount != payout.amount:
        raise Conflict("The transfer is of another amount.", code="amount_differs")
    if payout.external_id not in {None, transfer.transfer_id}:
        raise Conflict("This payout was sent as another transfer.", code="paid_twice")


def _give_back(payout: Payout, source: AccountRef, *, actor: Actor) -> None:
    payable = accounts.payable(payout.organization_id, payout.amount.currency)
    move = Move(source, payable, payout.amount)
    _post(payout, "failed", reason=Reason.PAYOUT_FAILED, move=move)
    transition(payout, PayoutStatus.FAILED, actor=actor, reason=payout.failure)


def _in_transit(payout: Payout) -> AccountRef:
    return accounts.in_transit(payout.organization_id, payout.amount.currency)


def _post(payout: Payout, word: str, *, reason: Reason, move: Move) -> None:
    key = f"payout-{payout.id}-{word}"
    ledger.post(key=key, reason=reason, subject=Ref.to(payout), moves=[move])
