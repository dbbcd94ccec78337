"""Refunds: the buyer's money back, whole or in part, before the settlement or after it.

Before, the sale's money lies in `pending` and goes back from there. After, it is brought back to
`pending` first: the commission in proportion, then the seller's payable, reserve and at last debt.
So a buyer's line names the seller's pending account and nothing of the seller's affairs.
"""

from __future__ import annotations

from uuid import UUID

from exchange.billing import accounts, ledger, queries
from exchange.billing.ledger import Entry, Move
from exchange.billing.models import Reason
from exchange.billing.queries import SaleHistory
from exchange.billing.services.holds import LockedHold, lock_captured
from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.errors import Conflict
from exchange.core.events import Ref
from exchange.core.money import Money


def refund(
    *,
    ref: Ref,
    buyer_id: UUID,
    seller_id: UUID,
    price: Money,
    settled: bool,
    reason_key: str,
    actor: Actor,
    amount: Money | None = None,
    commission_bps: int | None = None,
    reserve_first: bool = False,
) -> Money:
    """Give a sale's money back to the buyer's wallet, once for the reason; returns how much.

    Without an amount it is all that was not refunded before. Of a settled sale the seller's payable
    money goes first; under the guarantee the reserve does, which is kept for it. Repeated under
    the same reason it moves nothing. Raises Conflict `over_refunded` for more than is left of the
    price, and when `settled` is not what the books say.
    """
    hold = lock_captured([ref])[ref]
    key = ledger.key(ref, f"refunded-{reason_key}")
    if ledger.made([key]):
        return Money(0, price.currency)
    history = queries.sale_histories([ref])[ref]
    back = _checked(hold, history, price=price, amount=amount, settled=settled)
    assert hold.organization_id == buyer_id
    assert commission_bps is None or _agrees(history, commission_bps, price)
    currency = price.currency
    source, target = accounts.pending(seller_id, currency), accounts.wallet(buyer_id, currency)
    entries = [Entry(key, Reason.REFUNDED, ref, (Move(source, target, back),))]
    if history.is_settled:
        # It stands first, so that statements tell it in this order.
        entries.insert(
            0,
            _reversal(f"{key}-reversal", entries[0], history=history, reserve_first=reserve_first),
        )
    ledger.post_all(entries)
    events.record(
        "sale.refunded",
        subject=ref,
        actor=actor,
        organization_id=buyer_id,
        amount=back.amount,
        currency=currency,
        reason=reason_key,
    )
    return back


def compensate(
    *, ref: Ref, seller_id: UUID, price: Money, commission_bps: int, actor: Actor
) -> Money:
    """Pay a seller for a sale that was refunded wrongly, once; the exchange bears it.

    The buyer keeps what was refunded. The seller gets what a settlement would have left, with
    nothing kept in reserve; a debt is repaid first. Returns how much moved. Raises Conflict where
    the sale was not refunded whole.
    """
    lock_captured([ref])
    history, key = queries.sale_histories([ref])[ref], ledger.key(ref, "compensated")
    if history.refunded != price.amount:
        raise Conflict("This sale was not refunded, so there is nothing to make good.")
    if ledger.made([key]):
        return Money(0, price.currency)
    currency = price.currency
    debt, payable = (
        accounts.seller_debt(seller_id, currency),
        accounts.payable(seller_id, currency),
    )
    whole = price - price.share(commission_bps)
    owed = Money(max(-ledger.lock_balances([debt, payable])[debt], 0), currency)
    repaid, source = min(owed, whole), accounts.write_off(currency)
    moves = (Move(source, debt, repaid), Move(source, payable, whole - repaid))
    ledger.post(key=key, reason=Reason.CORRECTION, subject=ref, moves=moves)
    events.record(
        "sale.compensated",
        subject=ref,
        actor=actor,
        organization_id=seller_id,
        amount=whole.amount,
        currency=currency,
    )
    return whole


def commission_back(history: SaleHistory, back: Money) -> Money:
    """What of the commission comes back with this refund.

    Cumulative: `floor(commission * refunded / settled)` less what came back before, so that parts
    never round away a cent and a whole refund returns the whole commission.
    """
    whole = history.commission * (history.reversed + back.amount) // history.settled
    return Money(whole - history.commission_back, back.currency)


def _checked(
    hold: LockedHold, history: SaleHistory, *, price: Money, amount: Money | None, settled: bool
) -> Money:
    assert hold.amount == price
    if settled is not history.is_settled:
        raise Conflict("This sale was settled or refunded meanwhile. Look again.")
    left = Money(price.amount - history.refunded, price.currency)
    back = left if amount is None else amount
    if not Money(0, price.currency) < back <= left:
        raise Conflict("There is not so much left to refund.", code="over_refunded")
    return back


def _agrees(history: SaleHistory, commission_bps: int, price: Money) -> bool:
    settled = Money(history.settled, price.currency)
    return history.commission == settled.share(commission_bps).amount


def _reversal(key: str, entry: Entry, *, history: SaleHistory, reserve_first: bool) -> Entry:
    """The posting that brings a settled sale's money back to where `entry` takes it from."""
    (refunded,) = entry.moves
    pending, back = refunded.source, refunded.amount
    seller_id, currency = pending.organization_id, back.currency
    assert seller_id is not None
    sources = [accounts.payable(seller_id, currency), accounts.reserve(seller_id, currency)]
    if reserve_first:
        sources.reverse()
    debt = accounts.seller_debt(seller_id, currency)
    # All that the two postings touch is locked here, in one go.
    balances = ledger.lock_balances([*sources, debt, pending, refunded.target])
    ours = commission_back(history, back)
    moves, left = [Move(accounts.commission(currency), pending, ours)], back - ours
    for source in sources:
        part = min(left, Money(balances[source], currency))
        moves.append(Move(source, pending, part))
        left = left - part
    moves.append(Move(debt, pending, left))
    return Entry(key, Reason.SALE_REVERSED, entry.subject, tuple(moves))
