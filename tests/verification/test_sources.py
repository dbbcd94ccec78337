"""Declared sources of a lot: fixed at its seal, judged beside its core, recomputed by anybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import Outcome
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.events import Event
from exchange.leads.models import Batch, BatchStatus, Lead, LeadStatus
from exchange.leads.services import suppression
from exchange.verification import queries
from exchange.verification.draw import full_order
from exchange.verification.models import (
    Inspection,
    InspectionPurpose,
    InspectionStatus,
    OutcomeClass,
    Sample,
    SampleStatus,
    TaskStatus,
    VerificationTask,
)
from exchange.verification.queries.lots import PublicRecord
from exchange.verification.records import check_lead, check_record
from exchange.verification.services import draws
from exchange.verification.source_models import LotSourceStatus
from exchange.verification.sources import (
    CHECKS,
    EXTRA_MAX,
    REST,
    checks_of,
    groups_of,
    is_large,
    judge_source,
)
from tests.cast import Cast, Player
from tests.factories.leads import leads_of, make_batch, make_person
from tests.verification.support import (
    claim,
    everybody,
    filed,
    inspection_of,
    later,
    make_sample,
    report,
    settle,
    work,
)

GOOD, DENIES, DEAD = Outcome.CONFIRMED, Outcome.DENIES, Outcome.NUMBER_DEAD
Judge = Callable[[Lead], Outcome]


def people_of(counts: Mapping[str, int]) -> list[dict[str, str]]:
    """New people who came through these sources, so many of each, well mixed."""
    left, people = dict(counts), []
    while any(left.values()):
        for name, count in left.items():
            if count:
                left[name] -= 1
                people.append({**make_person(), **({"sub_id": name} if name else {})})
    return people


def sampled(seller: Player, counts: Mapping[str, int], **terms: Any) -> Sample:
    return make_sample(seller, people=people_of(counts), **terms)


def call(verifier: Player, judge: Judge, *, calls: int = 1_000) -> int:
    """Call whoever waits; the answer is the lead's own. How many calls it took."""
    for made in range(calls):
        task = claim(verifier)
        if task is None:
            return made
        settle(verifier, task, judge(get(Lead, inspection_of(task).lead_id)))
    return calls


def batch_of(sample: Sample) -> Batch:
    return get(Batch, sample.batch_id)


def of_source(sample: Sample, name: str) -> list[Lead]:
    return [lead for lead in leads_of(batch_of(sample)) if lead.sub_source == name]


def bad_source(name: str) -> Judge:
    return lambda lead: DENIES if lead.sub_source == name else GOOD


class TestRule:
    def test_large_sources_are_checked_on_their_own_and_the_rest_together(self) -> None:
        groups = groups_of({"a": 500, "b": 300, "c": 50}, population=1_000)
        assert [(g.number, g.name, g.population) for g in groups] == [
            (0, None, 150), (1, "a", 500), (2, "b", 300), (3, "c", 50),
        ]  # fmt: skip

    def test_a_small_rest_is_left_to_the_core(self) -> None:
        groups = groups_of({"a": 600, "b": 351}, population=1_000)
        assert [(g.number, g.population) for g in groups] == [(1, 600), (2, 351)]

    @pytest.mark.parametrize(
        ("counts", "population"),
        [
            ({}, 1_000),  # a name to each lead
            ({"": 1_000}, 1_000),
            ({"a": 980}, 1_000),  # nobody else is large
            ({"a": 1, "b": 1}, 2),
        ],
    )
    def test_one_source_needs_nothing_of_its_own(
        self, counts: dict[str, int], population: int
    ) -> None:
        assert groups_of(counts, population=population) == []

    def test_a_lead_that_says_nothing_is_of_a_source_too(self) -> None:
        groups = groups_of({"": 800, "b": 200}, population=1_000)
        assert [(g.name, g.checks) for g in groups] == [("", 12), ("b", 12)]

    def test_sources_beyond_the_fifth_are_one(self) -> None:
        groups = groups_of({f"s{i}": 100 for i in range(10)}, population=1_000)
        assert [g.population for g in groups] == [600, 100, 100, 100, 100]
        assert [g.name for g in groups] == [None, "s0", "s1", "s2", "s3"]

    def test_five_sources_are_five_groups(self) -> None:
        groups = groups_of({f"s{i}": 200 for i in range(5)}, population=1_000)
        assert [g.number for g in groups] == [1, 2, 3, 4, 5]

    @given(st.dictionaries(st.text(max_size=3), st.integers(1, 400), max_size=30))
    def test_no_lead_is_forgotten_and_no_lot_asks_for_more_than_sixty(
        self, counts: dict[str, int]
    ) -> None:
        population = sum(counts.values())
        groups = groups_of(counts, population=population)
        assert sum(g.checks for g in groups) <= EXTRA_MAX
        if not groups:
            return
        own = {g.name for g in groups if g.name is not None}
        rest = sum(count for name, count in counts.items() if name not in own)
        assert all(is_large(g.population, population=population) for g in groups)
        assert is_large(rest, population=population) == (groups[0].number == REST)
        assert sum(g.population for g in groups) == population - (
            0 if groups[0].number == REST else rest
        )

    def test_two_bad_of_the_first_twelve_are_too_many(self) -> None:
        good, bad, unknown = OutcomeClass.GOOD, OutcomeClass.BAD, OutcomeClass.OPEN
        assert judge_source([good] * 11 + [bad]) is LotSourceStatus.PASSED
        assert judge_source([good] * 10 + [bad] * 2) is LotSourceStatus.QUARANTINED
        assert judge_source([None] * 10 + [bad] * 2) is LotSourceStatus.QUARANTINED
        assert judge_source([good] * 11 + [None]) is LotSourceStatus.OPEN
        assert judge_source([unknown] * 12) is LotSourceStatus.PASSED


