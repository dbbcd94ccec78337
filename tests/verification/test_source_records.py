"""The record of a source from the rows: as it was before each lot, and as it is today."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from exchange.billing.services import reserves
from exchange.catalog.scripts import Outcome
from exchange.core import clock, jobs
from exchange.core.db import db, get
from exchange.fulfillment.services import settlements
from exchange.leads.models import Batch
from exchange.verification import queries
from exchange.verification.models import Sample
from exchange.verification.queries.reputation import Cell
from exchange.verification.reputation import HOUSE, LotCount, Prior, judge_source
from exchange.verification.reputation_models import VerticalPrior
from exchange.verification.services.priors import renew_prior
from tests.billing.books import Deal, amounts, fund
from tests.cast import Cast
from tests.conftest import count_statements
from tests.verification.lots import make_decided

DEAD = Outcome.NUMBER_DEAD


def cell_of(sample: Sample) -> tuple[UUID, UUID, UUID]:
    batch = get(Batch, sample.batch_id)
    return batch.organization_id, batch.vertical_id, batch.source_id


def standing(sample: Sample) -> object:
    return queries.reputation(
        **dict(zip(("seller_id", "vertical_id", "source_id"), cell_of(sample), strict=True))
    )


def test_the_newest_lot_weighs_most(cast: Cast) -> None:
    lots = [make_decided(cast.seller, {3: DEAD} if i == 0 else None) for i in range(3)]
    counts = [LotCount(lot.good, lot.bad) for lot in reversed(lots)]
    assert standing(lots[0]) == judge_source(counts)
    assert judge_source(counts) != judge_source(counts[::-1])


def test_a_lot_is_published_with_the_record_before_it(cast: Cast) -> None:
    lots = [make_decided(cast.seller, {3: DEAD}) for _ in range(3)]
    other = make_decided(cast.seller, source="another page")
    make_decided(cast.other_seller)
    found = queries.published_qualities([lot.batch_id for lot in [*lots, other]])
    assert found[other.batch_id]["source"] is None
    seen = [found[lot.batch_id]["source"] for lot in lots]
    one = LotCount(lots[0].good, lots[0].bad)
    assert seen[0] is None
    for earlier, record in enumerate(seen[1:], start=1):
        expected = judge_source([one] * earlier)
        assert record is not None
        assert record["upper"] == expected.upper
        assert record["n_effective"] == round(expected.n_effective)


def test_many_lots_take_three_questions(cast: Cast) -> None:
    lots = [make_decided(cast.seller) for _ in range(5)]
    with count_statements() as statements:
        queries.published_qualities([lot.batch_id for lot in lots])
    assert sum("SELECT" in statement for statement in statements) == 3


class TestPrior:
    def test_is_written_down_once_a_day(self, cast: Cast) -> None:
        lot = make_decided(cast.seller)
        jobs.run_sweep("verification.priors")
        jobs.run_sweep("verification.priors")
        assert len(db.session.query(VerticalPrior).all()) == 1
        clock.advance(timedelta(days=1, minutes=1))
        jobs.run_sweep("verification.priors")
        assert len(db.session.query(VerticalPrior).all()) == 2
        newest = queries.newest_prior(lot.vertical_id)
        assert newest is not None
        assert (newest.mean, newest.strength, newest.cells) == (HOUSE.mean, HOUSE.strength, 1)

    def test_comes_from_ten_sources_on(self, cast: Cast) -> None:
        found = [make_decided(cast.seller, {1: DEAD, 2: DEAD}, source=f"s{i}") for i in range(10)]
        written = renew_prior(found[0].vertical_id)
        assert written.cells == 10
        assert written.mean > HOUSE.mean
        other = make_decided(cast.other_seller)
        batch = get(Batch, other.batch_id)
        prior = Prior(written.mean, written.strength)
        lot = LotCount(other.good, other.bad)
        assert standing(other) == judge_source([lot], prior)
        later = make_decided(cast.other_seller)
        quality = queries.published_quality(later.batch_id)
        assert quality is not None
        assert quality["source"] is not None
        assert quality["source"]["mean"] == judge_source([lot], prior).mean
        assert batch.source_id == get(Batch, later.batch_id).source_id

    def test_of_tomorrow_changes_no_published_record(self, cast: Cast) -> None:
        make_decided(cast.seller)
        lot = make_decided(cast.seller)
        before = queries.published_quality(lot.batch_id)
        db.session.add(
            VerticalPrior(vertical_id=lot.vertical_id, mean=0.4, strength=50.0, cells=30)
        )
        db.session.flush()
        assert queries.published_quality(lot.batch_id) == before


class TestReserve:
    def test_follows_the_next_lot_that_is_to_be_feared(self, cast: Cast) -> None:
        lots = [make_decided(cast.seller, {1: DEAD}) for _ in range(4)]
        found = judge_source([LotCount(lots[0].good, lots[0].bad)] * 4)
        assert found.n_effective > 60
        assert queries.reserve_bps(*cell_of(lots[0])) == round(found.next_upper * 10_000)
        assert queries.reserve_days([cast.seller.organization.id]) == {
            cast.seller.organization.id: found.reserve_days
        }
        assert queries.reserve_days([cast.other_seller.organization.id]) == {}

    def test_the_worst_source_of_a_seller_counts(self, cast: Cast) -> None:
        for _ in range(4):
            make_decided(cast.seller)
        assert set(queries.reserve_days([cast.seller.organization.id]).values()) == {14}
        make_decided(cast.seller, source="another page")
        assert set(queries.reserve_days([cast.seller.organization.id]).values()) == {30}

    @pytest.mark.parametrize(("is_known", "kept"), [(True, {}), (False, {"reserve": 1_000})])
    def test_is_released_sooner_to_a_good_seller(
        self,
        cast: Cast,
        is_known: bool,
        kept: dict[str, int],  # a case
    ) -> None:
        for _ in range(4 if is_known else 1):
            make_decided(cast.seller)
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver().settle()
        assert reserves.filled() == {cast.seller.organization.id}
        clock.advance(timedelta(days=15))
        settlements.release_reserves()
        left = {name: n for name, n in amounts(cast.seller).items() if name == "reserve"}
        assert left == kept


def test_the_cells_of_a_question(cast: Cast) -> None:
    lots = [make_decided(cast.seller), make_decided(cast.other_seller)]
    found = queries.records_of_sources(since=None)
    assert set(found) == {Cell(*cell_of(lot)) for lot in lots}
    clock.advance(timedelta(days=100))
    assert queries.records_of_sources(since=clock.now()) == {}
