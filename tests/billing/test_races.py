"""Money under threads. Each race has a control without the lock, which must lose it."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from psycopg.errors import DeadlockDetected
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from exchange.billing import accounts, ledger, queries
from exchange.billing.ledger import Move
from exchange.billing.models import Account, Hold, PayoutStatus, Posting, Reason
from exchange.billing.services import holds, payouts, sealing
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.errors import Conflict, IllegalTransition, InsufficientFunds
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.invariants import violations
from tests.billing.books import EUR, Deal, amounts, commit, eur, fund, hold
from tests.billing.racing import PATIENCE_SECONDS, race, wins
from tests.cast import Cast, make_cast
from tests.servers.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.commits
THREADS = 8


@pytest.fixture
def players(committed: Flask) -> Cast:
    return make_cast()


class TestOneWallet:
    def test_eight_at_once_spend_exactly_what_is_there(
        self, committed: Flask, players: Cast
    ) -> None:
        fund(players.buyer, 1_000)
        commit()
        works = [
            partial(hold, [Deal(players.buyer, players.seller, eur(100))])
            for _ in range(3 * THREADS)
        ]
        outcomes = [
            outcome
            for first in range(0, len(works), THREADS)
            for outcome in race(committed, works[first : first + THREADS])
        ]
        assert wins(outcomes) == 10
        assert all(isinstance(outcome, (Ref, InsufficientFunds)) for outcome in outcomes)
        assert amounts(players.buyer) == {"held": 1_000}

    def test_control_without_the_lock_more_is_spent_than_there_was(
        self, committed: Flask, players: Cast
    ) -> None:
        fund(players.buyer, 1_000)
        commit()
        wallet = accounts.wallet(players.buyer.organization.id, EUR)
        everybody_has_looked = Barrier(THREADS)

        def spend() -> None:
            balance = db.session.scalar(select(Account.balance).where(Account.id == wallet.id))
            assert balance is not None
            everybody_has_looked.wait(PATIENCE_SECONDS)
            if balance < 1_000:
                raise InsufficientFunds
            db.session.execute(update(Account).where(Account.id == wallet.id).values(balance=0))

        assert wins(race(committed, [spend] * THREADS)) == THREADS
        assert any("ledger.balances" in found for found in violations())
        heal(wallet.id, 1_000)


class TestManyAccounts:
    def test_postings_in_all_directions_never_wait_for_each_other(
        self, committed: Flask, players: Cast
    ) -> None:
        owners = [players.buyer, players.other_buyer, players.newcomer]
        for player in owners:
            fund(player, 100_000)
        commit()

        def shuffle(seed: int) -> None:
            own = random.Random(seed)
            for _ in range(12):
                source, target = own.sample(owners, 2)
                transfer(source.organization.id, target.organization.id, own.randint(1, 90))

        works = [partial(shuffle, seed) for seed in range(THREADS)]
        assert [outcome for outcome in race(committed, works) if outcome is not None] == []
        assert sum(amounts(player)["wallet"] for player in owners) == 300_000

    def test_control_locked_as_they_come_two_wait_for_each_other(
        self, committed: Flask, players: Cast
    ) -> None:
        fund(players.buyer, 100)
        fund(players.other_buyer, 100)
        commit()
        ids = [
            accounts.wallet(player.organization.id, EUR).id
            for player in (players.buyer, players.other_buyer)
        ]
        both_hold_one = Barrier(2)

        def lock_in_order(first: UUID, second: UUID) -> None:
            lock_account(first)
            both_hold_one.wait(PATIENCE_SECONDS)
            lock_account(second)

        outcomes = race(
            committed, [partial(lock_in_order, *ids), partial(lock_in_order, *reversed(ids))]
        )
        assert wins(outcomes) == 1
        (lost,) = [outcome for outcome in outcomes if isinstance(outcome, DBAPIError)]
        assert isinstance(lost.orig, DeadlockDetected)


class TestOneKey:
    def test_eight_make_one_posting(self, committed: Flask, players: Cast) -> None:
        owner = players.buyer.organization.id
        move = Move(accounts.cash(EUR), accounts.wallet(owner, EUR), eur(100))
        subject = Ref("organization", owner)

        def pay_in() -> bool:
            return ledger.post(key="one", reason=Reason.TOPPED_UP, subject=subject, moves=[move])

        outcomes = race(committed, [pay_in] * THREADS)
        assert sorted(map(bool, outcomes)) == [False] * (THREADS - 1) + [True]
        assert amounts(players.buyer) == {"wallet": 100}

    def test_eight_make_one_posting_of_the_house_whose_accounts_nobody_locks(
        self, committed: Flask
    ) -> None:
        move = Move(accounts.processing_fees(EUR), accounts.cash(EUR), eur(100))

        def book() -> bool:
            return ledger.post(
                key="fee", reason=Reason.PROCESSING_FEE, subject=Ref("test", uuid7()), moves=[move]
            )

        outcomes = race(committed, [book] * THREADS)
        assert sorted(map(bool, outcomes)) == [False] * (THREADS - 1) + [True]
        assert queries.platform_balance(accounts.cash(EUR).kind, EUR) == eur(100)


class TestOneSale:
    def test_a_hold_is_captured_or_released_and_never_both(
        self, committed: Flask, players: Cast
    ) -> None:
        fund(players.buyer, 100_000)
        for _ in range(15):
            deal = Deal(players.buyer, players.seller, eur(100)).hold()
            commit()
            seller_of = {deal.ref.id: players.seller.organization.id}
            capture = partial(holds.capture_all, refs=[deal.ref], seller_of=seller_of, actor=SYSTEM)
            release = partial(holds.release_all, refs=[deal.ref], actor=SYSTEM)
            outcomes = race(committed, [capture, release, capture, release])
            refusals = [found for found in outcomes if isinstance(found, Exception)]
            assert {type(refusal) for refusal in refusals} == {IllegalTransition}
            assert sum(found == 1 for found in outcomes) == 1
        assert db.session.query(Hold).filter_by(status="active").count() == 0

    def test_of_two_whole_refunds_one_is_made(self, committed: Flask, players: Cast) -> None:
        fund(players.buyer, 100_000)
        for is_settled in (False, True) * 6:
            deal = Deal(players.buyer, players.seller, eur(999)).deliver()
            if is_settled:
                deal.settle()
            commit()
            outcomes = race(
                committed,
                [
                    partial(deal.refund, settled=is_settled, reason=reason)
                    for reason in ("return", "failed_check")
                ],
            )
            assert wins(outcomes) == 1
            assert all(isinstance(found, Conflict) for found in outcomes if found != eur(999))
        assert amounts(players.buyer) == {"wallet": 100_000}

    def test_settlement_and_refund_at_once_leave_nothing_over(
        self, committed: Flask, players: Cast
    ) -> None:
        fund(players.buyer, 100_000)
        for _ in range(12):
            deal = Deal(players.buyer, players.seller, eur(999)).deliver()
            commit()
            race(committed, [deal.settle, partial(deal.refund, settled=False)])
            history = queries.sale_histories([deal.ref])[deal.ref]
            assert (history.refunded, history.settled) in {(999, 0), (0, 999)}


class TestPayouts:
    def test_what_is_payable_leaves_once(self, committed: Flask, players: Cast) -> None:
        prepare_payout(players)
        seller = players.seller.organization.id
        ask = partial(
            payouts.request, organization_id=seller, currency=EUR, actor=players.seller.actor
        )
        outcomes = race(committed, [ask] * THREADS)
        assert wins(outcomes) == 1
        assert amounts(players.seller) == {"in_transit": 7_500, "reserve": 1_000}

    def test_two_workers_send_one_transfer(
        self, committed: Flask, players: Cast, stripe_process: StripeSandbox
    ) -> None:
        stripe_process.reset()
        settings = replace(committed.config["SETTINGS"], stripe_api_url=stripe_process.url)
        committed.config["SETTINGS"] = settings
        prepare_payout(players, stripe_process)
        with unit_of_work():
            payout = payouts.request(
                organization_id=players.seller.organization.id,
                currency=EUR,
                actor=players.seller.actor,
            )
        race(committed, [partial(payouts.send, payout.id)] * 4)
        db.session.refresh(payout)
        assert payout.status is PayoutStatus.IN_TRANSIT
        assert len(stripe_process.objects("transfer")) == 1


class TestSealers:
    def test_two_sealers_and_writers_leave_a_chain_that_holds(
        self, committed: Flask, players: Cast
    ) -> None:
        fund(players.buyer, 100_000)
        commit()

        def write() -> None:
            for _ in range(10):
                with unit_of_work():
                    Deal(players.buyer, players.seller, eur(100)).hold()

        def seal() -> None:
            for _ in range(10):
                with unit_of_work():
                    sealing.seal_pending()

        assert wins(race(committed, [write, write, seal, seal])) == 4
        with unit_of_work():
            sealing.seal_pending()
        report = queries.verify_chain()
        assert (report.faults, report.waiting) == ([], 0)
        assert report.links == db.session.query(Posting).count() == 21


def transfer(source: UUID, target: UUID, amount: int) -> None:
    move = Move(accounts.wallet(source, EUR), accounts.wallet(target, EUR), eur(amount))
    subject = Ref("test", uuid7())
    with unit_of_work():
        key = f"test-{subject.id}"
        ledger.post(key=key, reason=Reason.CORRECTION, subject=subject, moves=[move])


def lock_account(account_id: UUID) -> None:
    db.session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


def heal(account_id: UUID, balance: int) -> None:
    """Mend what a control has broken, so that the books hold at the end."""
    db.session.execute(
        text("UPDATE account SET balance = :b WHERE id = :id"), {"b": balance, "id": account_id}
    )
    commit()


def prepare_payout(players: Cast, stripe: StripeSandbox | None = None) -> None:
    """7,500 cents payable and an account that is ready; at Stripe too when it is asked."""
    fund(players.buyer, 30_000)
    Deal(players.buyer, players.seller).deliver().settle()
    owner = players.seller.organization.id
    account = payouts.connect_account(organization_id=owner, actor=SYSTEM)
    if stripe is not None:
        stripe.fund(30_000, "eur")
        payouts.open_account(account.id)
        stripe.enable(str(account.external_id))
    payouts.make_account_ready(account_id=account.id, actor=SYSTEM)
    commit()
