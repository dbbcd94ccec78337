from __future__ import annotations

from datetime import timedelta

from exchange.billing.services import reserves
from exchange.core import clock
from tests.billing.books import Deal, amounts, eur, fund
from tests.cast import Cast


def test_a_reserve_is_free_after_thirty_days(cast: Cast) -> None:
    fund(cast.buyer, 30_000)
    Deal(cast.buyer, cast.seller).deliver().settle()
    clock.advance(timedelta(days=29))
    assert reserves.release_due() == 0
    clock.advance(timedelta(days=1, minutes=1))
    assert reserves.release_due() == 1
    assert amounts(cast.seller) == {"payable": 8_500}


def test_released_twice_on_one_day_it_moves_once(cast: Cast) -> None:
    fund(cast.buyer, 30_000)
    Deal(cast.buyer, cast.seller).deliver().settle()
    clock.advance(timedelta(days=31))
    assert [reserves.release_due(), reserves.release_due()] == [1, 0]


def test_what_younger_sales_need_stays(cast: Cast) -> None:
    fund(cast.buyer, 30_000)
    Deal(cast.buyer, cast.seller).deliver().settle()
    clock.advance(timedelta(days=20))
    Deal(cast.buyer, cast.seller, eur(5_000)).deliver().settle()
    clock.advance(timedelta(days=11))
    assert reserves.release_due() == 1
    assert amounts(cast.seller) == {"reserve": 500, "payable": 12_250}


def test_a_reserve_that_refunds_have_eaten_is_not_released(cast: Cast) -> None:
    fund(cast.buyer, 30_000)
    deal = Deal(cast.buyer, cast.seller).deliver().settle(reserve_bps=8_500)
    deal.refund(5_000, settled=True)
    clock.advance(timedelta(days=20))
    Deal(cast.buyer, cast.seller).deliver().settle(reserve_bps=5_000)
    clock.advance(timedelta(days=11))
    # 8,500 kept, 4,250 of them spent on the refund, 5,000 kept again and still needed.
    assert reserves.release_due() == 1
    assert amounts(cast.seller) == {"reserve": 5_000, "payable": 3_500 + 4_250}


def test_with_nothing_kept_there_is_nothing_to_do(cast: Cast) -> None:
    assert reserves.release_due() == 0
