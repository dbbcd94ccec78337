"""The books against a model of them: whatever happens in whatever order, both say the same.

The model knows nothing of postings; it is a page of sums, written from the rules of the house.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from exchange.billing.gateway import ConnectTransfer
from exchange.billing.models import AccountKind, Payout, PayoutAccount, PayoutAccountStatus
from exchange.billing.services import holds, payouts
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.errors import Conflict, DomainError, IllegalTransition, InsufficientFunds
from exchange.core.ids import uuid7
from exchange.core.invariants import INVARIANTS
from tests.billing.books import EUR, Deal, amounts, eur, fund, hold, house, undone
from tests.cast import Cast, Player

STEPS, RUNS = 25, 8
PRICES = st.integers(1, 700)
RATES = st.sampled_from([0, 1, 333, 999, 1_500, 10_000])


@dataclass
class Sale:
    """What the model knows of one deal."""

    deal: Deal
    state: str = "held"  # held, released, delivered or settled
    before: int = 0  # refunded before the settlement
    base: int = 0  # divided at the settlement
    fee: int = 0
    back: int = 0
    after: int = 0  # refunded since the settlement

    @property
    def left(self) -> int:
        return self.deal.price.amount - self.before - self.after


class Books(RuleBasedStateMachine):
    """Two buyers and two sellers; `sums` counts cents by player and account."""

    deals: Bundle[Sale] = Bundle("deals")
    sent: Bundle[Payout] = Bundle("sent")

    def __init__(self, cast: Cast) -> None:
        super().__init__()
        self.players = [cast.buyer, cast.other_buyer, cast.seller, cast.other_seller]
        self.block = undone()
        self.block.__enter__()
        for seller in self.players[2:]:
            owner, ready = seller.organization.id, PayoutAccountStatus.READY
            save(PayoutAccount(organization_id=owner, status=ready))
        self.sums: Counter[tuple[int, str]] = Counter()
        self.commission = 0

    def teardown(self) -> None:
        self.block.__exit__(None, None, None)

    def refused(self, kind: type[DomainError], verb: Any) -> None:  # Any: a call without arguments
        """The verb must be refused so; what it began is forgotten as at the end of a request."""
        with pytest.raises(kind), db.session.begin_nested():
            verb()

    @rule(who=st.integers(0, 1), amount=st.integers(1, 2_000))
    def pay_in(self, who: int, amount: int) -> None:
        fund(self.players[who], amount)
        self.sums[who, "wallet"] += amount

    @rule(
        target=deals,
        who=st.integers(0, 1),
        seller=st.integers(2, 3),
        price=PRICES,
    )
    def order(self, who: int, seller: int, price: int) -> Sale:
        deal = Deal(self.players[who], self.players[seller], eur(price))
        sale = Sale(deal)
        if self.sums[who, "wallet"] < price:
            self.refused(InsufficientFunds, lambda: hold([deal]))
            sale.state = "never"
            return sale
        hold([deal])
        self.move(price, (who, "wallet"), (who, "held"))
        return sale

    @rule(sale=deals)
    def capture(self, sale: Sale) -> None:
        seller_of = {sale.deal.ref.id: sale.deal.seller.organization.id}

        def capture() -> None:
            holds.capture_all(refs=[sale.deal.ref], seller_of=seller_of, actor=SYSTEM)

        if sale.state in {"released", "never"}:
            wrong = IllegalTransition if sale.state == "released" else DomainError
            self.refused(wrong, capture)
            return
        capture()
        if sale.state == "held":
            sale.state = "delivered"
            buyer, seller = self.sides(sale)
            self.move(sale.deal.price.amount, (buyer, "held"), (seller, "pending"))

    @rule(sale=deals)
    def release(self, sale: Sale) -> None:
        def release() -> None:
            holds.release_all(refs=[sale.deal.ref], actor=SYSTEM)

        if sale.state in {"delivered", "settled", "never"}:
            self.refused(DomainError, release)
            return
        release()
        if sale.state == "held":
            sale.state = "released"
            buyer, _ = self.sides(sale)
            self.move(sale.deal.price.amount, (buyer, "held"), (buyer, "wallet"))

    @rule(sale=deals, commission=RATES, reserve=RATES)
    def settle(self, sale: Sale, commission: int, reserve: int) -> None:
        def settle() -> None:
            sale.deal.settle(commission_bps=commission, reserve_bps=reserve)

        if sale.state not in {"delivered", "settled"}:
            self.refused(DomainError, settle)
            return
        settle()
        if sale.state == "delivered" and sale.left:
            self.divide(sale, commission=commission, reserve=reserve)

    def divide(self, sale: Sale, *, commission: int, reserve: int) -> None:
        _, seller = self.sides(sale)
        sale.state, sale.base = "settled", sale.left
        sale.fee = sale.base * commission // 10_000
        rest = sale.base - sale.fee
        repaid = min(self.sums[seller, "debt"], rest)
        kept = min(sale.base * reserve // 10_000, rest - repaid)
        self.commission += sale.fee
        self.sums[seller, "pending"] -= sale.base
        self.sums[seller, "debt"] -= repaid
        self.sums[seller, "reserve"] += kept
        self.sums[seller, "payable"] += rest - repaid - kept

    @rule(sale=deals, amount=PRICES)
    def refund_a_part(self, sale: Sale, amount: int) -> None:
        self.refund(sale, amount)

    @rule(sale=deals)
    def refund_the_rest(self, sale: Sale) -> None:
        self.refund(sale, None)

    def refund(self, sale: Sale, amount: int | None) -> None:
        is_settled, wanted = sale.state == "settled", sale.left if amount is None else amount

        def refund() -> None:
            sale.deal.refund(amount, settled=is_settled, reason=str(uuid7()))

        if sale.state not in {"delivered", "settled"} or not 0 < wanted <= sale.left:
            self.refused(DomainError, refund)
            return
        refund()
        buyer, seller = self.sides(sale)
        self.sums[buyer, "wallet"] += wanted
        if is_settled:
            self.take_back(sale, seller, wanted)
        else:
            sale.before += wanted
            self.sums[seller, "pending"] -= wanted

    def take_back(self, sale: Sale, seller: int, wanted: int) -> None:
        sale.after += wanted
        back = sale.fee * sale.after // sale.base - sale.back
        sale.back += back
        self.commission -= back
        left = wanted - back
        for account in ("payable", "reserve"):
            part = min(left, self.sums[seller, account])
            self.sums[seller, account] -= part
            left -= part
        self.sums[seller, "debt"] += left

    @precondition(lambda self: any(self.sums[who, "payable"] for who in (2, 3)))
    @rule(target=sent, who=st.integers(2, 3), part=st.sampled_from([1, 2]))
    def pay_out(self, who: int, part: int) -> Payout | None:
        wanted = -(-self.sums[who, "payable"] // part)
        owner = self.players[who].organization.id

        def ask() -> Payout:
            amount = eur(wanted) if part > 1 and wanted else None
            return payouts.request(organization_id=owner, currency=EUR, amount=amount, actor=SYSTEM)

        if not wanted:
            self.refused(Conflict, ask)
            return None
        payout = ask()
        self.move(wanted, (who, "payable"), (who, "in_transit"))
        return payout

    @rule(payout=sent, fails=st.booleans())
    def finish(self, payout: Payout | None, fails: bool) -> None:
        if payout is None:
            return
        transfer = ConnectTransfer(f"tr_{payout.id}", payout.amount)
        before = str(payout.status)
        if fails:
            payouts.fail(payout_id=payout.id, transfer=transfer, reason="reversed", actor=SYSTEM)
        else:
            payouts.confirm(payout_id=payout.id, transfer=transfer, actor=SYSTEM)
        who = next(
            n
            for n, player in enumerate(self.players)
            if player.organization.id == payout.organization_id
        )
        if before == "releasable":
            self.sums[who, "in_transit"] -= payout.amount.amount
        if fails and before in {"releasable", "paid"}:
            self.sums[who, "payable"] += payout.amount.amount

    def move(self, amount: int, source: tuple[int, str], target: tuple[int, str]) -> None:
        self.sums[source] -= amount
        self.sums[target] += amount

    def sides(self, sale: Sale) -> tuple[int, int]:
        return self.index(sale.deal.buyer), self.index(sale.deal.seller)

    def index(self, player: Player) -> int:
        return self.players.index(player)

    @invariant()
    def both_say_the_same(self) -> None:
        for who, player in enumerate(self.players):
            expected = {
                account: amount
                for (owner, account), amount in self.sums.items()
                if owner == who and amount
            }
            assert amounts(player) == expected
        assert house(AccountKind.COMMISSION) == self.commission

    @invariant()
    def the_books_hold(self) -> None:
        checks = (check for name, check in INVARIANTS.items() if name.startswith("ledger."))
        assert [found for check in checks for found in check()] == []


def test_the_books_agree_with_the_model(cast: Cast) -> None:
    run_state_machine_as_test(
        lambda: Books(cast),
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