class TestSeal:
    def test_map_goes_out_with_the_root_before_the_nonce(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 100, "b": 60, "c": 5})
        numbers = queries.source_map(sample.batch_id)
        assert numbers is not None
        names = {1: "a", 2: "b", REST: "c"}
        assert [names[number] for number in numbers] == [
            lead.sub_source for lead in leads_of(batch_of(sample))
        ]
        rooted = db.session.scalar(select(Event).where(Event.type == "draw.rooted"))
        nonce = db.session.scalar(select(Event).where(Event.type == "draw.nonce_given"))
        assert rooted is not None
        assert nonce is not None
        assert rooted.facts["source_map"] == sha256(numbers).hexdigest()
        assert rooted.id < nonce.id

    def test_a_lot_of_one_source_has_no_map(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 120})
        assert queries.source_map(sample.batch_id) is None
        assert queries.lot_sources(sample.batch_id) == []

    def test_what_a_lead_is_called_later_changes_nothing(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 100, "b": 60})
        before = queries.source_map(sample.batch_id)
        for lead in of_source(sample, "b"):
            lead.sub_source = ""
        db.session.flush()
        work(cast.verifier, everybody(GOOD))
        record = queries.public_record(sample.batch_id)
        assert record.source_map() == before
        checks = check_record(record.header, record.leaves, source_map=before)
        assert all(check.agrees for check in checks)


class TestDraw:
    def test_checks_are_the_first_of_each_source_in_the_one_order(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 200, "b": 60, "c": 30})
        numbers = queries.source_map(sample.batch_id)
        draw = queries.get_draw(sample.batch_id)
        assert numbers is not None
        assert draw is not None
        assert draw.seed is not None
        leaves = [lead.leaf for lead in leads_of(batch_of(sample))]
        order = full_order(draw.seed, leaves)
        for source in queries.lot_sources(sample.batch_id):
            own = [place for place in order if numbers[place] == source.number]
            assert source.leaves == own[: checks_of(source.population)]

    def test_nobody_is_asked_twice_and_only_the_shortfall_is_extra(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 200, "b": 60, "c": 30})
        asked = queries.asked_for(sample.id)
        core = [i for i in asked if i.purpose is InspectionPurpose.SAMPLE]
        extra = [i for i in asked if i.purpose is InspectionPurpose.SOURCE]
        assert len({i.lead_id for i in asked}) == len(asked)
        assert len(core) == 92
        wanted = {place for s in queries.lot_sources(sample.batch_id) for place in s.leaves}
        assert {i.leaf_index for i in extra} == wanted - {i.leaf_index for i in core}

    def test_at_most_twice_the_look_are_open_at_once(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {f"s{i}": 60 for i in range(5)})
        assert len(waiting(sample)) == 2 * 22
        for _ in range(10):
            task = claim(cast.verifier)
            assert task is not None
            report(cast.verifier, task, GOOD)
            assert len(waiting(sample)) <= 2 * 22
        assert sample.status is SampleStatus.OPEN


def waiting(sample: Sample) -> list[Inspection]:
    """Who is in the queue for the sample."""
    statement = (
        select(Inspection)
        .join(VerificationTask, VerificationTask.inspection_id == Inspection.id)
        .where(Inspection.ref_id == sample.id, VerificationTask.status == TaskStatus.QUEUED)
    )
    return list(db.session.scalars(statement))


