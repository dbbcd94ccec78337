"""Settlement: the window closes, the money is divided, the order ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.billing.services import commission
from exchange.catalog.policies import ReturnReason
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import unit_of_work
from exchange.core.money import Currency
from exchange.fulfillment.models import ReturnOutcome, ReturnStatus
from exchange.fulfillment.services import returns, settlements
from exchange.market import queries
from exchange.market.models import LineStatus, OrderStatus
from tests.factories.fulfillment import buy, fresh, make_line, make_return, pass_time
from tests.factories.market import make_listing

PRICE = 45_00
COMMISSION = 8_10  # 18 % of the vertical
RESERVE = 6_75  # 15 % of a new source


def balance(player, kind: AccountKind) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


def settle(line) -> int:
    return settlements.settle_order(order_id=line.order_id, actor=SYSTEM)


class TestSettleOrder:
    def test_divides_the_price_when_the_window_has_closed(self, cast):
        line = make_line(cast)
        pass_time()
        assert settle(line) == 1
        assert fresh(line).status is LineStatus.SETTLED
        assert balance(cast.seller, AccountKind.PENDING) == 0
        assert balance(cast.seller, AccountKind.RESERVE) == RESERVE
        assert balance(cast.seller, AccountKind.PAYABLE) == PRICE - COMMISSION - RESERVE
        assert queries.get_order(line.order_id, viewer=None).status is OrderStatus.SETTLED

    def test_moves_nothing_before(self, cast):
        line = make_line(cast)
        pass_time(timedelta(hours=71, minutes=59))
        assert settle(line) == 0
        assert fresh(line).status is LineStatus.DELIVERED

    def test_a_second_settlement_moves_no_money(self, cast):
        line = make_line(cast)
        pass_time()
        settle(line)
        before = balance(cast.seller, AccountKind.PAYABLE)
        assert settle(line) == 0
        assert balance(cast.seller, AccountKind.PAYABLE) == before

    def test_a_line_that_is_being_decided_waits_and_the_others_do_not(self, cast):
        first, second = buy(cast.buyer, make_listing(cast.seller, leads=2), 2)
        pass_time(timedelta(hours=71))
        made = make_return(cast, first)
        pass_time(timedelta(hours=2))
        assert settle(first) == 1
        assert fresh(first).status is LineStatus.DELIVERED
        assert fresh(second).status is LineStatus.SETTLED
        order = queries.get_order(first.order_id, viewer=None)
        assert order.status is OrderStatus.FULFILLED
        returns.decide(
            return_id=made.id,
            outcome=ReturnOutcome.DENIED,
            explanation="The person confirmed the request.",
            actor=cast.admin.actor,
        )
        assert settle(first) == 1
        assert fresh(order).status is OrderStatus.SETTLED

    def test_the_commission_is_the_one_of_the_sale(self, cast):
        line = make_line(cast)
        pass_time(timedelta(hours=1))
        commission.set_rate(scope="home_improvement_us", bps=5_000, actor=SYSTEM)
        pass_time()
        settle(line)
        assert balance(cast.seller, AccountKind.PAYABLE) == PRICE - COMMISSION - RESERVE


class TestSweeps:
    def test_closed_windows_are_found(self, cast, sweep, run_jobs):
        with unit_of_work():
            line = make_line(cast)
            pass_time()
        sweep("fulfillment.settle")
        run_jobs()
        assert fresh(line).status is LineStatus.SETTLED
        assert fresh(queries.get_order(line.order_id, viewer=None)).status is OrderStatus.SETTLED

    def test_orders_of_which_all_was_returned_are_closed(self, cast, sweep, run_jobs):
        with unit_of_work():
            line = make_line(cast)
            made = make_return(cast, line)
        returns.decide(
            return_id=made.id,
            outcome=ReturnOutcome.APPROVED,
            explanation="Nobody asked.",
            actor=cast.admin.actor,
        )
        order = queries.get_order(line.order_id, viewer=None)
        assert order.status is OrderStatus.FULFILLED
        with unit_of_work():
            clock.now()
        sweep("fulfillment.close_order")
        run_jobs()
        assert fresh(order).status is OrderStatus.SETTLED

    @pytest.mark.parametrize("name", ["fulfillment.settle", "fulfillment.close_order"])
    def test_find_nothing_where_nothing_is_due(self, cast, sweep, run_jobs, name):
        with unit_of_work():
            line = make_line(cast)
            make_return(cast, line, reason=ReturnReason.FICTITIOUS)
        run_jobs()  # what the sale itself rang for
        sweep(name)
        assert run_jobs() == 0
        assert fresh(line).status is LineStatus.DELIVERED

    def test_a_return_is_decided_by_the_silence_of_the_exchange(self, cast, sweep, run_jobs):
        with unit_of_work():
            made = make_return(cast)
            pass_time()
        sweep("fulfillment.expire_return")
        run_jobs()
        assert fresh(made).outcome is ReturnOutcome.APPROVED
        assert made.status is ReturnStatus.DECIDED

    def test_a_decided_return_is_closed_when_nobody_can_object(self, cast, sweep, run_jobs):
        with unit_of_work():
            made = make_return(cast)
            returns.decide(
                return_id=made.id,
                outcome=ReturnOutcome.APPROVED,
                explanation="Made up.",
                actor=cast.admin.actor,
            )
        sweep("fulfillment.close_return")
        run_jobs()
        assert fresh(made).status is ReturnStatus.DECIDED
        with unit_of_work():
            pass_time()
        sweep("fulfillment.close_return")
        run_jobs()
        assert fresh(made).status is ReturnStatus.CLOSED
