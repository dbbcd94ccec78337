from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange.billing import gateway
from exchange.billing.models import AccountKind, TopUp, TopUpStatus
from exchange.billing.services import top_ups
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, Forbidden, Invalid
from exchange.core.money import Money
from tests.billing.books import amounts, commit, eur, house
from tests.cast import Cast, Player
from tests.servers.stripe_sandbox import StripeSandbox


def start(buyer: Player, amount: int = 5_000) -> TopUp:
    top_up = top_ups.start(
        organization_id=buyer.organization.id, amount=eur(amount), actor=buyer.actor
    )
    commit()
    return top_up


def open_checkout(top_up: TopUp) -> str:
    address = "http://localhost/money/top-ups"
    url = top_ups.open_checkout(top_up_id=top_up.id, success_url=address, cancel_url=address)
    commit()
    return url


class TestStart:
    def test_nothing_moves_before_the_payment(self, cast: Cast) -> None:
        top_up = start(cast.buyer)
        assert top_up.status is TopUpStatus.STARTED
        assert amounts(cast.buyer) == {}

    def test_an_organization_that_waits_for_approval_pays_nothing_in(self, cast: Cast) -> None:
        with pytest.raises(Forbidden):
            start(cast.newcomer)

    @pytest.mark.parametrize("amount", [-1, 0, 499, 100_000_000])
    def test_amounts_that_make_no_sense_are_refused(self, cast: Cast, amount: int) -> None:
        with pytest.raises(Invalid):
            start(cast.buyer, amount)


class TestOpenCheckout:
    def test_the_same_page_is_given_again(self, cast: Cast, stripe: StripeSandbox) -> None:
        top_up = start(cast.buyer)
        assert open_checkout(top_up) == open_checkout(top_up)
        (session,) = stripe.objects("checkout.session")
        assert session["amount_total"] == 5_000
        assert session["client_reference_id"] == top_up.public_id

    def test_a_page_whose_answer_was_lost_is_found_under_its_key(
        self, cast: Cast, stripe: StripeSandbox
    ) -> None:
        top_up = start(cast.buyer)
        stripe.fault("act_then_reset", "/v1/checkout/sessions")
        with pytest.raises(gateway.OutcomeUnknown):
            open_checkout(top_up)
        open_checkout(top_up)
        assert len(stripe.objects("checkout.session")) == 1

    def test_what_was_paid_cannot_be_paid_again(self, cast: Cast, stripe: StripeSandbox) -> None:
        top_up = start(cast.buyer)
        top_ups.credit(top_up_id=top_up.id, payment_id="pi_1", amount=eur(5_000), actor=SYSTEM)
        with pytest.raises(Conflict):
            open_checkout(top_up)


class TestCredit:
    def test_the_event_credits_the_wallet_and_the_fee_is_posted_by_itself(
        self,
        cast: Cast,
        stripe: StripeSandbox,
        post_events: Callable[..., int],
        run_jobs: Callable[[], int],
    ) -> None:
        top_up = start(cast.buyer)
        open_checkout(top_up)
        assert amounts(cast.buyer) == {}
        stripe.pay(str(top_up.session_id))
        post_events()
        run_jobs()
        db.session.refresh(top_up)
        assert top_up.status is TopUpStatus.SUCCEEDED
        assert top_up.fee_booked_at is not None
        assert amounts(cast.buyer) == {"wallet": 5_000}
        assert house(AccountKind.PROCESSING_FEES) == -175  # 2.9 % and 30 cents
        assert house(AccountKind.CASH) == -4_825

    def test_a_second_credit_moves_no_money(self, cast: Cast) -> None:
        top_up = start(cast.buyer)
        for _ in range(2):
            top_ups.credit(top_up_id=top_up.id, payment_id="pi_1", amount=eur(5_000), actor=SYSTEM)
        assert amounts(cast.buyer) == {"wallet": 5_000}

    def test_a_second_payment_for_it_is_left_to_a_person(self, cast: Cast) -> None:
        top_up = start(cast.buyer)
        top_ups.credit(top_up_id=top_up.id, payment_id="pi_1", amount=eur(5_000), actor=SYSTEM)
        with pytest.raises(Conflict) as refused:
            top_ups.credit(top_up_id=top_up.id, payment_id="pi_2", amount=eur(5_000), actor=SYSTEM)
        assert refused.value.code == "paid_twice"

    @pytest.mark.parametrize("paid", [eur(4_999), Money(5_000, "USD")])  # type: ignore[arg-type]
    def test_another_amount_is_left_to_a_person(self, cast: Cast, paid: Money) -> None:
        top_up = start(cast.buyer)
        with pytest.raises(Conflict) as refused:
            top_ups.credit(top_up_id=top_up.id, payment_id="pi_1", amount=paid, actor=SYSTEM)
        assert refused.value.code == "amount_differs"
        assert amounts(cast.buyer) == {}

    def test_money_that_comes_after_all_is_never_refused(self, cast: Cast) -> None:
        top_up = start(cast.buyer)
        top_ups.fail(top_up_id=top_up.id, session_id="cs_1", actor=SYSTEM)
        top_ups.credit(top_up_id=top_up.id, payment_id="pi_1", amount=eur(5_000), actor=SYSTEM)
        assert top_up.status is TopUpStatus.SUCCEEDED


class TestFail:
    def test_an_older_page_does_not_close_a_newer_one(self, cast: Cast) -> None:
        top_up = start(cast.buyer)
        top_up.session_id = "cs_new"
        top_ups.fail(top_up_id=top_up.id, session_id="cs_old", actor=SYSTEM)
        assert top_up.status is TopUpStatus.STARTED
        top_ups.fail(top_up_id=top_up.id, session_id="cs_new", actor=SYSTEM)
        assert top_up.status is TopUpStatus.FAILED

    def test_what_was_paid_stays_paid(self, cast: Cast) -> None:
        top_up = start(cast.buyer)
        top_ups.credit(top_up_id=top_up.id, payment_id="pi_1", amount=eur(5_000), actor=SYSTEM)
        top_ups.fail(top_up_id=top_up.id, session_id="cs_1", actor=SYSTEM)
        assert top_up.status is TopUpStatus.SUCCEEDED


class TestBookFee:
    def test_a_fee_that_is_not_known_yet_is_asked_for_again(
        self,
        cast: Cast,
        stripe: StripeSandbox,
        post_events: Callable[..., int],
        run_jobs: Callable[[], int],
        sweep: Callable[[str], None],
    ) -> None:
        top_up = start(cast.buyer)
        open_checkout(top_up)
        stripe.pay(str(top_up.session_id))
        (charge,) = stripe.objects("charge")
        stripe.plant(id=charge["id"], object="charge", balance_transaction=None)
        post_events()
        run_jobs()
        assert house(AccountKind.PROCESSING_FEES) == 0
        stripe.plant(
            id=charge["id"], object="charge", balance_transaction=charge["balance_transaction"]
        )
        for _ in range(2):
            sweep("billing.fees")
            run_jobs()
        assert house(AccountKind.PROCESSING_FEES) == -175
        assert amounts(cast.buyer) == {"wallet": 5_000}
