"""What was paid lately: by region and by age, and nothing where too little was sold."""

from __future__ import annotations

from datetime import timedelta

from exchange.core import clock
from exchange.core.money import Currency
from exchange.market import queries
from exchange.market.filters import AGES, Age, age_band
from exchange.verification.reputation import HOUSE, Evidence, Grade, LotCount, judge_seller, weigh
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.market import make_listing, place

HOUR = timedelta(hours=1)
DAY_OLD, THREE_DAYS_OLD = AGES[1], AGES[2]


def test_every_age_is_in_one_band() -> None:
    assert [str(band) for band in AGES] == ["0-1", "1-24", "24-72", "72-168", "168-"]
    assert age_band(HOUR) == Age(0, 1)
    assert age_band(HOUR * 1.5) == DAY_OLD
    assert age_band(HOUR * 5_000) == AGES[-1]


def test_prices_are_told_apart_by_region_and_age(cast: Cast) -> None:
    fund_wallet(cast.buyer)
    for price, hours, region in ((40_00, 5, "Ohio"), (20_00, 60, "Texas")):
        moment = clock.now() - hours * HOUR
        listing = make_listing(
            cast.seller, leads=22, price=price, requested_at=moment, values={"region": region},
            source=region,
        )  # fmt: skip
        place(cast.buyer, listing, 22)
    table = queries.price_table(make_vertical().id, currency=Currency.USD)

    def median(region: str | None, age: Age | None) -> int | None:
        found = table.find(region, age)
        return found and found.median.amount

    assert median(None, None) == 20_00
    assert (median("OH", None), median(None, DAY_OLD), median("OH", DAY_OLD)) == (40_00,) * 3
    assert (median("TX", None), median(None, THREE_DAYS_OLD)) == (20_00, 20_00)
    assert median("OH", THREE_DAYS_OLD) is None
    nearest = table.nearest("OH", THREE_DAYS_OLD)
    assert nearest is not None
    assert (nearest.region, nearest.age, nearest.n) == (None, THREE_DAYS_OLD, 22)
    assert table.nearest("AK", AGES[-1]) == table.find()


class TestGrade:
    def test_is_new_without_enough_checks(self) -> None:
        assert judge_seller([]).grade is Grade.NEW
        assert judge_seller([Evidence(59, 0)]).grade is Grade.NEW

    def test_is_the_limit_that_the_upper_bound_keeps(self) -> None:
        letters = [judge_seller([Evidence(400, bad)]).grade for bad in (4, 28, 40, 80)]
        assert letters == [Grade.A, Grade.B, Grade.C, Grade.D]

    def test_counts_all_sources_together(self) -> None:
        lots = [LotCount(35, 1)] * 3
        apart, together = [weigh(lots), weigh(lots)], judge_seller([weigh(lots), weigh(lots)])
        assert together.n_effective == sum(one.checks for one in apart)
        assert together.mean < judge_seller(apart[:1]).mean < HOUSE.mean
