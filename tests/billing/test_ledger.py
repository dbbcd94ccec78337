from __future__ import annotations

import pytest
from sqlalchemy import text

from exchange.billing import accounts, ledger, queries
from exchange.billing.accounts import AccountRef
from exchange.billing.ledger import Entry, Move
from exchange.billing.models import AccountKind, Posting, Reason
from exchange.core.db import db
from exchange.core.errors import InsufficientFunds
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.invariants import violations
from exchange.core.money import Currency, CurrencyMismatch, Money
from tests.billing.books import EUR, amounts, eur, fund, undone
from tests.cast import Cast
from tests.conftest import count_statements


def entry(key: str, *moves: Move) -> Entry:
    return Entry(key, Reason.CORRECTION, Ref("test", uuid7()), moves)


def spend(cast: Cast, amount: int) -> Move:
    owner = cast.buyer.organization.id
    return Move(accounts.wallet(owner, EUR), accounts.held(owner, EUR), eur(amount))


class TestMove:
    def test_two_currencies_never_meet(self, cast: Cast) -> None:
        owner = cast.buyer.organization.id
        with pytest.raises(CurrencyMismatch):
            Move(accounts.cash(EUR), accounts.wallet(owner, Currency.USD), eur(1))

    def test_an_amount_is_never_negative(self) -> None:
        with pytest.raises(ValueError, match="never negative"):
            Move(accounts.cash(EUR), accounts.commission(EUR), eur(-1))


class TestPost:
    def test_a_repeat_moves_nothing(self, cast: Cast) -> None:
        money = fund(cast.buyer, 100)
        owner = cast.buyer.organization.id
        for moved in (True, False):
            move = Move(accounts.wallet(owner, EUR), accounts.cash(EUR), money)
            subject = Ref("organization", owner)
            assert (
                ledger.post(key="once", reason=Reason.CORRECTION, subject=subject, moves=[move])
                is moved
            )
        assert amounts(cast.buyer) == {}

    def test_a_posting_of_nothing_is_not_made(self, cast: Cast) -> None:
        assert ledger.post_all([entry("nothing", spend(cast, 0))]) == frozenset()
        assert ledger.post_all([]) == frozenset()
        assert db.session.query(Posting).count() == 0

    def test_one_account_may_give_and_take_in_one_posting(self, cast: Cast) -> None:
        owner = cast.buyer.organization.id
        through = [
            Move(accounts.cash(EUR), accounts.wallet(owner, EUR), eur(70)),
            spend(cast, 70),
            Move(accounts.held(owner, EUR), accounts.cash(EUR), eur(70)),
        ]
        assert ledger.post_all([entry("through", *through)])
        assert amounts(cast.buyer) == {}

    def test_a_refusal_writes_nothing_so_that_the_caller_may_go_on(self, cast: Cast) -> None:
        fund(cast.buyer, 100)
        with pytest.raises(InsufficientFunds) as refused:
            ledger.post_all([entry("a", spend(cast, 60)), entry("b", spend(cast, 60))])
        assert refused.value.facts == {"missing": 20, "currency": "EUR"}
        assert db.session.query(Posting).filter(Posting.key.in_(["a", "b"])).count() == 0

    def test_of_several_only_the_new_ones_move(self, cast: Cast) -> None:
        fund(cast.buyer, 100)
        owner = cast.buyer.organization.id
        move = Move(accounts.wallet(owner, EUR), accounts.cash(EUR), eur(30))
        assert ledger.post_all([entry("a", move)]) == {"a"}
        assert ledger.post_all([entry("b", move), entry("a", move)]) == {"b"}
        assert amounts(cast.buyer) == {"wallet": 40}

    def test_statements_tell_postings_in_the_order_they_were_asked_for(self, cast: Cast) -> None:
        owner = cast.buyer.organization.id
        move = Move(accounts.cash(EUR), accounts.wallet(owner, EUR), eur(1))
        keys = [f"{9 - n}" for n in range(10)]
        ledger.post_all([entry(key, move) for key in keys])
        assert [found.key for found in queries.whole_journal()] == keys

    def test_a_thousand_postings_are_a_handful_of_statements(self, cast: Cast) -> None:
        owner = cast.buyer.organization.id
        move = Move(accounts.cash(EUR), accounts.wallet(owner, EUR), eur(1))
        with count_statements() as seen:
            ledger.post_all([entry(f"{n}", move) for n in range(1_000)])
        assert amounts(cast.buyer) == {"wallet": 1_000}
        assert len(seen) < 10

    def test_a_debt_has_no_floor(self, cast: Cast) -> None:
        seller, buyer = cast.seller.organization.id, cast.buyer.organization.id
        move = Move(accounts.seller_debt(seller, EUR), accounts.wallet(buyer, EUR), eur(500))
        assert ledger.post_all([entry("debt", move)])
        assert amounts(cast.seller) == {"debt": 500}


