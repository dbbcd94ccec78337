"""Jobs and sweeps of money: Stripe's events, payouts, accounts, fees and the sealer."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Select, select

from exchange.billing import queries
from exchange.billing.models import (
    Payout,
    PayoutAccount,
    PayoutStatus,
    TopUp,
    TopUpStatus,
)
from exchange.billing.services import debts, inbox, payouts, sealing, top_ups
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.jobs import enqueue, enqueue_each, job, sweep

ROWS_PER_SWEEP: Final = 100


@job("billing.handle_inbound")
def handle_inbound(event_id: UUID) -> None:
    """Work on one stored event of Stripe."""
    inbox.handle(event_id)


@sweep("billing.inbound", seconds=10)
def ring_for_inbound() -> None:
    """Ring again for events that nobody worked on yet."""
    inbox.ring_again()


@job("billing.send_payout", of=Payout)
def send_payout(payout_id: UUID) -> None:
    """Hand one payout to Stripe."""
    payouts.send(payout_id)


@sweep("billing.payouts", seconds=10)
def ring_for_payouts() -> None:
    """Ring again for payouts that Stripe has not taken yet, each later than the time before."""
    now = clock.now()
    due = db.session.scalars(
        select(Payout)
        .where(Payout.status == PayoutStatus.RELEASABLE, Payout.next_attempt_at <= now)
        .order_by(Payout.next_attempt_at)
        .limit(ROWS_PER_SWEEP)
        .with_for_update(skip_locked=True)
    ).all()
    for payout in due:
        payout.attempts += 1
        payout.next_attempt_at = now + payouts.pause_after(payout.attempts)
        enqueue("billing.send_payout", payout.id)


@job("billing.open_payout_account", of=PayoutAccount)
def open_payout_account(account_id: UUID) -> None:
    """Open one payout account at Stripe."""
    payouts.open_account(account_id)


@sweep("billing.payout_accounts", seconds=30)
def ring_for_payout_accounts() -> None:
    """Ring again for payout accounts that Stripe has not opened yet."""
    _ring(
        "billing.open_payout_account",
        select(PayoutAccount.id).where(
            PayoutAccount.external_id.is_(None), PayoutAccount.failure == ""
        ),
    )


@job("billing.book_fee", of=TopUp)
def book_fee(top_up_id: UUID) -> None:
    """Post what Stripe kept of one payment."""
    top_ups.book_fee(top_up_id)


@sweep("billing.fees", seconds=30)
def ring_for_fees() -> None:
    """Ring again for payments whose fee is not posted yet."""
    _ring(
        "billing.book_fee",
        select(TopUp.id).where(
            TopUp.status == TopUpStatus.SUCCEEDED, TopUp.fee_booked_at.is_(None)
        ),
    )


@sweep("billing.debts", seconds=10)
def repay_debts() -> None:
    """Repay debts of buyers whose wallet was filled by something else than a top-up."""
    for owner, currency in queries.debtors_with_money(limit=ROWS_PER_SWEEP):
        debts.repay(organization_id=owner, currency=currency, actor=SYSTEM)


@sweep("billing.seal", seconds=1)
def seal() -> None:
    """Lay new postings onto the hash chain."""
    sealing.seal_pending()


@sweep("billing.seal_everything", seconds=3_600)
def seal_everything() -> None:
    """Look for postings without a link in the whole journal."""
    sealing.seal_pending(everywhere=True)


def _ring(name: str, wanted: Select[UUID]) -> None:
    enqueue_each(name, db.session.scalars(wanted.limit(ROWS_PER_SWEEP)))
