from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from exchange.billing.models import AccountKind, Payout, PayoutAccount, PayoutStatus
from exchange.billing.services import payouts
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, Forbidden, InsufficientFunds, Invalid
from exchange.identity import services as identity
from tests.billing.books import EUR, Deal, amounts, commit, eur, fund, house
from tests.cast import Cast
from tests.servers.stripe_sandbox import StripeSandbox

Connect = Callable[..., PayoutAccount]


@pytest.fixture
def earned(cast: Cast, ready_account: Connect, stripe: StripeSandbox) -> Cast:
    """A seller with 7,500 cents payable and an account to send them to."""
    fund(cast.buyer, 30_000)
    Deal(cast.buyer, cast.seller).deliver().settle()
    ready_account(cast.seller)
    stripe.fund(30_000, "eur")
    stripe.take()
    return cast


def request(cast: Cast, amount: int | None = None) -> Payout:
    payout = payouts.request(
        organization_id=cast.seller.organization.id,
        currency=EUR,
        amount=None if amount is None else eur(amount),
        actor=cast.seller.actor,
    )
    commit()
    return payout


def fresh(payout: Payout) -> Payout:
    db.session.refresh(payout)
    return payout


class TestRequest:
    def test_all_that_is_payable_leaves_at_once(self, earned: Cast) -> None:
        payout = request(earned)
        assert payout.amount == eur(7_500)
        assert amounts(earned.seller) == {"in_transit": 7_500, "reserve": 1_000}

    def test_a_part_can_be_asked_for(self, earned: Cast) -> None:
        request(earned, 2_000)
        assert amounts(earned.seller)["payable"] == 5_500

    def test_more_than_there_is_is_refused_with_what_is_missing(self, earned: Cast) -> None:
        with pytest.raises(InsufficientFunds) as refused:
            request(earned, 7_501)
        assert refused.value.facts["missing"] == 1
        db.session.rollback()
        assert amounts(earned.seller)["payable"] == 7_500

    def test_a_second_one_finds_nothing(self, earned: Cast) -> None:
        request(earned)
        with pytest.raises(Conflict) as refused:
            request(earned)
        assert refused.value.code == "nothing_payable"

    @pytest.mark.parametrize("amount", [0, -1])
    def test_nothing_and_less_are_refused(self, earned: Cast, amount: int) -> None:
        with pytest.raises(Invalid):
            request(earned, amount)

    def test_without_an_account_the_money_has_nowhere_to_go(self, cast: Cast) -> None:
        with pytest.raises(Conflict) as refused:
            request(cast)
        assert refused.value.code == "payout_account_missing"

    def test_a_suspended_organization_requests_nothing(self, earned: Cast) -> None:
        identity.suspend_organization(
            organization_id=earned.seller.organization.id, reason="a test", actor=SYSTEM
        )
        with pytest.raises(Forbidden):
            request(earned)


class TestSend:
    def test_one_transfer_is_made_and_the_event_says_that_it_is_paid(
        self,
        earned: Cast,
        stripe: StripeSandbox,
        post_events: Callable[..., int],
        run_jobs: Callable[[], int],
    ) -> None:
        payout = request(earned)
        run_jobs()
        assert fresh(payout).status is PayoutStatus.IN_TRANSIT
        post_events()
        run_jobs()
        assert fresh(payout).status is PayoutStatus.PAID
        assert amounts(earned.seller) == {"reserve": 1_000}
        (transfer,) = stripe.objects("transfer")
        assert (transfer["amount"], transfer["id"]) == (7_500, payout.external_id)

    def test_sent_twice_it_is_one_transfer(self, earned: Cast, stripe: StripeSandbox) -> None:
        payout = request(earned)
        payouts.send(payout.id)
        payouts.send(payout.id)
        assert len(stripe.objects("transfer")) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            "act_then_500",
            "act_then_500_saved",
            "act_then_reset",
            "fail_before",
            "reset_before",
            "429",
        ],
    )
    def test_whatever_happens_to_the_answer_it_is_one_transfer(
        self, earned: Cast, stripe: StripeSandbox, fault: str
    ) -> None:
        stripe.fault(fault, "/v1/transfers")
        payout = request(earned)
        payouts.send(payout.id)
        assert payout.status is PayoutStatus.RELEASABLE
        payouts.send(payout.id)
        assert payout.status is PayoutStatus.IN_TRANSIT
        (transfer,) = stripe.objects("transfer")
        assert transfer["id"] == payout.external_id

    @pytest.mark.parametrize("fault", ["hang", "act_then_hang"])
    def test_a_call_that_hangs_is_one_transfer(
        self, earned: Cast, stripe: StripeSandbox, fault: str
    ) -> None:
        stripe.fault(fault, "/v1/transfers", seconds=1.5)
        payout = request(earned)
        payouts.send(payout.id)
        assert payout.status is PayoutStatus.RELEASABLE
        stripe.clear_faults()
        payouts.send(payout.id)
        assert payout.status is PayoutStatus.IN_TRANSIT
        assert len(stripe.objects("transfer")) == 1

    def test_a_key_that_stripe_forgot_makes_no_second_transfer(
        self, earned: Cast, stripe: StripeSandbox
    ) -> None:
        stripe.fault("act_then_reset", "/v1/transfers")
        payout = request(earned)
        payouts.send(payout.id)
        stripe.advance(3 * 24 * 3_600)
        payouts.send(payout.id)
        assert len(stripe.objects("transfer")) == 1

    def test_a_refusal_makes_the_money_payable_again(
        self, earned: Cast, stripe: StripeSandbox
    ) -> None:
        (account,) = stripe.objects("account")
        stripe.enable(account["id"], enabled=False)
        payout = request(earned)
        payouts.send(payout.id)
        assert payout.status is PayoutStatus.FAILED
        assert payout.failure == "insufficient_capabilities_for_transfer"
        assert amounts(earned.seller) == {"payable": 7_500, "reserve": 1_000}

    def test_a_payout_that_was_not_sent_is_rung_for_later_and_later(
        self,
        earned: Cast,
        stripe: StripeSandbox,
        run_jobs: Callable[[], int],
        sweep: Callable[[str], None],
    ) -> None:
        stripe.fault("fail_before", "/v1/transfers", times=2)
        payout = request(earned)
        run_jobs()
        for minutes, attempts in ((1, 1), (2, 2)):
            clock.advance(timedelta(minutes=minutes))
            commit()
            sweep("billing.payouts")
            sweep("billing.payouts")  # not due again
            assert run_jobs() == 1
            assert fresh(payout).attempts == attempts
        assert fresh(payout).status is PayoutStatus.IN_TRANSIT


