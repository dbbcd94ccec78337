"""Settlement: when a return window has closed, pending money becomes the seller's and ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.billing import accounts, ledger, queries
from exchange.billing.accounts import AccountRef
from exchange.billing.ledger import Entry, Move
from exchange.billing.models import Reason
from exchange.billing.queries import SaleHistory
from exchange.billing.services.holds import lock_captured
from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.events import Ref
from exchange.core.money import Currency, Money


@dataclass(frozen=True, slots=True)
class Sale:
    """One delivered sale that is due, with the rates that were agreed for it."""

    ref: Ref
    seller_id: UUID
    price: Money
    commission_bps: int
    reserve_bps: int


@dataclass(frozen=True, slots=True)
class Shares:
    """How the money of one sale is divided; the parts add up to the whole."""

    commission: Money
    debt: Money  # repays what the seller owes from earlier refunds
    reserve: Money
    payable: Money


def settle(
    *,
    ref: Ref,
    seller_id: UUID,
    price: Money,
    commission_bps: int,
    reserve_bps: int,
    actor: Actor,
) -> bool:
    """Settle one sale; see `settle_all`. True when it moved money."""
    sale = Sale(ref, seller_id, price, commission_bps, reserve_bps)
    return bool(settle_all([sale], actor=actor))


def settle_all(sales: Sequence[Sale], *, actor: Actor) -> int:
    """Divide what is pending of each sale, once; returns how many moved money.

    What was refunded before is not there to divide. A seller's debt is repaid before anything is
    kept in reserve or made payable. Raises NotFound and Conflict as `lock_captured` does.
    """
    holds = lock_captured(sale.ref for sale in sales)
    assert all(holds[sale.ref].amount == sale.price for sale in sales)
    histories = queries.sale_histories(list(holds))
    due = [sale for sale in sales if not histories[sale.ref].is_settled]
    entries = _entries(due, histories, debts=_debts(due))
    made = ledger.post_all(entries)
    _record(due, actor=actor)
    return len(made)


def divide(amount: Money, *, commission_bps: int, reserve_bps: int, debt: Money) -> Shares:
    """The parts of an amount: the commission rounds down, the seller receives all the rest."""
    commission = amount.share(commission_bps)
    sellers = amount - commission
    repaid = min(debt, sellers)
    reserve = min(amount.share(reserve_bps), sellers - repaid)
    return Shares(commission, repaid, reserve, sellers - repaid - reserve)


def _entries(
    due: Sequence[Sale], histories: Mapping[Ref, SaleHistory], *, debts: dict[AccountRef, Money]
) -> list[Entry]:
    entries = []
    for sale in due:
        debtor = accounts.seller_debt(sale.seller_id, sale.price.currency)
        left = Money(sale.price.amount - histories[sale.ref].refunded, sale.price.currency)
        shares = divide(
            left,
            commission_bps=sale.commission_bps,
            reserve_bps=sale.reserve_bps,
            debt=debts[debtor],
        )
        debts[debtor] = debts[debtor] - shares.debt
        entries.append(_entry(sale, shares))
    return entries


def _entry(sale: Sale, shares: Shares) -> Entry:
    seller, currency = sale.seller_id, sale.price.currency
    pending = accounts.pending(seller, currency)
    return Entry(
        key=ledger.key(sale.ref, "settled"),
        reason=Reason.SALE_SETTLED,
        subject=sale.ref,
        moves=(
            Move(pending, accounts.commission(currency), shares.commission),
            Move(pending, accounts.seller_debt(seller, currency), shares.debt),
            Move(pending, accounts.reserve(seller, currency), shares.reserve),
            Move(pending, accounts.payable(seller, currency), shares.payable),
        ),
    )


def _debts(due: Iterable[Sale]) -> dict[AccountRef, Money]:
    """What each seller owes, behind the locks of all accounts that the settlement touches."""
    touched = {
        account(sale.seller_id, sale.price.currency)
        for sale in due
        for account in (
            accounts.pending,
            accounts.seller_debt,
            accounts.reserve,
            accounts.payable,
        )
    }
    balances = ledger.lock_balances(touched)
    return {ref: Money(max(-amount, 0), ref.currency) for ref, amount in balances.items()}


def _record(due: Sequence[Sale], *, actor: Actor) -> None:
    sums: defaultdict[tuple[UUID, Currency], list[int]] = defaultdict(list)
    for sale in due:
        sums[sale.seller_id, sale.price.currency].append(sale.price.amount)
    for (seller_id, currency), prices in sums.items():
        events.record(
            "sale.settled",
            subject=Ref("organization", seller_id),
            actor=actor,
            organization_id=seller_id,
            count=len(prices),
            amount=sum(prices),
            currency=currency,
        )
