from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.billing import queries
from exchange.billing.models import AccountKind, Reason
from exchange.billing.queries import SaleHistory
from exchange.billing.services import refunds
from exchange.billing.services.refunds import commission_back
from exchange.core.actors import SYSTEM
from exchange.core.errors import Conflict
from exchange.core.money import Money
from tests.billing.books import Deal, amounts, eur, fund, house, spend_payable
from tests.cast import Cast


class TestBeforeSettlement:
    def test_the_whole_price_goes_back_from_pending(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        assert deal.refund(settled=False) == eur(10_000)
        assert amounts(cast.buyer) == {"wallet": 30_000}
        assert amounts(cast.seller) == {}
        assert house(AccountKind.COMMISSION) == 0

    def test_repeated_for_the_same_reason_it_moves_nothing(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(settled=False)
        assert deal.refund(settled=False) == eur(0)
        assert amounts(cast.buyer) == {"wallet": 30_000}

    def test_for_another_reason_a_refunded_sale_is_refused(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(settled=False)
        with pytest.raises(Conflict) as refused:
            deal.refund(settled=False, reason="failed_check")
        assert refused.value.code == "over_refunded"

    def test_more_than_the_price_is_refused(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(9_000, settled=False, reason="first")
        with pytest.raises(Conflict):
            deal.refund(1_001, settled=False, reason="second")

    def test_whoever_is_wrong_about_the_settlement_is_refused(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        with pytest.raises(Conflict):
            deal.refund(settled=True)
        deal.settle()
        with pytest.raises(Conflict):
            deal.refund(settled=False)


class TestAfterSettlement:
    def test_commission_comes_back_whole_and_payable_pays_first(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver().settle()
        Deal(cast.buyer, cast.seller, eur(9_999)).deliver().settle().refund(settled=True)
        assert amounts(cast.buyer) == {"wallet": 20_000}
        # 7,500 + 7,501 payable less the 8,500 that were the seller's; the reserve is whole.
        assert amounts(cast.seller) == {"payable": 6_501, "reserve": 1_999}
        assert house(AccountKind.COMMISSION) == 1_500

    def test_the_reserve_pays_next_and_the_rest_is_debt(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver().settle()
        spend_payable(cast.seller, 7_000)
        deal.refund(settled=True)
        assert amounts(cast.seller) == {"debt": 7_000}
        assert amounts(cast.buyer) == {"wallet": 30_000}
        assert house(AccountKind.COMMISSION) == 0

    def test_parts_give_the_commission_back_cumulatively(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller, eur(1_000)).deliver().settle(commission_bps=999)
        assert house(AccountKind.COMMISSION) == 99
        left = [deal_commission(deal, part) for part in range(3)]
        assert left == [67, 34, 1]
        deal.refund(settled=True, reason="rest")
        assert house(AccountKind.COMMISSION) == 0
        assert amounts(cast.buyer) == {"wallet": 30_000}

    def test_what_was_refunded_before_counts_against_the_price(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(2_500, settled=False, reason="guarantee")
        deal.settle()
        assert deal.refund(settled=True) == eur(7_500)
        assert amounts(cast.buyer) == {"wallet": 30_000}
        assert amounts(cast.seller) == {}

    def test_the_buyers_line_says_nothing_of_the_sellers_affairs(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver().settle()
        deal.refund(settled=True)
        seen = [
            entry
            for entry in queries.whole_journal()
            if cast.buyer.organization.id in entry.organizations
        ]
        refund = next(entry for entry in seen if entry.reason is Reason.REFUNDED)
        assert [leg.source.kind for leg in refund.legs] == [AccountKind.PENDING]
        assert all(entry.reason is not Reason.SALE_REVERSED for entry in seen)


def deal_commission(deal: Deal, part: int) -> int:
    """What is left of the commission after a refund of a third."""
    deal.refund(330, settled=True, reason=f"part-{part}")
    return house(AccountKind.COMMISSION)


class TestCompensate:
    def test_the_house_pays_the_seller_and_the_buyer_keeps_the_refund(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(settled=False)
        assert compensate(deal) == eur(8_500)
        assert amounts(cast.seller) == {"payable": 8_500}
        assert amounts(cast.buyer) == {"wallet": 30_000}
        assert house(AccountKind.WRITE_OFF) == -8_500

    def test_a_debt_is_repaid_first(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver().settle()
        spend_payable(cast.seller, 7_000)
        deal.refund(settled=True)
        compensate(deal)
        assert amounts(cast.seller) == {"payable": 1_500}

    def test_repeated_it_moves_nothing(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(settled=False)
        assert [compensate(deal), compensate(deal)] == [eur(8_500), eur(0)]
        assert amounts(cast.seller) == {"payable": 8_500}

    def test_what_was_not_refunded_whole_is_not_made_good(self, cast: Cast) -> None:
        fund(cast.buyer, 30_000)
        deal = Deal(cast.buyer, cast.seller).deliver()
        deal.refund(9_999, settled=False)
        with pytest.raises(Conflict):
            compensate(deal)


def compensate(deal: Deal) -> Money:
    return refunds.compensate(
        ref=deal.ref,
        seller_id=deal.seller.organization.id,
        price=deal.price,
        commission_bps=1_500,
        actor=SYSTEM,
    )


class TestCommissionBack:
    @given(
        price=st.integers(1, 10**9),
        commission_bps=st.integers(0, 10_000),
        cuts=st.lists(st.integers(1, 10**9), max_size=8),
    )
    def test_parts_of_any_size_return_the_commission_exactly(
        self, price: int, commission_bps: int, cuts: list[int]
    ) -> None:
        fee = price * commission_bps // 10_000
        places = sorted({cut for cut in cuts if cut < price} | {price})
        done = back = 0
        for place in places:
            history = SaleHistory(
                is_settled=True,
                settled=price,
                commission=fee,
                commission_back=back,
                reversed=done,
            )
            part = commission_back(history, eur(place - done)).amount
            assert 0 <= part <= place - done
            done, back = place, back + part
        assert back == fee

    def test_control_rounding_each_part_for_itself_loses_cents(self) -> None:
        price, fee, parts = 1_000, 99, [330, 330, 330, 10]
        assert sum(fee * part // price for part in parts) < fee
