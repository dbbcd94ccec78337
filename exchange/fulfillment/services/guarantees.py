"""The guarantee begins where leads come back, and ends in money where its seller says nothing."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from exchange.billing.services import refunds
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import lock
from exchange.core.events import Ref
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.fulfillment.queries import sold as queries
from exchange.fulfillment.services.outcomes import OF_THE_BUYER
from exchange.market.models import LineStatus, OrderLine
from exchange.verification.inspection_models import GuaranteeRun, GuaranteeStatus
from exchange.verification.queries.guarantees import is_given_up
from exchange.verification.services import guarantees

GUARANTEE: Final = "guarantee"  # why a share of the price goes back


def watch(*, batch_id: UUID, actor: Actor) -> GuaranteeRun | None:
    """Have the lot looked behind when so many of its sold leads came back that it looks bad.

    A return counts where the defect is the lead's, not the buyer's; each lead counts once, however
    many bought it.
    """
    sold = queries.sold_leads(batch_id)
    returned = queries.returned_leads(batch_id, except_for=OF_THE_BUYER)
    return guarantees.look_behind(batch_id=batch_id, sold=sold, returned=len(returned), actor=actor)


def settle(*, run_id: UUID, actor: Actor) -> GuaranteeRun:
    """Refund each sold lead its share, where the seller chose nothing in time; safe to repeat.

    Who chose to have everybody called, and took the lot back before that was done, chose nothing.
    The share is the price times the bad of the drawn, rounded down to the minor unit. What was
    refunded whole is left as it is. The money is the sale's own while its window is open; else it
    is the seller's reserve, then payable, then debt.
    """
    run = lock(GuaranteeRun, run_id)
    is_over = run.choose_by is not None and clock.after_lock() > run.choose_by
    is_silent = run.status is GuaranteeStatus.TRIGGERED and is_over
    if not is_silent and not is_given_up(run):
        return run
    lines = queries.lock_unreturned(run.batch_id)
    amount = sum(_refund_share(line, run, actor=actor) for line in lines)
    transition(
        run,
        GuaranteeStatus.REFUNDED,
        actor=actor,
        organization_id=run.organization_id,
        lines=len(lines),
        amount=amount,
    )
    return run


def _refund_share(line: OrderLine, run: GuaranteeRun, *, actor: Actor) -> int:
    # Whole only goes back what was found bad itself.
    amount = min(line.price.amount * run.bad // run.drawn, line.price.amount - 1)
    share = Money(amount, line.price.currency)
    if not share:
        return 0
    line.refunded += refunds.refund(
        ref=Ref.to(line),
        buyer_id=line.buyer_id,
        seller_id=line.seller_id,
        price=line.price,
        settled=line.status is LineStatus.SETTLED,
        reason_key=GUARANTEE,
        amount=share,
        reserve_first=True,
        actor=actor,
    ).amount
    return share.amount