class TestTrialBalance:
    def test_debits_equal_credits_and_stand_on_their_sides(self, cast: Cast) -> None:
        fund(cast.buyer, 12_345)
        fee = Move(accounts.processing_fees(EUR), accounts.cash(EUR), eur(388))
        ledger.post_all([entry("fee", fee)])
        lines = {line.kind: line for line in queries.trial_balance(EUR)}
        assert lines[AccountKind.CASH].debit == eur(11_957)
        assert lines[AccountKind.PROCESSING_FEES].debit == eur(388)
        assert lines[AccountKind.WALLET].credit == eur(12_345)
        debits, credited = (
            sum(getattr(line, side).amount for line in lines.values())
            for side in ("debit", "credit")
        )
        assert debits == credited
        assert queries.trial_balance(Currency.MYR) == []


class TestInvariants:
    """Each invariant is broken on purpose, as the owner of the tables could, and is found."""

    @pytest.mark.parametrize(
        ("statement", "name"),
        [
            ("UPDATE account SET balance = balance + 1 WHERE kind = 'wallet'", "ledger.balances"),
            ("UPDATE account SET balance = balance + 1 WHERE kind = 'wallet'", "ledger.zero"),
            ("UPDATE account SET currency = 'USD' WHERE kind = 'wallet'", "ledger.one_currency"),
            (
                (
                    "INSERT INTO posting SELECT gen_random_uuid(), 'empty', reason, subject_kind,"
                    " subject_id, occurred_at, created_at FROM posting LIMIT 1"
                ),
                "ledger.postings",
            ),
            (
                (
                    "INSERT INTO hold (id, organization_id, amount_amount, amount_currency,"
                    " subject_kind, subject_id, status) SELECT gen_random_uuid(), organization_id, 1,"
                    " 'EUR', 'line', gen_random_uuid(), 'active' FROM account WHERE kind = 'wallet'"
                ),
                "ledger.holds",
            ),
            (
                (
                    "INSERT INTO payout (id, organization_id, amount_amount, amount_currency, status,"
                    " failure, next_attempt_at) SELECT gen_random_uuid(), organization_id, 1, 'EUR',"
                    " 'held', '', now() FROM account WHERE kind = 'wallet'"
                ),
                "ledger.payouts",
            ),
            (
                (
                    "INSERT INTO top_up (id, organization_id, amount_amount, amount_currency, status)"
                    " SELECT gen_random_uuid(), organization_id, 1, 'EUR', 'succeeded' FROM account"
                    " WHERE kind = 'wallet'"
                ),
                "ledger.top_ups",
            ),
        ],
    )
    def test_a_broken_book_is_found(self, cast: Cast, statement: str, name: str) -> None:
        fund(cast.buyer, 100)
        with undone():
            db.session.execute(text(statement))
            assert name in {found.split(": ")[0] for found in violations()}


def test_an_account_is_the_same_on_every_machine() -> None:
    ref = AccountRef(AccountKind.COMMISSION, EUR)
    assert str(ref.id) == "5692c86d-4048-586b-9c0f-f977fde3cc8f"
    assert ref.floor is None
    assert Money(1, EUR).currency is EUR
