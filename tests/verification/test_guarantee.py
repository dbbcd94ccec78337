"""The guarantee: when returns look high, who is drawn then, and what that proves."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import comb

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.catalog.scripts import Outcome
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, unit_of_work
from exchange.core.events import Ref
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import guarantees as watching
from exchange.fulfillment.services import returns
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.leads.services import batches
from exchange.market.models import LineStatus, OrderLine
from exchange.market.queries import find_listing_of_batch
from exchange.notifications.models import Notice
from exchange.verification import queries
from exchange.verification.draw import full_order
from exchange.verification.guarantee import looks_high, prove
from exchange.verification.inspection_models import GuaranteeRun, GuaranteeStatus
from exchange.verification.models import Inspection, InspectionPurpose
from exchange.verification.queries import inspected
from exchange.verification.services import guarantees
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, fresh, make_return, pass_time
from tests.verification.support import (
    claim,
    everybody,
    inspection_of,
    make_sample,
    settle,
    these,
    work,
)

GOOD, DENIES = Outcome.CONFIRMED, Outcome.DENIES


class TestLooksHigh:
    @pytest.mark.parametrize("sold", [5, 20, 60, 100])
    def test_agrees_with_exact_fractions(self, sold: int) -> None:
        p1 = Fraction(3, 100)
        for returned in range(2, sold + 1):
            least = sum(
                (comb(sold, k) * p1**k * (1 - p1) ** (sold - k) for k in range(returned, sold + 1)),
                Fraction(0),
            )
            assert looks_high(returned, sold=sold, p1=p1) is (least <= Fraction(5, 100))

    def test_one_lead_that_came_back_proves_nothing(self) -> None:
        assert not looks_high(1, sold=1, p1=Fraction(3, 100))


class TestProof:
    def test_bound_is_the_least_count_that_is_no_surprise(self) -> None:
        found = prove(9, drawn=20, unchecked=50, known_bad=0, sold=70, limit_bps=1_500)
        chances = {d: self.at_least(9, bad=d) for d in range(51)}
        least = min(d for d, chance in chances.items() if chance > Fraction(5, 100))
        assert found.lower == least / 70
        assert found.estimate == 9 / 20
        assert found.exceeds is (least / 70 > 0.15)

    def at_least(self, count: int, *, bad: int) -> Fraction:
        ways = sum(comb(bad, k) * comb(50 - bad, 20 - k) for k in range(count, min(bad, 20) + 1))
        return Fraction(ways, comb(50, 20))

    def test_of_everybody_is_the_count(self) -> None:
        found = prove(3, drawn=10, unchecked=10, known_bad=1, sold=20, limit_bps=1_999)
        assert (found.lower, found.exceeds) == (4 / 20, True)

    def test_nothing_bad_proves_nothing(self) -> None:
        assert prove(0, drawn=5, unchecked=50, known_bad=0, sold=60, limit_bps=800).lower == 0.0


def sold_lot(cast: Cast, *, sold: int = 60, lot: int = 100) -> tuple[Batch, list[OrderLine]]:
    """An accepted lot of which so many leads were sold."""
    sample = make_sample(cast.seller, leads=lot)
    work(cast.verifier, everybody(GOOD))
    batch = get(Batch, sample.batch_id)
    assert batch.status is BatchStatus.ACCEPTED
    listing = find_listing_of_batch(batch.id)
    assert listing is not None
    return batch, list(buy(cast.buyer, listing, sold))


def come_back(cast: Cast, lines: list[OrderLine], count: int) -> None:
    """So many buyers were right to return their lead."""
    for line in lines[:count]:
        made = make_return(cast, line)
        returns.decide(
            return_id=made.id,
            outcome=ReturnOutcome.APPROVED,
            explanation="Nobody of this name exists.",
            actor=cast.admin.actor,
        )


def watch(batch: Batch) -> GuaranteeRun | None:
    return watching.watch(batch_id=batch.id, actor=SYSTEM)


def followed(run: GuaranteeRun) -> list[Inspection]:
    return list(
        db.session.scalars(
            select(Inspection).where(
                Inspection.ref_id == run.id, Inspection.purpose == InspectionPurpose.GUARANTEE
            )
        )
    )


class TestLookBehind:
    def test_begins_when_more_come_back_than_chance_explains(self, cast: Cast) -> None:
        batch, lines = sold_lot(cast)
        # P(at least 4 of 60 | 3 %) = 10.8 %, at least 5: 3.5 %.
        come_back(cast, lines, 4)
        assert watch(batch) is None
        come_back(cast, lines[4:], 1)
        run = watch(batch)
        assert run is not None
        assert (run.returned, run.sold, run.status) == (5, 60, GuaranteeStatus.SAMPLING)
        assert watch(batch) is None  # once

    def test_draws_the_sold_leads_that_come_next_in_the_lots_own_order(self, cast: Cast) -> None:
        batch, lines = sold_lot(cast)
        come_back(cast, lines, 5)
        run = watch(batch)
        assert run is not None
        draw = queries.get_draw(batch.id)
        assert draw is not None
        assert draw.seed is not None
        by_leaf = {lead.leaf: lead.id for lead in db.session.scalars(
            select(Lead).where(Lead.batch_id == batch.id)
        )}  # fmt: skip
        leaves = list(leads.leaves(batch.id))
        order = [by_leaf[leaves[place]] for place in full_order(draw.seed, leaves)]
        sample = queries.find_sample(batch.id)
        assert sample is not None
        checked = {i.lead_id for i in queries.inspections_of(sample.id) if i.is_counted}
        sold = {line.lead_id for line in lines}
        expected = [lead for lead in order if lead in sold and lead not in checked][: run.drawn]
        assert {question.lead_id for question in followed(run)} == set(expected)
        assert run.unchecked == len(sold - checked)

    def test_asks_nobody_twice_whom_a_check_has_judged(self, cast: Cast) -> None:
        batch, lines = sold_lot(cast)
        come_back(cast, lines, 5)
        run = watch(batch)
        assert run is not None
        calls = work(cast.verifier, everybody(GOOD))
        assert calls == run.drawn
        assert fresh(run).status is GuaranteeStatus.CLEARED
        assert (run.bad, run.good, run.lower) == (0, run.drawn, 0.0)


class TestTrigger:
    def triggered(self, cast: Cast) -> tuple[Batch, GuaranteeRun, list[OrderLine]]:
        batch, lines = sold_lot(cast)
        come_back(cast, lines, 5)
        run = watch(batch)
        assert run is not None
        bad = {question.lead_id for question in followed(run)[:30]}
        while True:
            task = claim(cast.verifier)
            if task is None:
                break
            code = DENIES if inspection_of(task).lead_id in bad else GOOD
            settle(cast.verifier, task, code)
        return batch, fresh(run), lines

    def test_a_bound_above_the_limit_gives_the_seller_a_day(self, cast: Cast) -> None:
        _, run, _ = self.triggered(cast)
        assert run.status is GuaranteeStatus.TRIGGERED
        assert run.lower is not None
        assert run.lower > 0.15
        assert run.choose_by is not None
        assert run.decided_at is not None
        assert (run.choose_by - run.decided_at).total_seconds() == 24 * 3600
        told = db.session.scalars(
            select(Notice.kind).where(Notice.organization_id == cast.seller.organization.id)
        ).all()
        assert "guarantee_run.triggered" in told

    def test_each_bad_one_of_the_follow_up_is_refunded_at_once(self, cast: Cast) -> None:
        _, run, lines = self.triggered(cast)
        back = [line for line in lines if fresh(line).status is LineStatus.RETURNED]
        assert len(back) >= run.bad

    def test_the_seller_may_have_everybody_called_sold_or_not(self, cast: Cast, run_jobs) -> None:
        batch, run, _ = self.triggered(cast)
        offered = inspected.estimate(batch)
        assert offered.is_whole
        fund_wallet(cast.seller, offered.total.amount, offered.total.currency)
        started = guarantees.inspect(
            batch_id=batch.id, agreed=offered.total, actor=cast.seller.actor
        )
        assert started.is_whole
        assert batch.status is BatchStatus.IN_FULL_INSPECTION
        assert fresh(run).status is GuaranteeStatus.INSPECTION
        work(cast.verifier, these({1: DENIES}))
        with unit_of_work():
            db.session.flush()
        run_jobs()
        db.session.expire_all()
        assert batch.status is BatchStatus.ACCEPTED

    def test_silence_refunds_every_other_sold_lead_by_the_estimate(
        self, cast: Cast, run_jobs, sweep
    ) -> None:
        _, run, lines = self.triggered(cast)
        left = [line for line in lines if fresh(line).status is not LineStatus.RETURNED]
        db.session.commit()
        sweep("fulfillment.guarantee")
        run_jobs()
        assert fresh(run).status is GuaranteeStatus.TRIGGERED  # the day is not over
        pass_time(timedelta(hours=24, seconds=1))
        for _ in range(2):  # a second ring finds nothing to do
            with unit_of_work():
                watching.settle(run_id=run.id, actor=SYSTEM)
        assert fresh(run).status is GuaranteeStatus.REFUNDED
        for line in left:
            assert fresh(line).refunded == line.price.amount * run.bad // run.drawn
            assert line.status is LineStatus.DELIVERED

    def test_a_seller_who_withdraws_while_everybody_is_called_pays_the_share(
        self, cast: Cast, run_jobs, sweep
    ) -> None:
        batch, run, lines = self.triggered(cast)
        offered = inspected.estimate(batch)
        fund_wallet(cast.seller, offered.total.amount, offered.total.currency)
        for _ in range(2):  # in two tabs
            guarantees.inspect(batch_id=batch.id, agreed=offered.total, actor=cast.seller.actor)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        db.session.commit()
        sweep("fulfillment.guarantee")
        run_jobs()
        assert fresh(run).status is GuaranteeStatus.REFUNDED
        left = [line for line in lines if fresh(line).status is LineStatus.DELIVERED]
        assert left
        assert {line.refunded for line in left} == {left[0].price.amount * run.bad // run.drawn}

    def test_taking_the_sold_lot_back_takes_no_promise_back(self, cast: Cast) -> None:
        batch, lines = sold_lot(cast)
        come_back(cast, lines, 5)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        run = watch(batch)
        assert run is not None
        assert run.status is GuaranteeStatus.SAMPLING

    def test_a_second_tab_finds_everybody_being_called(self, cast: Cast) -> None:
        batch, run, _ = self.triggered(cast)
        offered = inspected.estimate(batch)
        fund_wallet(cast.seller, offered.total.amount, offered.total.currency)
        first = guarantees.inspect(batch_id=batch.id, actor=cast.seller.actor)
        # The other tab has read the run before the first one's lot was let go.
        db.session.refresh(run)
        run.status = GuaranteeStatus.TRIGGERED
        with db.session.no_autoflush:
            second = guarantees.inspect(batch_id=batch.id, actor=cast.seller.actor)
        assert second.id == first.id

    def test_a_return_after_it_gives_back_the_rest(self, cast: Cast) -> None:
        _, run, lines = self.triggered(cast)
        (line, *_) = [one for one in lines if fresh(one).status is LineStatus.DELIVERED]
        pass_time(timedelta(hours=24, seconds=1))
        watching.settle(run_id=run.id, actor=SYSTEM)
        come_back(cast, [fresh(line)], 1)
        assert fresh(line).refunded == line.price.amount
        paid = billing.sale_histories([Ref.to(line)])[Ref.to(line)]
        assert paid.refunded == line.price.amount

    def test_the_seller_reads_it_on_the_lot_and_the_operator_too(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        batch, run, _ = self.triggered(cast)
        db.session.commit()
        address = f"/sellers/batches/{batch.public_id}"
        page = cast.seller.sign_in(client).get(address).text
        assert f"{run.returned} of {run.sold} sold leads came back" in page
        assert f"{address}/inspection" in page
        client.post("/sign-out")
        quality = cast.admin.sign_in(client).get("/admin/quality").text
        assert "Guarantee" in quality
        assert "Triggered" in quality