class TestDecision:
    def test_clean_lot_is_on_sale_when_each_source_was_heard(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {f"s{i}": 40 for i in range(5)})
        calls = call(cast.verifier, lambda _: GOOD)
        assert sample.status is SampleStatus.ACCEPTED
        assert (sample.n, sample.stage) == (22, 1)
        assert 5 * CHECKS <= calls <= 36 + EXTRA_MAX
        sources = queries.lot_sources(sample.batch_id)
        assert {(s.status, s.n, s.bad) for s in sources} == {(LotSourceStatus.PASSED, CHECKS, 0)}
        assert waiting(sample) == []
        asked = {i.status for i in queries.asked_for(sample.id)}
        assert asked == {InspectionStatus.CONCLUDED, InspectionStatus.CANCELLED}

    def test_lot_waits_for_a_source_that_is_still_called(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 500, "b": 60})
        last = queries.lot_sources(sample.batch_id)[1].leaves[-1]
        late = next(i.lead_id for i in queries.asked_for(sample.id) if i.leaf_index == last)
        call(cast.verifier, lambda lead: Outcome.NOT_REACHED if lead.id == late else GOOD)
        assert all(i.outcome for i in queries.inspections_of(sample.id)[:22])
        assert (sample.status, batch_of(sample).status) == (
            SampleStatus.OPEN, BatchStatus.SAMPLING,
        )  # fmt: skip
        later(days=1)
        call(cast.verifier, lambda _: GOOD)
        assert batch_of(sample).status is BatchStatus.ACCEPTED

    def test_bad_source_is_quarantined_and_the_rest_goes_on(self, cast: Cast) -> None:
        """Two bad of the source's own twelve, too few for the core to see."""
        sample = sampled(cast.seller, {"a": 700, "b": 70})
        last = queries.lot_sources(sample.batch_id)[1].leaves[-2:]
        bad = {i.lead_id for i in queries.asked_for(sample.id) if i.leaf_index in last}
        call(cast.verifier, lambda lead: DEAD if lead.id in bad else GOOD)
        a, b = queries.lot_sources(sample.batch_id)
        assert (a.status, b.status, b.bad) == (
            LotSourceStatus.PASSED, LotSourceStatus.QUARANTINED, 2,
        )  # fmt: skip
        assert (sample.status, batch_of(sample).status) == (
            SampleStatus.ACCEPTED, BatchStatus.ACCEPTED,
        )  # fmt: skip
        of_b = of_source(sample, "b")
        on_sale = [lead for lead in of_b if lead.status is LeadStatus.VALID]
        assert all(lead.checked_at for lead in on_sale)  # called by us and good
        assert on_sale
        assert {lead.status for lead in of_b if lead not in on_sale} == {LeadStatus.QUARANTINED}
        found_bad = [lead for lead in of_source(sample, "a") if lead.status is not LeadStatus.VALID]
        assert found_bad == []

    def test_rejected_lot_asks_no_further_and_says_nothing_of_its_sources(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 100, "b": 100})
        call(cast.verifier, lambda _: DENIES)
        assert sample.status is SampleStatus.REJECTED
        assert {s.status for s in queries.lot_sources(sample.batch_id)} == {LotSourceStatus.LEFT}
        assert waiting(sample) == []
        assert_agrees(sample)

    def test_person_who_must_not_be_called_keeps_no_lot_waiting(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"a": 500, "b": 60})
        b = queries.lot_sources(sample.batch_id)[1]
        last = next(i for i in queries.asked_for(sample.id) if i.leaf_index == b.leaves[-1])
        suppression.suppress_person(lead_id=last.lead_id, origin="objection", actor=SYSTEM)
        call(cast.verifier, lambda _: GOOD)
        assert sample.status is SampleStatus.ACCEPTED
        assert (b.status, b.n) == (LotSourceStatus.PASSED, CHECKS)

    def test_unverified_lot_asks_nobody(self, cast: Cast) -> None:
        batch = make_batch(
            cast.seller,
            people=people_of({"a": 60, "b": 60}),
            status=BatchStatus.SEALED,
            quality_class=QualityClass.UNVERIFIED,
        )
        draws.root(batch_id=batch.id, actor=SYSTEM)
        assert queries.source_map(batch.id) is None


def assert_agrees(sample: Sample) -> None:
    record = queries.public_record(sample.batch_id)
    header = json.loads(json.dumps(record.header))
    checks = check_record(header, record.leaves, source_map=record.source_map())
    assert [check for check in checks if not check.agrees] == []


def of_three_sources(cast: Cast) -> PublicRecord:
    """An accepted lot of three sources, one of them bad."""
    sample = sampled(cast.seller, {"a": 700, "b": 75, "": 60})
    place = {i.lead_id: i.leaf_index for i in queries.asked_for(sample.id)}
    wrong = set(queries.lot_sources(sample.batch_id)[1].leaves[-2:])
    call(cast.verifier, lambda lead: DENIES if place[lead.id] in wrong else GOOD)
    assert_agrees(sample)
    return queries.public_record(sample.batch_id)


