"""Sellers who try to get a bad lot through: again, in small pieces, or behind good sources.

Each story ends where it matters: what a buyer can buy, and what is paid. Each has a control in
which the guard is taken away: there the same bad leads are sold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.catalog.scripts import Outcome
from exchange.core.db import db, get
from exchange.core.errors import DomainError
from exchange.core.money import Currency
from exchange.leads.models import Batch, BatchStatus, Fingerprint, Lead
from exchange.leads.services import batches, intake
from exchange.market import queries as market
from exchange.market.models import ListingStatus
from exchange.verification import queries as verification
from exchange.verification.judging import judge
from exchange.verification.models import OutcomeClass, SampleStatus
from exchange.verification.plans import plan_for
from exchange.verification.sampling import acceptance_probability
from exchange.verification.services import draws, lot_sources
from exchange.verification.source_models import LotSourceStatus
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.market import place
from tests.leads.test_intake import as_file, confirm, rows_for, start
from tests.verification.support import (
    claim,
    inspection_of,
    make_sample,
    settle,
    these,
    work,
)
from tests.verification.test_sources import people_of

GOOD, DENIES = Outcome.CONFIRMED, Outcome.DENIES
BAD_LUCK = these({20: DENIES, 21: DENIES, 22: DENIES})
COLUMNS = ("failed_at", "checked_at")
PRICE, WALLET = 45_00, 50_000_00
Rows = list[dict[str, str]]


@pytest.fixture
def vertical(app: Flask) -> Any:
    return make_vertical("home_improvement_us")


@pytest.fixture
def buyer(cast: Cast) -> Player:
    fund_wallet(cast.buyer, WALLET)
    return cast.buyer


def upload(seller: Player, content: bytes) -> Batch:
    batch = confirm(seller, start(seller, content, again=True))
    intake.take_in(batch.id)
    return db.session.get_one(Batch, batch.id, populate_existing=True)


def draw(seller: Player, batch: Batch) -> None:
    draws.give_nonce(batch_id=batch.id, nonce="n", by="seller", actor=seller.actor)


def rejected(cast: Cast, content: bytes) -> Batch:
    """A lot of whose first look three people deny that they asked."""
    batch = upload(cast.seller, content)
    draw(cast.seller, batch)
    work(cast.verifier, BAD_LUCK)
    assert get(Batch, batch.id).status is BatchStatus.REJECTED
    return batch


def unchecked(batch: Batch) -> set[UUID]:
    return {lead.id for lead in leads_of(batch) if lead.checked_at is None}


def buyable(buyer: Player, batch: Batch, lead_ids: Collection[UUID]) -> bool:
    """Whether the buyer gets these leads for money."""
    listing = market.find_listing_of_batch(batch.id)
    if listing is None or listing.status is not ListingStatus.PUBLISHED:
        return False
    before = held(buyer)
    try:
        with db.session.begin_nested():
            order = place(buyer, listing, lead_ids=sorted(lead_ids))
    except DomainError:
        assert held(buyer) == before  # a refusal costs nothing
        return False
    return {line.lead_id for line in market.lines_of(order.id)} == set(lead_ids)


def held(buyer: Player) -> int:
    wallet = billing.balance(buyer.organization.id, AccountKind.WALLET, Currency.USD)
    return WALLET - wallet.amount


def forget_people() -> None:
    """What the exchange would be without its memory of people."""
    db.session.execute(delete(Fingerprint))
    db.session.commit()


class TestReupload:
    def test_rejected_batch_comes_again_and_sells_nothing_that_was_not_checked(
        self, vertical: Any, cast: Cast, buyer: Player
    ) -> None:
        content = as_file(vertical, rows_for(vertical, 150))
        first = rejected(cast, content)
        found = {x: sum(1 for lead in leads_of(first) if getattr(lead, x)) for x in COLUMNS}
        batch = upload(cast.seller, content)
        assert (batch.invalid, batch.valid) == (found["failed_at"], found["checked_at"])
        assert batch.in_review == 150 - batch.invalid - batch.valid
        draw(cast.seller, batch)
        assert work(cast.verifier, lambda _: GOOD) == 0  # no luck to be had: nobody is asked
        for lead_id in sorted(unchecked(batch))[:5]:
            assert not buyable(buyer, batch, [lead_id])
        assert held(buyer) == 0
        good = {lead.id for lead in leads_of(batch)} - unchecked(batch)
        assert buyable(buyer, batch, good)  # who was called and found good then
        assert held(buyer) == found["checked_at"] * PRICE > 0

    def test_control_without_a_memory_the_second_draw_sells_it(
        self, vertical: Any, cast: Cast, buyer: Player
    ) -> None:
        content = as_file(vertical, rows_for(vertical, 150))
        rejected(cast, content)
        forget_people()
        batch = upload(cast.seller, content)
        draw(cast.seller, batch)
        work(cast.verifier, lambda _: GOOD)  # this time the draw meets good people
        bad = sorted(unchecked(batch))[:5]
        assert buyable(buyer, batch, bad)
        assert held(buyer) == 5 * PRICE


class TestMicroLots:
    def test_rejected_batch_in_small_pieces_sells_nothing(
        self, vertical: Any, cast: Cast, buyer: Player
    ) -> None:
        rows = rows_for(vertical, 160)
        rejected(cast, as_file(vertical, rows))
        calls = 0
        for begin in range(0, 160, 40):
            batch = upload(cast.seller, as_file(vertical, rows[begin : begin + 40]))
            if batch.status is BatchStatus.SEALED:  # of those alone who were found good
                assert batch.population == batch.valid
                draw(cast.seller, batch)
            calls += work(cast.verifier, lambda _: GOOD)
            for lead_id in sorted(unchecked(batch))[:3]:
                assert not buyable(buyer, batch, [lead_id])
        assert calls == 0
        assert held(buyer) == 0

    def test_control_without_a_memory_a_piece_is_a_lot_like_any_other(
        self, vertical: Any, cast: Cast, buyer: Player
    ) -> None:
        rows = rows_for(vertical, 160)
        rejected(cast, as_file(vertical, rows))
        forget_people()
        batch = upload(cast.seller, as_file(vertical, rows[:40]))
        draw(cast.seller, batch)
        work(cast.verifier, lambda _: GOOD)
        assert buyable(buyer, batch, sorted(unchecked(batch))[:3])
        assert held(buyer) == 3 * PRICE

    def test_fresh_list_in_lots_of_forty_meets_an_exact_plan(
        self, vertical: Any, cast: Cast, buyer: Player
    ) -> None:
        batch = upload(cast.seller, as_file(vertical, rows_for(vertical, 40)))
        draw(cast.seller, batch)
        sample = verification.find_sample(batch.id)
        assert sample is not None
        looks = sample.plan["looks"]
        assert looks == [plan_for(40, "standard").looks[-1]]
        assert looks[-1] >= 29  # of forty: two thirds and more are called
        # Six of forty are bad, as the draw happens to lie: the sample finds four of them.
        work(cast.verifier, these(dict.fromkeys((3, 9, 17, 26), DENIES)))
        assert sample.status is SampleStatus.REJECTED
        assert not buyable(buyer, batch, [min(unchecked(batch))])
        assert held(buyer) == 0

    def test_many_small_lots_are_accepted_no_oftener_than_the_plan_allows(self) -> None:
        """A list of 15 % bad in 2,000 lots of forty; a fixed sample of five lets most through."""
        random, plan, lots = Random(4), plan_for(40, "standard"), 2_000
        accepted = lucky = 0
        for _ in range(lots):
            lot = [OutcomeClass.BAD] * 6 + [OutcomeClass.GOOD] * 34
            random.shuffle(lot)
            accepted += judge(plan, lot[: plan.looks[-1]]).status is SampleStatus.ACCEPTED
            lucky += OutcomeClass.BAD not in lot[:5]  # ISO 2859-1 level II, N = 40, AQL 2.5
        risk = acceptance_probability(plan, 6)
        assert risk <= 0.05
        deviation = (risk * (1 - risk) / lots) ** 0.5
        assert abs(accepted / lots - risk) < 4 * deviation
        assert lucky / lots > 0.35  # the control


class TestHiddenSource:
    COUNTS = dict.fromkeys(("alpha", "beta", "gamma", "delta", "omega"), 50)

    def sell(self, cast: Cast, people: Rows | None = None) -> tuple[Batch, dict[UUID, str]]:
        """Five sources of a fifth each; the bad third of omega stands where the core ends early."""
        sample = make_sample(cast.seller, people=people or people_of(self.COUNTS))
        batch = get(Batch, sample.batch_id)
        of_omega = {lead.id for lead in leads_of(batch) if lead.sub_source == "omega"}
        seen = [i.lead_id for i in verification.asked_for(sample.id) if i.lead_id in of_omega]
        bad = set(seen[8:12])  # 4 of its first twelve: behind the core's first look

        def judge_lead(lead: Lead) -> Outcome:
            return DENIES if lead.id in bad else GOOD

        call(cast.verifier, judge_lead)
        return batch, {lead.id: lead.sub_source for lead in leads_of(batch)}

    def test_is_quarantined_and_the_rest_is_sold(self, cast: Cast, buyer: Player) -> None:
        batch, source_of = self.sell(cast)
        assert batch.status is BatchStatus.ACCEPTED
        ends = {s.name: s.status for s in verification.lot_sources(batch.id)}
        assert ends.pop("omega") is LotSourceStatus.QUARANTINED
        assert set(ends.values()) == {LotSourceStatus.PASSED}
        hidden = sorted(i for i in unchecked(batch) if source_of[i] == "omega")
        assert len(hidden) >= 30
        for lead_id in hidden[:5]:
            assert not buyable(buyer, batch, [lead_id])
        assert held(buyer) == 0
        others = sorted(i for i in unchecked(batch) if source_of[i] != "omega")
        assert buyable(buyer, batch, others)
        assert held(buyer) == len(others) * PRICE

    def test_control_the_core_alone_lets_it_through(
        self, cast: Cast, buyer: Player, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lot_sources, "fix", lambda _batch: None)
        batch, source_of = self.sell(cast)
        assert batch.status is BatchStatus.ACCEPTED
        hidden = sorted(i for i in unchecked(batch) if source_of[i] == "omega")
        assert buyable(buyer, batch, hidden)
        assert held(buyer) == len(hidden) * PRICE

    def test_another_name_gains_nothing(self, cast: Cast) -> None:
        """The quarantined source comes again under a new name: its people are known."""
        people = people_of(self.COUNTS)
        batch, _ = self.sell(cast, people)
        omega = [lead for lead in leads_of(batch) if lead.sub_source == "omega"]
        renamed = [{**people[lead.row_number - 1], "sub_id": "fresh"} for lead in omega]
        again = make_batch(cast.seller, people=[*renamed, make_person()], status=BatchStatus.SEALED)
        assert (again.duplicate, again.valid) == (50, 1)
        batches.withdraw_batch(batch_id=batch.id, actor=cast.seller.actor)
        again = make_batch(cast.seller, people=[*renamed, make_person()], status=BatchStatus.SEALED)
        failed = sum(lead.failed_at is not None for lead in omega)
        assert (again.invalid, again.in_review, again.valid) == (failed, 50 - failed, 1)


def call(verifier: Player, judge_lead: Callable[[Lead], Outcome]) -> None:
    while task := claim(verifier):
        settle(verifier, task, judge_lead(get(Lead, inspection_of(task).lead_id)))
