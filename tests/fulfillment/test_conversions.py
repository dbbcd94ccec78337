"""Actions under CPA: what is set apart, what each decision moves, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import get
from exchange.core.errors import Conflict, Gone, InsufficientFunds, Invalid, NotFound
from exchange.core.money import Currency
from exchange.fulfillment import queries
from exchange.fulfillment.conversion_models import Conversion, ConversionStatus
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import conversions, returns, settlements
from exchange.leads.services import erasures
from exchange.market.contract_terms import ActionTerms, PastDue
from exchange.market.models import LineAction, LineStatus, Order, OrderLine, OrderStatus
from tests.cast import Cast
from tests.factories.actions import (
    deliver,
    make_action_contract,
    make_action_lines,
    report,
)
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import fresh, make_line, pass_time
from tests.factories.market import make_listing

PRICE = 50_00
C, K = ConversionStatus, AccountKind
DAY = timedelta(days=1)
BAD = {"outcome": "bad", "code": "number_dead", "purpose": "follow_up"}


def money(cast: Cast) -> dict[str, int]:
    """What both sides have, in cents; nothing that is nil."""
    found = {
        "wallet": billing.balance(cast.buyer.organization.id, K.WALLET, Currency.USD),
        "held": billing.balance(cast.buyer.organization.id, K.HELD, Currency.USD),
        "owed": billing.balance(cast.buyer.organization.id, K.BUYER_DEBT, Currency.USD),
        "pending": billing.balance(cast.seller.organization.id, K.PENDING, Currency.USD),
        "reserve": billing.balance(cast.seller.organization.id, K.RESERVE, Currency.USD),
        "payable": billing.balance(cast.seller.organization.id, K.PAYABLE, Currency.USD),
        "commission": billing.platform_balance(K.COMMISSION, Currency.USD),
    }
    return {name: amount.amount for name, amount in found.items() if amount}


def make_conversion(cast: Cast, **options: object) -> tuple[Conversion, OrderLine]:
    (line,) = make_action_lines(cast, **options)  # type: ignore[arg-type]  # of the factory
    return report(cast.buyer, line), line


class TestReport:
    def test_the_price_is_set_apart_from_the_pool(self, cast: Cast) -> None:
        lines = make_action_lines(cast, 2)
        held = money(cast)["held"]
        conversion = report(cast.buyer, lines[0])
        assert conversion.status is C.ON_HOLD
        assert conversion.decide_by == pytest.approx(clock.now() + 14 * DAY, abs=DAY)
        assert fresh(lines[0]).action is LineAction.REPORTED
        # The pool of the lead that is left is one price again.
        assert money(cast) == {"wallet": 1_000_00 - 2 * PRICE, "held": 2 * PRICE}
        assert held in {PRICE, 2 * PRICE}

    def test_the_same_id_twice_is_one_report(self, cast: Cast) -> None:
        line, other = make_action_lines(cast, 2)
        first = report(cast.buyer, line, "A-1")
        before = money(cast)
        assert report(cast.buyer, line, " A-1 ") is first
        assert money(cast) == before
        with pytest.raises(Conflict) as refused:
            report(cast.buyer, other, "A-1")
        assert refused.value.code == "reference_used"

    def test_a_lead_has_one_action(self, cast: Cast) -> None:
        conversion, line = make_conversion(cast)
        with pytest.raises(Conflict) as refused:
            report(cast.buyer, line, "another")
        assert refused.value.code == "already_reported"
        conversions.reject(
            conversion_id=conversion.id, reason="not_completed", actor=cast.buyer.actor
        )
        assert report(cast.buyer, line, "another").status is C.ON_HOLD

    def test_a_report_after_the_window_is_kept_and_costs_nothing(self, cast: Cast) -> None:
        (line,) = make_action_lines(cast)
        pass_time(30 * DAY + timedelta(seconds=1))
        before = money(cast)
        conversion = report(cast.buyer, line)
        assert (conversion.status, conversion.reason) == (C.REJECTED, "after_window")
        assert money(cast) == before
        assert report(cast.buyer, line) is conversion
        seen = queries.get_conversion(conversion.id, viewer=cast.seller.organization.id)
        assert seen is conversion

    def test_an_action_above_the_pool_takes_the_wallet_and_then_debt(self, cast: Cast) -> None:
        lines = make_action_lines(cast, 2, funds=PRICE)
        assert money(cast) == {"held": PRICE}
        assert report(cast.buyer, lines[0]).owed == 0
        assert report(cast.buyer, lines[1]).owed == PRICE
        assert money(cast) == {"held": 2 * PRICE, "owed": -PRICE}

    def test_what_is_not_paid_by_its_action_is_refused(self, cast: Cast) -> None:
        with pytest.raises(Conflict) as refused:
            report(cast.buyer, make_line(cast))
        assert refused.value.code == "not_per_action"

    def test_a_stranger_finds_no_line(self, cast: Cast) -> None:
        (line,) = make_action_lines(cast)
        with pytest.raises(NotFound):
            report(cast.other_buyer, line)

    def test_a_lead_that_was_taken_back_is_refused(self, cast: Cast) -> None:
        (line,) = make_action_lines(cast)
        returns.refund_failed_check(lead_id=line.lead_id, evidence=BAD, actor=SYSTEM)
        with pytest.raises(Gone) as refused:
            report(cast.buyer, line)
        assert refused.value.code == "returned"

    def test_a_person_who_is_erased_is_refused(self, cast: Cast) -> None:
        (line,) = make_action_lines(cast)
        erasures.erase(lead_id=line.lead_id, region="US", origin="staff", actor=cast.admin.actor)
        with pytest.raises(Gone) as refused:
            report(cast.buyer, line)
        assert refused.value.code == "contact_erased"

    @pytest.mark.parametrize("reference", ["", "   ", "x" * 101])
    def test_an_action_has_an_id(self, cast: Cast, reference: str) -> None:
        (line,) = make_action_lines(cast)
        with pytest.raises(Invalid):
            conversions.report(line_id=line.id, reference=reference, actor=cast.buyer.actor)


class TestApprove:
    def test_the_money_is_the_seller_s_less_commission_and_reserve(self, cast: Cast) -> None:
        conversion, line = make_conversion(cast)
        conversions.approve(conversion_id=conversion.id, actor=cast.buyer.actor)
        assert fresh(line).action is LineAction.PAID
        assert money(cast) == {"wallet": 1_000_00 - PRICE, "pending": PRICE}
        assert settlements.settle_action(conversion_id=conversion.id, actor=SYSTEM)
        assert not settlements.settle_action(conversion_id=conversion.id, actor=SYSTEM)
        assert money(cast) == {
            "wallet": 950_00, "commission": 9_00, "reserve": 7_50, "payable": 33_50,
        }  # fmt: skip

    def test_twice_is_once_and_never_after_a_rejection(self, cast: Cast) -> None:
        first, _ = make_conversion(cast)
        for _ in range(2):
            conversions.approve(conversion_id=first.id, actor=cast.buyer.actor)
        with pytest.raises(Conflict) as refused:
            conversions.reject(conversion_id=first.id, reason="fraud", actor=cast.buyer.actor)
        assert refused.value.code == "already_decided"

    def test_only_the_buyer_decides(self, cast: Cast) -> None:
        conversion, _ = make_conversion(cast)
        for player in (cast.seller, cast.other_buyer):
            with pytest.raises(NotFound):
                conversions.approve(conversion_id=conversion.id, actor=player.actor)

    def test_what_the_buyer_owes_is_not_fronted(self, cast: Cast, sweep, run_jobs) -> None:
        lines = make_action_lines(cast, 2, funds=PRICE)
        for line in lines:
            made = report(cast.buyer, line)
            conversions.approve(conversion_id=made.id, actor=cast.buyer.actor)
        sweep("fulfillment.settle_action")
        run_jobs()
        assert money(cast)["pending"] == PRICE
        fund_wallet(cast.buyer, PRICE)
        sweep("billing.debts")
        sweep("fulfillment.settle_action")
        run_jobs()
        assert money(cast) == {"commission": 18_00, "reserve": 15_00, "payable": 67_00}


class TestReject:
    def test_the_money_is_the_buyer_s_again_and_the_pool_follows(self, cast: Cast) -> None:
        conversion, line = make_conversion(cast)
        conversions.reject(
            conversion_id=conversion.id,
            reason="other",
            explanation="Moved abroad",
            actor=cast.buyer.actor,
        )
        assert (conversion.status, conversion.reason) == (C.REJECTED, "other")
        assert fresh(line).action is LineAction.NONE
        assert money(cast) == {"wallet": 1_000_00 - PRICE, "held": PRICE}

    def test_what_was_owed_for_it_is_owed_no_longer(self, cast: Cast) -> None:
        lines = make_action_lines(cast, 2, funds=PRICE)
        made = [report(cast.buyer, line) for line in lines]
        conversions.reject(conversion_id=made[1].id, reason="fraud", actor=cast.buyer.actor)
        assert money(cast) == {"held": PRICE}

    @pytest.mark.parametrize(
        ("reason", "explanation"), [("past_due", "x"), ("nonsense", "x"), ("other", " ")]
    )
    def test_a_reason_is_one_of_the_list(self, cast: Cast, reason: str, explanation: str) -> None:
        conversion, _ = make_conversion(cast)
        with pytest.raises(Invalid):
            conversions.reject(
                conversion_id=conversion.id,
                reason=reason,
                explanation=explanation,
                actor=cast.buyer.actor,
            )


class TestPastDue:
    @pytest.mark.parametrize(
        ("rule", "status", "pays"),
        [(PastDue.APPROVE, C.APPROVED, True), (PastDue.REJECT, C.REJECTED, False)],
    )
    def test_the_contract_decides_where_the_buyer_is_silent(
        self, cast: Cast, sweep, run_jobs, *, rule: PastDue, status: C, pays: bool
    ) -> None:
        terms = ActionTerms("sale", attribution_days=30, decision_days=7, past_due=rule)
        conversion, _ = make_conversion(cast, action=terms)
        pass_time(7 * DAY - timedelta(minutes=1))
        sweep("fulfillment.expire_action")
        run_jobs()
        assert fresh(conversion).status is C.ON_HOLD
        pass_time(timedelta(minutes=2))
        sweep("fulfillment.expire_action")
        run_jobs()
        assert fresh(conversion).status is status
        assert conversion.by_default
        assert ("payable" in money(cast)) is pays

    def test_a_decision_in_time_stands(self, cast: Cast) -> None:
        conversion, _ = make_conversion(cast)
        conversions.reject(conversion_id=conversion.id, reason="fraud", actor=cast.buyer.actor)
        pass_time(15 * DAY)
        conversions.expire(conversion_id=conversion.id)
        assert fresh(conversion).reason == "fraud"


class TestTheLine:
    def test_it_ends_without_money_when_its_window_closes(
        self, cast: Cast, sweep, run_jobs
    ) -> None:
        (line,) = make_action_lines(cast)
        assert money(cast)["held"] == PRICE
        pass_time(30 * DAY + timedelta(seconds=1))
        sweep("fulfillment.settle")
        run_jobs()
        assert fresh(line).status is LineStatus.SETTLED
        assert get(Order, line.order_id).status is OrderStatus.SETTLED
        assert money(cast) == {"wallet": 1_000_00}

    def test_an_undecided_action_keeps_it_open(self, cast: Cast, sweep, run_jobs) -> None:
        (line,) = make_action_lines(cast)
        pass_time(29 * DAY)
        conversion = report(cast.buyer, line)
        pass_time(2 * DAY)
        sweep("fulfillment.settle")
        run_jobs()
        assert fresh(line).status is LineStatus.DELIVERED
        conversions.approve(conversion_id=conversion.id, actor=cast.buyer.actor)
        sweep("fulfillment.settle_action")
        sweep("fulfillment.settle")
        run_jobs()
        assert fresh(line).status is LineStatus.SETTLED
        assert money(cast)["payable"] == 33_50

    def test_it_cannot_be_returned_for_money_that_nobody_paid(self, cast: Cast) -> None:
        (line,) = make_action_lines(cast)
        with pytest.raises(Conflict) as refused:
            returns.request_return(line_id=line.id, reason="fictitious", actor=cast.buyer.actor)
        assert refused.value.code == "nothing_paid"


class TestFailedCheck:
    def fail(self, line: OrderLine, sweep, run_jobs) -> None:
        assert returns.refund_failed_check(lead_id=line.lead_id, evidence=BAD, actor=SYSTEM) == 1
        sweep("market.follow_actions")
        run_jobs()

    def test_an_open_lead_is_returned_without_a_refund(self, cast: Cast, sweep, run_jobs) -> None:
        (line,) = make_action_lines(cast)
        self.fail(line, sweep, run_jobs)
        assert fresh(line).status is LineStatus.RETURNED
        assert line.refunded == 0
        assert money(cast) == {"wallet": 1_000_00}

    def test_an_undecided_action_is_rejected(self, cast: Cast, sweep, run_jobs) -> None:
        conversion, line = make_conversion(cast)
        self.fail(line, sweep, run_jobs)
        assert (fresh(conversion).status, conversion.reason) == (C.REJECTED, "failed_check")
        assert money(cast) == {"wallet": 1_000_00}

    @pytest.mark.parametrize("settled", [False, True])
    def test_a_paid_action_s_money_goes_back_whole(
        self, cast: Cast, sweep, run_jobs, *, settled: bool
    ) -> None:
        conversion, line = make_conversion(cast)
        conversions.approve(conversion_id=conversion.id, actor=cast.buyer.actor)
        if settled:
            settlements.settle_action(conversion_id=conversion.id, actor=SYSTEM)
        self.fail(line, sweep, run_jobs)
        assert (fresh(conversion).status, conversion.reason) == (C.REVERSED, "failed_check")
        assert fresh(line).refunded == PRICE
        assert money(cast) == {"wallet": 1_000_00}

    def test_the_exchange_makes_a_wrong_refund_good(self, cast: Cast, sweep, run_jobs) -> None:
        conversion, line = make_conversion(cast)
        conversions.approve(conversion_id=conversion.id, actor=cast.buyer.actor)
        self.fail(line, sweep, run_jobs)
        self.contest(cast, line)
        assert money(cast) == {"wallet": 1_000_00, "payable": 41_00}

    def test_nothing_is_made_good_where_nothing_was_paid(self, cast: Cast, sweep, run_jobs) -> None:
        (line,) = make_action_lines(cast)
        self.fail(line, sweep, run_jobs)
        self.contest(cast, line)
        assert money(cast) == {"wallet": 1_000_00}

    def contest(self, cast: Cast, line: OrderLine) -> None:
        found = queries.find_return_of_line(line.id)
        assert found is not None
        words = {"return_id": found.id, "explanation": "They answered me."}
        returns.contest_return(**words, actor=cast.seller.actor)
        denied = ReturnOutcome.DENIED
        returns.arbitrate(**words, outcome=denied, actor=cast.admin.actor)


class TestDelivery:
    def test_it_stops_when_the_pool_cannot_grow_and_goes_on_after_a_top_up(
        self, cast: Cast
    ) -> None:
        contract = make_action_contract(cast.buyer)
        listing = make_listing(cast.seller, leads=30)
        fund_wallet(cast.buyer, 4 * PRICE)
        deliver(contract, listing, 10)
        before = money(cast)
        with pytest.raises(InsufficientFunds) as refused:
            deliver(contract, listing, 10)
        assert money(cast) == before
        fund_wallet(cast.buyer, refused.value.facts["missing"])
        deliver(contract, listing, 10)
        assert "wallet" not in money(cast)