class TestRecord:
    @pytest.fixture
    def record(self, request: pytest.FixtureRequest) -> PublicRecord:
        return filed("of three sources", request, of_three_sources)

    def wrong(self, record: PublicRecord, change: Callable[[dict[str, Any]], None]) -> set:
        header = deepcopy(record.header)
        change(header)
        checks = check_record(header, record.leaves, source_map=record.source_map())
        return {check.piece for check in checks if not check.agrees}

    @pytest.mark.parametrize(
        ("path", "value", "pieces"),
        [
            (("source_map",), "ab" * 32, {"source_map"}),
            (("source_map",), None, {"source_map"}),
            (("sources", 0, "population"), 701, {"source_map"}),
            (("sources", 1, "number"), 3, {"source_map", "source_draw"}),
            (("sources", 1, "status"), "passed", {"quarantine"}),
            (("sources", 0, "status"), "quarantined", {"quarantine"}),
            (("sources", 1, "bad"), 1, {"quarantine"}),
            (("sources", 1, "n"), 11, {"quarantine"}),
            (("sources", 1, "drawn", 11, "outcome"), "good", {"quarantine"}),
            (("sources", 1, "drawn", 11, "leaf"), 0, {"source_draw"}),
            (("sources", 0, "drawn", 0, "outcome"), "open", {"source_draw"}),
            (("sources", 0, "drawn", 0, "outcome"), None, {"source_draw", "quarantine"}),
            (("sources", 1), None, {"source_map", "source_draw", "quarantine"}),
            (("sources",), [], {"source_map"}),
        ],
    )
    def test_tampered_piece_is_named(
        self, record: PublicRecord, path: tuple, value: Any, pieces: set[str]
    ) -> None:
        def change(header: dict[str, Any]) -> None:
            target: Any = header
            for part in path[:-1]:
                target = target[part]
            target[path[-1]] = value

        assert self.wrong(record, change) == pieces

    def test_another_map_is_named(self, record: PublicRecord) -> None:
        numbers = record.source_map()
        assert numbers is not None
        swapped = bytes({1: 2, 2: 1}.get(number, number) for number in numbers)
        checks = check_record(record.header, record.leaves, source_map=swapped)
        assert {check.piece for check in checks if not check.agrees} == {
            "source_map", "source_draw",
        }  # fmt: skip
        without = check_record(record.header, record.leaves)
        assert "not at hand" in next(c.detail for c in without if c.piece == "source_map")

    def test_names_of_sources_are_nobody_elses_business(self, cast: Cast) -> None:
        sample = sampled(cast.seller, {"secret-campaign": 100, "other-campaign": 60})
        work(cast.verifier, everybody(GOOD))
        record = queries.public_record(sample.batch_id)
        assert "campaign" not in json.dumps(record.header)


class TestDoors:
    def test_seller_sees_names_at_once_and_ends_after_the_decision(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        sample = sampled(cast.seller, {"morning-ads": 500, "evening-ads": 60})
        place = {i.lead_id: i.leaf_index for i in queries.asked_for(sample.id)}
        wrong = set(queries.lot_sources(sample.batch_id)[1].leaves[-2:])
        path = f"/sellers/batches/{batch_of(sample).public_id}"
        db.session.commit()
        browser = cast.seller.sign_in(client)
        before = browser.get(path).text
        assert "morning-ads" in before
        assert "Quarantined" not in before
        call(cast.verifier, lambda lead: DENIES if place[lead.id] in wrong else GOOD)
        db.session.commit()
        after = browser.get(path).text
        assert "Quarantined" in after
        assert "Passed" in after

    def test_anybody_proves_one_lead_from_the_root_alone(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        sample = sampled(cast.seller, {"a": 100, "b": 57})
        batch = batch_of(sample)
        db.session.commit()
        draw = f"/api/v1/batches/{batch.public_id}/draw"
        assert client.get(f"{draw}/leaves/3").status_code == 404  # not decided yet
        assert client.get(f"{draw}/sources").status_code == 404
        call(cast.verifier, lambda _: GOOD)
        db.session.commit()
        header = client.get(draw).get_json()
        assert client.get(f"{draw}/sources").data == queries.source_map(batch.id)
        leads = leads_of(batch)
        for index in (0, 77, 156):
            proof = client.get(f"{draw}/leaves/{index}").get_json()
            assert check_lead(header, proof).agrees
            assert proof["leaf"] == leads[index].leaf.hex()
            by_lead = client.get(f"/api/v1/leads/{leads[index].public_id}/proof").get_json()
            assert by_lead == proof
            assert not check_lead(header, {**proof, "index": index ^ 1}).agrees
            assert not check_lead(header, {**proof, "leaf": "ab" * 32}).agrees
        assert client.get(f"{draw}/leaves/157").status_code == 404
