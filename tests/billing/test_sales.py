from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.billing.models import AccountKind
from exchange.billing.services import sales
from exchange.billing.services.sales import Sale, divide
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, NotFound
from exchange.core.events import Event
from tests.billing.books import (
    COMMISSION_BPS,
    RESERVE_BPS,
    Deal,
    amounts,
    eur,
    fund,
    house,
    spend_payable,
)
from tests.cast import Cast


def due(deal: Deal) -> Sale:
    return Sale(deal.ref, deal.seller.organization.id, deal.price, COMMISSION_BPS, RESERVE_BPS)


class TestSettle:
    def test_pending_money_is_divided_without_a_cent_lost(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller, eur(9_999)).deliver().settle()
        assert amounts(cast.seller) == {"payable": 7_501, "reserve": 999}
        assert house(AccountKind.COMMISSION) == 1_499

    def test_a_second_settlement_moves_no_money(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver().settle().settle(commission_bps=9_000)
        assert amounts(cast.seller) == {"payable": 7_500, "reserve": 1_000}

    def test_what_was_not_delivered_is_not_settled(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).hold()
        with pytest.raises(Conflict):
            deal.settle()
        assert amounts(cast.buyer) == {"wallet": 20_000, "held": 10_000}

    def test_what_was_never_held_is_not_found(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            Deal(cast.buyer, cast.seller).settle()

    def test_many_sales_settle_in_one_go_and_repeats_are_passed_over(self, cast: Cast) -> None:
        fund(cast.buyer, 100_000)
        deals = [Deal(cast.buyer, cast.seller).deliver() for _ in range(3)]
        deals += [Deal(cast.buyer, cast.other_seller, eur(5_000)).deliver()]
        deals[0].settle()
        assert sales.settle_all([due(deal) for deal in deals], actor=SYSTEM) == 3
        assert amounts(cast.seller) == {"payable": 22_500, "reserve": 3_000}
        assert amounts(cast.other_seller) == {"payable": 3_750, "reserve": 500}

    def test_one_event_tells_each_seller(self, cast: Cast) -> None:
        fund(cast.buyer, 100_000)
        deals = [Deal(cast.buyer, cast.seller).deliver() for _ in range(2)]
        sales.settle_all([due(deal) for deal in deals], actor=SYSTEM)
        event = db.session.query(Event).filter_by(type="sale.settled").one()
        assert event.organization_id == cast.seller.organization.id
        assert event.facts == {"count": 2, "amount": 20_000, "currency": "EUR"}

    def test_a_sale_refunded_before_has_nothing_left_to_divide(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        Deal(cast.buyer, cast.seller).deliver()  # its money must not be touched
        deal.refund(settled=False)
        deal.settle()
        assert amounts(cast.seller) == {"pending": 10_000}

    def test_a_sale_refunded_in_part_divides_the_rest(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(4_000, settled=False)
        deal.settle()
        assert amounts(cast.seller) == {"payable": 4_500, "reserve": 600}
        assert house(AccountKind.COMMISSION) == 900

    def test_a_debt_is_repaid_before_anything_is_kept_or_payable(self, cast: Cast) -> None:
        fund(cast.buyer, 50_000)
        first = Deal(cast.buyer, cast.seller).deliver().settle(reserve_bps=0)
        spend_payable(cast.seller, 8_500)
        first.refund(settled=True)
        assert amounts(cast.seller) == {"debt": 8_500}
        Deal(cast.buyer, cast.seller, eur(8_000)).deliver().settle()
        assert amounts(cast.seller) == {"debt": 1_700}
        Deal(cast.buyer, cast.seller).deliver().settle()
        assert amounts(cast.seller) == {"payable": 5_800, "reserve": 1_000}


class TestDivide:
    @given(
        amount=st.integers(0, 10**12),
        commission=st.integers(0, 10_000),
        reserve=st.integers(0, 10_000),
        debt=st.integers(0, 10**12),
    )
    def test_the_parts_add_up_and_none_is_negative(
        self, amount: int, commission: int, reserve: int, debt: int
    ) -> None:
        shares = divide(eur(amount), commission_bps=commission, reserve_bps=reserve, debt=eur(debt))
        parts = [shares.commission, shares.debt, shares.reserve, shares.payable]
        assert sum(part.amount for part in parts) == amount
        assert all(part.amount >= 0 for part in parts)
        assert shares.debt.amount <= debt
        assert shares.commission.amount == amount * commission // 10_000
