"""Pools: they follow what is asked of them, give holds, and end in the buyer's debt, not ours."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from exchange.billing import queries
from exchange.billing.accounts import AccountRef
from exchange.billing.models import Account, AccountKind, Hold, Pool, Posting
from exchange.billing.services import debts, holds, pools
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import InsufficientFunds
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.money import Currency, Money
from tests.cast import Cast
from tests.factories.billing import fund_wallet, grant_credit

K = AccountKind


def usd(amount: int) -> Money:
    return Money(amount, Currency.USD)


class Case:
    """One subject of the cast's buyer, with 100.00 in the wallet."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.owner = cast, cast.buyer.organization.id
        self.subject = Ref("contract", uuid7())
        fund_wallet(cast.buyer, 100_00)

    def resize(self, to: int, *, partly: bool = False) -> Money:
        return pools.resize(
            organization_id=self.owner,
            subject=self.subject,
            to=usd(to),
            partly=partly,
            actor=SYSTEM,
        )

    def draw(self, amount: int, ref: Ref | None = None) -> Money:
        return pools.draw(
            organization_id=self.owner,
            subject=self.subject,
            ref=ref or Ref("conversion", uuid7()),
            amount=usd(amount),
            actor=SYSTEM,
        )

    def balances(self) -> tuple[int, int, int]:
        """Wallet, held and debt, in cents."""
        found = queries.balances(self.owner)[0]
        return found.wallet.amount, found.held.amount, found.debt.amount

    def lend(self, amount: int) -> None:
        """A credit limit: the wallet's floor."""
        grant_credit(self.cast, self.cast.buyer, usd(amount))


@pytest.fixture
def case(cast: Cast) -> Case:
    return Case(cast)


class TestResize:
    def test_it_grows_and_shrinks_with_a_posting_for_each_change(self, case: Case) -> None:
        for size in (60_00, 60_00, 20_00, 90_00, 0):
            assert case.resize(size) == usd(size)
            assert case.balances() == (100_00 - size, size, 0)
        made = db.session.query(Posting).filter_by(subject_id=case.subject.id).count()
        assert made == 4

    def test_it_changes_nothing_where_the_wallet_ends(self, case: Case) -> None:
        case.resize(60_00)
        with pytest.raises(InsufficientFunds) as refused:
            case.resize(100_01)
        assert refused.value.facts["missing"] == 1
        assert case.balances() == (40_00, 60_00, 0)

    def test_it_goes_as_far_as_the_wallet_where_that_is_asked(self, case: Case) -> None:
        assert case.resize(130_00, partly=True) == usd(100_00)
        assert case.balances() == (0, 100_00, 0)

    def test_credit_backs_a_pool_as_money_does(self, case: Case) -> None:
        case.lend(30_00)
        assert case.resize(130_00) == usd(130_00)
        assert case.balances() == (-30_00, 130_00, 0)


class TestDraw:
    def test_a_hold_from_the_pool_moves_no_money(self, case: Case) -> None:
        case.resize(60_00)
        assert case.draw(45_00) == usd(0)
        assert case.balances() == (40_00, 60_00, 0)
        assert db.session.scalars(select(Pool)).one().amount == usd(15_00)

    def test_what_the_pool_lacks_comes_from_wallet_credit_and_debt(self, case: Case) -> None:
        case.lend(20_00)
        case.resize(60_00)
        assert case.draw(150_00) == usd(30_00)
        assert case.balances() == (-20_00, 150_00, 30_00)

    def test_a_hold_without_a_pool_is_whole_too(self, case: Case) -> None:
        ref = Ref("conversion", uuid7())
        assert case.draw(100_01, ref) == usd(1)
        held = db.session.query(Hold).filter_by(subject_id=ref.id).one()
        assert held.amount == usd(100_01)


class TestRepay:
    def repaid(self, case: Case) -> int:
        currency = Currency.USD
        return debts.repay(organization_id=case.owner, currency=currency, actor=SYSTEM).amount

    def test_money_of_the_wallet_repays_once(self, case: Case, cast: Cast) -> None:
        case.draw(130_00)
        fund_wallet(cast.buyer, 20_00)
        assert [self.repaid(case), self.repaid(case)] == [20_00, 0]
        fund_wallet(cast.buyer, 50_00)
        assert self.repaid(case) == 10_00
        assert case.balances() == (40_00, 130_00, 0)

    def test_credit_repays_nothing(self, case: Case) -> None:
        case.draw(130_00)
        case.lend(50_00)
        assert self.repaid(case) == 0

    def test_a_released_hold_repays_by_the_sweep(self, case: Case, sweep) -> None:
        ref = Ref("conversion", uuid7())
        case.draw(130_00, ref)
        holds.release_all(refs=[ref], actor=SYSTEM)
        assert queries.debtors_with_money(limit=5) == [(case.owner, Currency.USD)]
        sweep("billing.debts")
        assert case.balances() == (100_00, 0, 0)
        assert queries.balance(case.owner, K.BUYER_DEBT, Currency.USD) == usd(0)


def test_pools_count_as_held(case: Case) -> None:
    """The control of the invariant: a pool that the books know nothing of is found."""
    case.resize(60_00)
    db.session.execute(
        update(Account)
        .where(Account.id == AccountRef(K.HELD, Currency.USD, case.owner).id)
        .values(balance=59_99)
    )
    assert any(
        "holds and pools" in found for found in queries.invariants.held_equals_active_holds()
    )
    db.session.rollback()