class TestSuspension:
    def test_a_suspended_sellers_payout_is_held_and_sent_when_approved_again(
        self, earned: Cast, stripe: StripeSandbox, run_jobs: Callable[[], int]
    ) -> None:
        payout, owner = request(earned), earned.seller.organization.id
        identity.suspend_organization(organization_id=owner, reason="a test", actor=SYSTEM)
        commit()
        run_jobs()
        assert (fresh(payout).status, payout.failure) == (PayoutStatus.HELD, payouts.SUSPENDED)
        assert stripe.objects("transfer") == []
        assert amounts(earned.seller) == {"in_transit": 7_500, "reserve": 1_000}
        identity.approve_organization(organization_id=owner, actor=SYSTEM)
        commit()
        run_jobs()
        assert fresh(payout).status is PayoutStatus.IN_TRANSIT

    def test_a_transfer_of_unknown_outcome_is_found_even_when_held(
        self,
        earned: Cast,
        stripe: StripeSandbox,
        post_events: Callable[..., int],
        run_jobs: Callable[[], int],
    ) -> None:
        stripe.fault("act_then_reset", "/v1/transfers")
        payout = request(earned)
        payouts.send(payout.id)
        owner = earned.seller.organization.id
        identity.suspend_organization(organization_id=owner, reason="a test", actor=SYSTEM)
        payouts.send(payout.id)
        assert payout.status is PayoutStatus.IN_TRANSIT


class TestFail:
    def test_a_transfer_taken_back_makes_the_money_payable_again(
        self,
        earned: Cast,
        stripe: StripeSandbox,
        post_events: Callable[..., int],
        run_jobs: Callable[[], int],
    ) -> None:
        payout = request(earned)
        run_jobs()
        cash = house(AccountKind.CASH)
        stripe.client().v1.transfers.reversals.create(str(fresh(payout).external_id))
        post_events()
        run_jobs()
        assert (fresh(payout).status, payout.failure) == (PayoutStatus.FAILED, "reversed")
        assert amounts(earned.seller) == {"payable": 7_500, "reserve": 1_000}
        assert house(AccountKind.CASH) == cash


class TestAccount:
    def test_two_clicks_make_one_account(
        self, cast: Cast, stripe: StripeSandbox, run_jobs: Callable[[], int]
    ) -> None:
        owner = cast.seller.organization.id
        first = payouts.connect_account(organization_id=owner, actor=SYSTEM)
        assert payouts.connect_account(organization_id=owner, actor=SYSTEM).id == first.id
        commit()
        run_jobs()
        assert len(stripe.objects("account")) == 1

    def test_an_answer_that_was_lost_leaves_one_account(
        self,
        cast: Cast,
        stripe: StripeSandbox,
        run_jobs: Callable[[], int],
        sweep: Callable[[str], None],
    ) -> None:
        stripe.fault("act_then_500", "/v1/accounts")
        account = payouts.connect_account(organization_id=cast.seller.organization.id, actor=SYSTEM)
        commit()
        run_jobs()
        sweep("billing.payout_accounts")
        run_jobs()
        db.session.refresh(account)
        assert [found["id"] for found in stripe.objects("account")] == [account.external_id]
