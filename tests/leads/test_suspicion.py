"""What looks odd about rows and files: each mark on a case that has it and on one that has not."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.db import db
from exchange.leads import samples
from exchange.leads.checking import CheckedRow, Outcome
from exchange.leads.fingerprints import IdentityKey
from exchange.leads.heavy import HeavyHitters
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.leads.services import imports, intake, writing
from exchange.leads.suspicion import (
    MARKS,
    SCORE_MAX,
    Facts,
    Watch,
    row_facts,
    row_marks,
    score,
)
from tests.cast import Cast
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of, make_batch
from tests.leads.test_sources import agree, take_in, upload

NOON = datetime(2026, 11, 20, 12, 0, 7, tzinfo=UTC)
ROW = CheckedRow(number=1, line=2, outcome=Outcome.VALID)


def a_row(
    *,
    name: str = "Taylor Carter",
    email: str = "taylor.carter@example.com",
    asked: datetime | None = NOON,
    consent: datetime | None = None,
    region: str = "",
    phone: str = "+16142340001",
    sent: Mapping[str, str] | None = None,
) -> CheckedRow:
    given_at = {"given_at": consent.isoformat()} if consent else {}
    return replace(
        ROW,
        contact={"name": name, "email": email, "phone": phone},
        identities=(IdentityKey("phone", phone),),
        requested_at=asked,
        consent=given_at,
        region=region,
        sent=sent or {},
    )


class TestRow:
    def test_an_ordinary_row_has_no_mark(self) -> None:
        assert row_marks(a_row(consent=NOON, sent={"form_seconds": "41"})) == ()

    @pytest.mark.parametrize("seconds", ["0.5", "4"])
    def test_a_form_that_nobody_types_so_fast(self, seconds: str) -> None:
        assert row_marks(a_row(sent={"form_seconds": seconds})) == ("form_fast",)

    @pytest.mark.parametrize(
        "local", ["xkqzvbnmtr", "sdfghjkl", "a1b2c3d", "mrtgwpqzk", "qwrtpsdf99"]
    )
    def test_an_address_of_keys_pressed_at_random(self, local: str) -> None:
        assert row_marks(a_row(email=f"{local}@example.com")) == ("email_random",)

    @pytest.mark.parametrize(
        "local",
        ["schmidt", "knschmidt", "tcarter1985", "person.16145551234", "nguyenthithuytrang", "jrr"],
    )
    def test_addresses_of_people_are_not_random(self, local: str) -> None:
        assert "email_random" not in row_marks(a_row(email=f"{local}@example.com"))

    @pytest.mark.parametrize(
        ("name", "local", "differs"),
        [
            ("Taylor Carter", "john.brown", True),
            ("Taylor Carter", "carter.t", False),  # an initial says too little
            ("Bob Smith", "robert.smith", False),
            ("Иван Петров", "john.brown", False),  # another script cannot be compared
            ("Taylor Carter", "bestmum", False),
        ],
    )
    def test_an_address_that_spells_another_name(
        self, name: str, local: str, *, differs: bool
    ) -> None:
        marks = row_marks(a_row(name=name, email=f"{local}@example.com"))
        assert marks == (("email_not_name",) if differs else ())

    @pytest.mark.parametrize(
        ("apart", "code"),
        [
            (timedelta(minutes=6), "consent_after"),
            (timedelta(minutes=4), None),
            (timedelta(days=-29), None),
            (timedelta(days=-31), "consent_long_before"),
        ],
    )
    def test_consent_long_before_or_after(self, apart: timedelta, code: str | None) -> None:
        assert row_marks(a_row(consent=NOON + apart)) == ((code,) if code else ())

    def test_night_is_told_by_the_clock_of_the_region(self) -> None:
        zones = {"": UTC, "east": ZoneInfo("Asia/Vladivostok")}  # ten hours ahead
        late = a_row(asked=NOON + timedelta(hours=4), region="east")
        assert row_marks(late, zones=zones) == ("night",)
        assert row_marks(replace(late, region=""), zones=zones) == ()

    def test_a_date_without_a_time_is_no_night(self) -> None:
        assert row_marks(a_row(asked=datetime(2026, 11, 20, tzinfo=UTC))) == ()


def facts(number: int, **changes: int) -> Facts:
    """A row of its own in everything."""
    spread = Facts(
        minute=30_000_000 + number * 7,
        second=number * 13 % 60 + 1,
        ip=number + 1,
        agent=number + 1,
        name=number + 1,
        phone=16_142_340_000 + number * 17,
    )
    return spread._replace(**changes)


def watched(rows: list[Facts]) -> tuple[Watch, list[tuple[str, ...]]]:
    watch = Watch()
    return watch, [watch.see(row) for row in rows]


def codes(watch: Watch) -> dict[str, int]:
    return {mark["code"]: mark["count"] for mark in watch.summary()["marks"]}


class TestWatch:
    def test_ordinary_rows_have_no_mark(self) -> None:
        watch, marks = watched([facts(n) for n in range(2_000)])
        assert set(marks) == {()}
        assert watch.summary() == {"score": 0, "rows": 2_000, "marks": []}

    def test_nothing_is_said_of_no_rows(self) -> None:
        assert Watch().summary() == {"score": 0, "rows": 0, "marks": []}

    @pytest.mark.parametrize(("field", "code"), [("ip", "same_ip"), ("name", "same_name")])
    def test_the_fifth_of_the_same_is_marked(self, field: str, code: str) -> None:
        _, marks = watched([facts(n, **{field: 1}) for n in range(6)])
        assert marks == [(), (), (), (), (code,), (code,)]

    def test_a_name_that_is_common_in_a_big_file_is_no_mark(self) -> None:
        rows = [facts(n, name=1 if n % 100 == 0 else n + 1) for n in range(1_000)]
        assert codes(watched(rows)[0]) == {}

    def test_a_burst_is_told_by_what_is_usual_in_the_file(self) -> None:
        calm = [facts(n) for n in range(500)]
        burst = [facts(500 + n, minute=30_000_100) for n in range(30)]
        assert codes(watched(calm + burst)[0]) == {"same_minute": 21}
        busy = [facts(n, minute=30_000_000 + n // 30) for n in range(900)]
        assert codes(watched(busy)[0]) == {}

    def test_phones_that_are_counted_up(self) -> None:
        watch, marks = watched([facts(n, phone=16_142_340_000 + n) for n in range(10)])
        assert marks[3:5] == [(), ("sequential_phones",)]
        assert watch.runs.rows == 10

    def test_the_same_second_of_the_minute(self) -> None:
        assert codes(watched([facts(n, second=31) for n in range(40)])[0]) == {"same_second": 40}

    def test_full_minutes_are_how_a_file_writes(self) -> None:
        assert codes(watched([facts(n, second=1) for n in range(40)])[0]) == {}

    def test_one_browser_for_most_requests(self) -> None:
        rows = [facts(n, agent=1 if n % 4 else n + 2) for n in range(40)]
        assert codes(watched(rows)[0]) == {"same_agent": 30}

    def test_a_night_here_and_there_is_nothing_and_most_of_them_is(self) -> None:
        for often, expected in ((5, {}), (2, {"mostly_night": 20})):
            watch = Watch()
            for n in range(40):
                watch.see(facts(n), ("night",) if n % often == 0 else ())
            assert codes(watch) == expected

    def test_lots_that_were_rejected_before_count(self) -> None:
        watch, _ = watched([facts(0)])
        told = watch.summary(rejected=1, decided=2)
        assert told["marks"] == [{"code": "source_history", "count": 1}]
        assert told["score"] == MARKS["source_history"].file / 2

    @given(st.lists(st.sampled_from(sorted(MARKS)), max_size=8))
    def test_a_score_is_between_0_and_100(self, marks: list[str]) -> None:
        watch = Watch()
        watch.see(facts(0), tuple(marks))
        assert 0 <= score(marks) <= SCORE_MAX
        assert 0 <= watch.summary()["score"] <= SCORE_MAX

    @given(st.lists(st.integers(0, 30), max_size=300), st.integers(1, 8))
    def test_what_is_frequent_is_never_missed_and_never_overstated(
        self, values: list[int], room: int
    ) -> None:
        heavy = HeavyHitters(room)
        for value in values:
            heavy.add(value)
        kept = heavy._counts
        assert len(kept) <= room
        assert all(n <= values.count(value) for value, n in kept.items())
        frequent = {v for v in values if values.count(v) > len(values) / (room + 1)}
        assert frequent <= kept.keys()


class TestFacts:
    def test_they_hold_no_text_and_ipv6_is_taken_by_its_network(self) -> None:
        first = row_facts(a_row(sent={"ip": "2001:db8:1:2:aaaa::1"}))
        second = row_facts(a_row(sent={"ip": "2001:db8:1:2:bbbb::2"}, name="TAYLOR CARTER"))
        assert all(isinstance(value, int) for value in first)
        assert first == second

    def test_what_a_row_does_not_say_is_0(self) -> None:
        assert row_facts(ROW) == Facts(0, 0, 0, 0, 0, 0)


def odd_file(*, rows: int = 30) -> bytes:
    """Rows from one address, filled in within two seconds."""
    definition = catalog.get_definition(make_vertical())
    made = samples.invented_rows(definition, random=Random(9), count=rows, now=clock.now())
    out = io.StringIO()
    writer = csv.DictWriter(out, list(made[0]))
    writer.writeheader()
    writer.writerows({**row, "ip": "203.0.113.9", "form_seconds": "2"} for row in made)
    return out.getvalue().encode()


class TestIntake:
    def test_marks_are_kept_with_the_leads_and_nothing_is_refused(self, cast: Cast) -> None:
        batch = take_in(cast.seller, upload(cast.seller, odd_file()))
        assert (batch.valid, batch.invalid, batch.status) == (30, 0, BatchStatus.SEALED)
        leads = leads_of(batch)
        assert leads[0].marks is not None
        assert {"form_fast", "same_ip"} <= set(leads[-1].marks or ())
        assert "same_ip" not in leads[0].marks
        assert leads[-1].suspicion == score(leads[-1].marks or ()) > leads[0].suspicion > 0
        counted = {mark["code"]: mark["count"] for mark in batch.suspicion["marks"]}
        assert (counted["form_fast"], counted["same_ip"]) == (30, 26)
        assert batch.suspicion["score"] >= MARKS["form_fast"].file

    def test_how_a_form_was_sent_is_kept_nowhere(self, cast: Cast) -> None:
        batch = take_in(cast.seller, upload(cast.seller, odd_file(rows=3)))
        kept = db.session.execute(select(Lead.attributes, Lead.preview, Lead.marks)).all()
        assert "203.0.113.9" not in repr(kept)
        assert "203.0.113.9" not in repr(batch.suspicion)
        assert all("ip" not in lead.attributes for lead in leads_of(batch))

    def test_an_ordinary_file_has_a_low_score(self, cast: Cast) -> None:
        definition = catalog.get_definition(make_vertical())
        made = samples.invented_rows(definition, random=Random(3), count=60, now=clock.now())
        batch = take_in(cast.seller, upload(cast.seller, samples.as_csv(definition, made)))
        assert batch.suspicion["score"] < 20

    def test_a_run_that_was_killed_forgets_nothing(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft = agree(cast.seller, upload(cast.seller, odd_file()))
        imports.confirm(batch_id=draft.id, declared_unsold=True, actor=cast.seller.actor)
        db.session.commit()
        written, blocks = writing.write_block, []

        def die_in_the_second(*args: object, **kwargs: object) -> object:
            blocks.append(1)
            if len(blocks) == 2:
                raise KeyboardInterrupt
            return written(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came

        monkeypatch.setattr(intake, "write_block", die_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            intake.take_in(draft.id, block_rows=10)
        intake.take_in(draft.id, block_rows=10)
        batch = db.session.get(Batch, draft.id, populate_existing=True)
        assert batch is not None
        counted = {mark["code"]: mark["count"] for mark in batch.suspicion["marks"]}
        assert (batch.suspicion["rows"], counted["same_ip"]) == (30, 26)

    def test_a_source_with_a_rejected_lot_says_so(self, cast: Cast) -> None:
        make_batch(cast.seller, source="Search ads", status=BatchStatus.REJECTED, leads=2)
        decided = db.session.scalars(select(Batch)).one()
        decided.decided_at = clock.now()
        batch = take_in(cast.seller, upload(cast.seller, odd_file(rows=2)))
        assert {"code": "source_history", "count": 1} in batch.suspicion["marks"]
