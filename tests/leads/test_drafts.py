"""A draft is mended until it is right: for all rows, row by row, and by a file that comes back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.catalog.services import publish_vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, Gone, Invalid, NotFound
from exchange.core.money import Currency, Money
from exchange.identity import services as identity
from exchange.leads import queries, samples
from exchange.leads.draft_models import ImportRow, RowEnd
from exchange.leads.findings import FileReject
from exchange.leads.models import Batch, Import, ImportStatus, LeadKind, ProblemRow
from exchange.leads.services import checks, fixes, imports, intake, problem_files
from exchange.leads.services.mending import open_words
from tests.factories.catalog import make_vertical


@pytest.fixture
def vertical(app):
    return make_vertical("home_improvement_us")


@pytest.fixture
def people(vertical):
    """Ten rows: one without a real number, two in a region that nobody knows, one repeated."""
    rows = some_people(vertical, 9)
    rows[1]["phone"] = "12345"
    rows[3]["region"] = rows[4]["region"] = "Buckeye State"
    return [*rows, dict(rows[0])]


def some_people(vertical, count, seed=3):
    definition = catalog.get_definition(vertical)
    return samples.invented_rows(definition, random=Random(seed), count=count, now=clock.now())


def as_file(vertical, rows):
    return samples.as_csv(catalog.get_definition(vertical), rows)


def begin(seller, content, **options):
    draft = imports.start_import(
        organization_id=seller.organization.id, vertical_code="home_improvement_us",
        source_name="Search ads", file_name="october.csv", stream=io.BytesIO(content),
        actor=seller.actor,
    )  # fmt: skip
    imports.map_columns(import_id=draft.id, chosen={}, actor=seller.actor, **options)
    return checked(draft)


def checked(draft):
    """The draft after the worker has looked at every row."""
    db.session.commit()
    checks.check_draft(draft.id)
    return db.session.get(Import, draft.id, populate_existing=True)


def take_in(seller, draft, *, only_if_all_right=False):
    batch = imports.draft_batch(
        import_id=draft.id, name="", quality_class=QualityClass.STANDARD,
        price=Money(4500, Currency.USD), kind=LeadKind.EXCLUSIVE, sales_max=1, actor=seller.actor,
    )  # fmt: skip
    imports.confirm(
        batch_id=batch.id, declared_unsold=True, only_if_all_right=only_if_all_right,
        actor=seller.actor,
    )  # fmt: skip
    db.session.commit()
    intake.take_in(batch.id)
    return db.session.get(Batch, batch.id, populate_existing=True)


def rules_of(draft):
    return {(r["field"], r["code"]): (r["state"], r["rows"]) for r in draft.forecast["rules"]}


def kept(draft):
    statement = select(ImportRow).where(ImportRow.import_id == draft.id)
    return {row.row_number: row for row in db.session.scalars(statement)}


def column(draft, name):
    return draft.recognition["header"].index(name)


class TestCheck:
    def test_every_row_is_counted_once_and_grouped_by_rule(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        found = draft.forecast
        assert (found["rows"], found["whole"], found["rows_about"]) == (10, True, 10)
        assert (found["valid"], found["invalid"], found["duplicate"]) == (6, 3, 1)
        assert rules_of(draft) == {
            ("phone", "short_code"): ("invalid", 1),
            ("region", "value_not_allowed"): ("invalid", 2),
            ("", "duplicate_in_file"): ("duplicate", 1),
        }
        assert open_words(draft) == {"region": [("buckeye state", 2)]}
        assert "buckeye" not in str(draft.forecast)
        assert sorted(kept(draft)) == [2, 4, 5, 10]

    def test_what_is_kept_opens_only_with_the_files_key(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        row = kept(draft)[2]
        assert fixes.open_row(draft, row)[column(draft, "phone")] == "12345"
        assert b"12345" not in row.locked
        stored = f"{draft.forecast} {draft.mapping} {draft.recognition} {row.findings}"
        assert not any(one["phone"] in stored or one["name"] in stored for one in people)
        imports.abandon(import_id=draft.id, actor=cast.seller.actor)
        assert kept(draft) == {}
        with pytest.raises(Gone):
            fixes.open_row(draft, row)

    def test_a_killed_check_begins_again(self, vertical, cast, people, monkeypatch):
        draft = begin(cast.seller, as_file(vertical, people))
        fixes.recheck(import_id=draft.id, actor=cast.seller.actor)
        db.session.commit()
        written, chunks = checks._write_new, []

        def die_in_the_second(*args):
            chunks.append(1)
            written(*args)
            if len(chunks) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(checks, "_write_new", die_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            checks.check_draft(draft.id, block_rows=3)
        stopped = db.session.get(Import, draft.id, populate_existing=True)
        assert (stopped.check_rows, stopped.is_checked_whole) == (3, False)
        again = checked(draft)
        assert (again.is_checked_whole, again.forecast["rows"]) == (True, 10)
        assert sorted(kept(draft)) == [2, 4, 5, 10]

    def test_the_sweep_finds_a_check_that_nobody_rang_for(
        self, vertical, cast, people, sweep, run_jobs
    ):
        draft = begin(cast.seller, as_file(vertical, people))
        fixes.recheck(import_id=draft.id, actor=cast.seller.actor)
        db.session().info.clear()  # the doorbell was away
        db.session.commit()
        sweep("leads.check_draft")
        assert run_jobs() == 1
        assert db.session.get(Import, draft.id, populate_existing=True).is_checked_whole

    def test_a_check_of_what_was_changed_meanwhile_is_not_believed(
        self, vertical, cast, people, monkeypatch
    ):
        draft = begin(cast.seller, as_file(vertical, people))
        fixes.recheck(import_id=draft.id, actor=cast.seller.actor)
        db.session.commit()
        written = checks._write_new

        def change_meanwhile(*args):
            written(*args)
            monkeypatch.setattr(checks, "_write_new", written)
            fixes.recheck(import_id=draft.id, actor=cast.seller.actor)

        monkeypatch.setattr(checks, "_write_new", change_meanwhile)
        checks.check_draft(draft.id, block_rows=3)
        now = db.session.get(Import, draft.id, populate_existing=True)
        assert not now.is_checked_whole

    def test_a_hundred_of_nobody_but_problems(self, vertical, cast):
        rows = some_people(vertical, 100)
        for row in rows:
            row["phone"] = "12345"
        draft = begin(cast.seller, as_file(vertical, rows))
        assert (draft.forecast["invalid"], len(kept(draft))) == (100, 100)


class TestFixes:
    def test_words_are_mapped_for_all_rows_and_remembered(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        ohio = next(c.value for c in fields_of(draft)["region"].choices if "Ohio" in str(c.label))
        words = {"region": {" Buckeye  STATE ": ohio}}
        fixes.map_words(import_id=draft.id, words=words, actor=cast.seller.actor)
        draft = checked(draft)
        assert ("region", "value_not_allowed") not in rules_of(draft)
        batch = take_in(cast.seller, draft)
        assert (batch.valid, batch.invalid, batch.duplicate) == (8, 1, 1)
        more = some_people(vertical, 2, seed=8)
        more[0]["region"] = "buckeye state"
        assert begin(cast.seller, as_file(vertical, more)).forecast["valid"] == 2

    def test_a_word_stands_only_for_a_value_of_its_field(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        for words in ({"region": {"x": "Atlantis"}}, {"name": {"x": "y"}}, {"none": {"x": "y"}}):
            with pytest.raises(Invalid):
                fixes.map_words(import_id=draft.id, words=words, actor=cast.seller.actor)

    def test_empty_cells_get_one_value(self, vertical, cast, people):
        for row in people:
            row["consent_text"] = ""
        draft = begin(cast.seller, as_file(vertical, people))
        assert draft.forecast["valid"] == 0
        said = "I agree to be called by contractors near me."
        fixes.fill_empty(
            import_id=draft.id, defaults={"consent_text": said}, actor=cast.seller.actor
        )
        draft = checked(draft)
        assert draft.forecast["valid"] == 6
        assert take_in(cast.seller, draft).valid == 6

    @pytest.mark.parametrize("name", ["phone", "nothing", "consent_at"])
    def test_a_value_for_all_must_be_one(self, vertical, cast, people, name):
        draft = begin(cast.seller, as_file(vertical, people))
        with pytest.raises(Invalid) as refused:
            fixes.fill_empty(
                import_id=draft.id, defaults={name: "no time"}, actor=cast.seller.actor
            )
        assert refused.value.errors[0].pointer == f"/default-{name}"

    def test_a_field_without_a_column_is_filled_too(self, vertical, cast):
        rows = some_people(vertical, 3)
        content = without_column(as_file(vertical, rows), "channel")
        draft = begin(cast.seller, content, defaults={"channel": "email"})
        assert draft.forecast["valid"] == 3
        assert take_in(cast.seller, draft).valid == 3

    def test_rows_are_dropped_by_rule_and_taken_back(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        dropped = fixes.drop_rows(
            import_id=draft.id, field="region", code="value_not_allowed", actor=cast.seller.actor
        )
        draft = checked(draft)
        assert (dropped, draft.forecast["dropped"], draft.forecast["invalid"]) == (2, 2, 3)
        assert ("region", "value_not_allowed") not in rules_of(draft)
        fixes.restore_rows(import_id=draft.id, actor=cast.seller.actor)
        draft = checked(draft)
        assert draft.forecast["dropped"] == 0
        assert rules_of(draft)["region", "value_not_allowed"] == ("invalid", 2)

    def test_a_dropped_row_becomes_no_lead_and_is_accounted_for(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        fixes.drop_rows(
            import_id=draft.id, field="phone", code="short_code", actor=cast.seller.actor
        )
        batch = take_in(cast.seller, checked(draft))
        assert (batch.rows_done, batch.invalid) == (10, 3)
        row = db.session.get(ProblemRow, (batch.id, 2))
        assert row.codes == ["dropped_by_seller"]


class TestEdits:
    def edit(self, cast, draft, row, **cells):
        return fixes.edit_row(
            import_id=draft.id, row_number=row,
            cells={column(draft, name): cell for name, cell in cells.items()},
            actor=cast.seller.actor,
        )  # fmt: skip

    def test_an_edited_row_is_judged_at_once_and_becomes_a_lead(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        row = self.edit(cast, draft, 2, phone="+16145550142"[:5] + "2345678")
        assert (row.outcome, row.findings) == (RowEnd.VALID, [])
        assert (draft.forecast["valid"], draft.forecast["invalid"]) == (7, 2)
        assert ("phone", "short_code") not in rules_of(draft)
        batch = take_in(cast.seller, checked(draft))
        assert (batch.valid, batch.invalid) == (7, 2)
        assert kept(draft) == {}  # what was mended is in the leads now

    def test_a_wrong_edit_stays_a_problem(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        row = self.edit(cast, draft, 2, phone="call me")
        assert row.findings == [["phone", "not_phone"]]
        assert rules_of(draft)["phone", "not_phone"] == ("invalid", 1)

    def test_an_edit_survives_the_next_check(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        self.edit(cast, draft, 4, region="Ohio")
        fixes.recheck(import_id=draft.id, actor=cast.seller.actor)
        draft = checked(draft)
        assert draft.forecast["valid"] == 7
        assert kept(draft)[4].outcome is RowEnd.VALID

    def test_two_rows_that_become_one_person_are_found_by_the_next_check(
        self, vertical, cast, people
    ):
        draft = begin(cast.seller, as_file(vertical, people))
        self.edit(cast, draft, 2, phone=people[2]["phone"])
        fixes.recheck(import_id=draft.id, actor=cast.seller.actor)
        draft = checked(draft)
        assert rules_of(draft)["", "duplicate_in_file"] == ("duplicate", 2)
        assert take_in(cast.seller, draft).duplicate == 2

    def test_a_repeat_stays_one_whatever_else_is_edited(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        assert self.edit(cast, draft, 10, name="Another Name").outcome is RowEnd.DUPLICATE

    def test_a_sound_row_is_not_edited(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        with pytest.raises(NotFound):
            self.edit(cast, draft, 1, name="Another Name")
        with pytest.raises(Invalid):
            fixes.edit_row(
                import_id=draft.id, row_number=2, cells={99: "x"}, actor=cast.seller.actor
            )


class TestStrangers:
    def test_who_may_not_trade_is_not_told_whom_the_exchange_knows(self, vertical, cast, people):
        content = as_file(vertical, people)
        take_in(cast.other_seller, begin(cast.other_seller, content))
        told = begin(cast.seller, content).forecast
        assert (told["valid"], told["duplicate"]) == (0, 7)
        identity.suspend_organization(
            organization_id=cast.seller.organization.id, reason="papers", actor=cast.admin.actor
        )
        draft = begin(cast.seller, content)
        assert (draft.forecast["valid"], draft.forecast["duplicate"]) == (6, 1)


class TestProblemFile:
    def download(self, draft):
        content = b"".join(problem_files.problem_file_of_draft(draft)).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(content)))

    def merge(self, cast, draft, rows, *, names=None, encoding="utf-8-sig"):
        text = io.StringIO()
        writer = csv.DictWriter(text, names or list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        return problem_files.merge_problem_file(
            import_id=draft.id, stream=io.BytesIO(text.getvalue().encode(encoding)),
            actor=cast.seller.actor,
        )  # fmt: skip

    def test_a_corrected_file_merges_into_the_same_draft(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        rows = self.download(draft)
        assert [(row["_row"], row["_errors"]) for row in rows] == [
            ("2", "short_code"), ("4", "value_not_allowed"), ("5", "value_not_allowed"),
            ("10", "duplicate_in_file"),
        ]  # fmt: skip
        rows[1]["region"] = "Ohio"
        rows.reverse()
        assert self.merge(cast, draft, rows) == (4, 1)
        draft = checked(draft)
        assert (draft.forecast["valid"], draft.forecast["invalid"]) == (7, 2)
        assert take_in(cast.seller, draft).valid == 7
        assert len(db.session.scalars(select(Batch)).all()) == 1

    def test_the_round_trip_changes_nothing_by_itself(self, vertical, cast, people):
        people[1] |= {"name": "=Taylor", "street": '\'12\nMaple, "Street"', "comment": "-1"}
        draft = begin(cast.seller, as_file(vertical, people))
        rows = self.download(draft)
        assert rows[0]["name"] == "'=Taylor"
        assert self.merge(cast, draft, rows) == (4, 0)
        rows[0]["phone"] = "+16142345678"
        self.merge(cast, draft, rows)
        mended = dict(zip(draft.recognition["header"], fixes.open_row(draft, kept(draft)[2]),
                          strict=True))  # fmt: skip
        assert (mended["name"], mended["comment"]) == ("=Taylor", "-1")
        assert mended["street"] == '\'12\nMaple, "Street"'

    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda rows: rows[0].update({"_row": "1"}), "unknown_row"),
            (lambda rows: rows[0].update({"_row": "two"}), "unknown_row"),
            (lambda rows: rows[0].update({"_row": rows[1]["_row"]}), "row_repeated"),
            (lambda rows: [row.pop("phone") for row in rows], "missing_column"),
            (lambda rows: [row.pop("_row") for row in rows], "missing_column"),
        ],
    )
    def test_a_file_that_does_not_fit_changes_nothing(self, vertical, cast, people, spoil, code):
        draft = begin(cast.seller, as_file(vertical, people))
        rows = self.download(draft)
        for row in rows:
            row["region"] = "Ohio"
        spoil(rows)
        with pytest.raises(Invalid) as refused:
            self.merge(cast, draft, rows)
        assert refused.value.code == code
        assert all(row.edited is None for row in kept(draft).values())

    def test_nul_in_a_corrected_cell_is_found_in_every_field(self, vertical, cast):
        names = [spec.name for spec in catalog.get_definition(vertical).fields.specs]
        people = some_people(vertical, len(names) + 2)
        for person in people[: len(names)]:
            person["phone"] = "12345"
        draft = begin(cast.seller, as_file(vertical, people))
        rows = self.download(draft)
        for row, name in zip(rows, names, strict=True):
            row["phone"] = "+1614234" + row["_row"].zfill(4)
            row[name] = f"{row[name] or 'x'}\0"
        assert self.merge(cast, draft, rows).changed == len(names)
        draft = checked(draft)
        batch = take_in(cast.seller, draft)
        assert (batch.valid, batch.invalid, batch.rows_total) == (2, len(names), len(people))

    def test_so_many_rows_are_corrected_in_one_draft(self, vertical, cast, people, monkeypatch):
        monkeypatch.setattr(fixes, "EDITS_MAX", 2)
        draft = begin(cast.seller, as_file(vertical, people))
        rows = [{**row, "region": "Ohio"} for row in self.download(draft)]
        assert self.merge(cast, draft, rows[:2]).changed == 2
        for some in (rows, rows[2:3]):
            with pytest.raises(Invalid) as refused, db.session.begin_nested():
                self.merge(cast, draft, some)
            assert refused.value.code == "too_many_rows"
        assert sum(row.edited is not None for row in kept(draft).values()) == 2

    def test_many_rows_are_merged_each_with_its_own_cells(
        self, vertical, cast, people, monkeypatch
    ):
        monkeypatch.setattr(fixes, "EDITS_PER_WRITE", 3)
        monkeypatch.setattr(queries, "LEAVES_PER_FETCH", 2)
        draft = begin(cast.seller, as_file(vertical, people))
        rows = self.download(draft)
        for place, row in enumerate(rows):
            row["name"] = "Ann " + "Long" * place
        assert self.merge(cast, draft, rows) == (4, 4)
        db.session.expire_all()
        at = column(draft, "name")
        stored = [fixes.open_row(draft, row)[at] for _, row in sorted(kept(draft).items())]
        assert stored == ["Ann " + "Long" * place for place in range(4)]

    def test_a_row_that_was_put_right_in_place_keeps_that(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        rows = self.download(draft)
        at = column(draft, "phone")
        fixes.edit_row(
            import_id=draft.id, row_number=2, cells={at: "+16142345678"}, actor=cast.seller.actor
        )
        rows[0]["name"] = "Somebody Else"
        assert self.merge(cast, draft, rows) == (4, 0)

    def test_a_packed_file_is_no_corrected_file(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        for content in (b"PK\x03\x04 a workbook", b"\x1f\x8b\x08 gzip", b""):
            with pytest.raises(FileReject):
                problem_files.merge_problem_file(
                    import_id=draft.id, stream=io.BytesIO(content), actor=cast.seller.actor
                )

    def test_a_corrected_file_may_come_back_in_the_code_page_of_the_first(self, vertical, cast):
        rows = some_people(vertical, 20)
        for row in rows:
            row["name"] = "Иван Ковалёв"
        rows[3]["phone"] = "12345"
        draft = imports.start_import(
            organization_id=cast.seller.organization.id, vertical_code="home_improvement_us",
            source_name="Search ads", file_name="a.csv", actor=cast.seller.actor,
            stream=io.BytesIO(as_file(vertical, rows).decode().encode("cp1251")),
        )  # fmt: skip
        imports.answer(import_id=draft.id, answers={"encoding": "cp1251"}, actor=cast.seller.actor)
        imports.map_columns(import_id=draft.id, chosen={}, actor=cast.seller.actor)
        draft = checked(draft)
        sent = self.download(draft)
        sent[0]["phone"] = "+16142345678"
        assert self.merge(cast, draft, sent, encoding="cp1251") == (1, 1)
        assert fixes.open_row(draft, kept(draft)[4])[0] == "Иван Ковалёв"


class TestConfirm:
    def test_only_if_all_are_right_waits_for_it(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        with pytest.raises(Conflict) as refused:
            take_in(cast.seller, draft, only_if_all_right=True)
        assert refused.value.code == "rows_refused"
        for name, code in (("phone", "short_code"), ("region", "value_not_allowed")):
            fixes.drop_rows(import_id=draft.id, field=name, code=code, actor=cast.seller.actor)
            draft = db.session.get(Import, draft.id, populate_existing=True)
            with pytest.raises(Conflict) as refused:
                take_in(cast.seller, draft, only_if_all_right=True)
            assert refused.value.code == "check_running"
            draft = checked(draft)
        assert take_in(cast.seller, draft, only_if_all_right=True).valid == 6

    def test_a_file_becomes_one_batch(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        take_in(cast.seller, draft)
        with pytest.raises(Conflict) as refused:
            take_in(cast.seller, draft)
        assert refused.value.code == "import_finished"
        assert draft.status is ImportStatus.CONFIRMED

    def test_only_classes_of_the_vertical_can_be_chosen(self, vertical, cast, people):
        draft = begin(cast.seller, as_file(vertical, people))
        definition = catalog.get_definition(vertical)
        prices = dict(definition.terms.typical_prices)
        del prices[QualityClass.PRIME]
        terms = replace(definition.terms, typical_prices=prices)
        publish_vertical(definition=replace(definition, terms=terms), actor=SYSTEM)
        with pytest.raises(Invalid) as refused:
            imports.draft_batch(
                import_id=draft.id, name="", quality_class=QualityClass.PRIME,
                price=Money(4500, Currency.USD), kind=LeadKind.EXCLUSIVE, sales_max=1,
                actor=cast.seller.actor,
            )  # fmt: skip
        assert refused.value.errors[0].pointer == "/quality_class"


class TestJoins:
    def test_given_and_family_name_are_one_name(self, vertical, cast):
        rows = some_people(vertical, 3)
        text = as_file(vertical, rows).decode().splitlines()
        header = text[0].replace("name,", "First name,Surname,", 1)
        body = [line.replace(" ", ",", 1) for line in text[1:]]
        assert header.startswith("First name,Surname,phone")
        draft = begin(cast.seller, "\n".join((header, *body)).encode())
        assert [c["reason"] for c in draft.mapping["columns"][:2]] == ["part", "part"]
        batch = take_in(cast.seller, draft)
        assert batch.valid == 3


def fields_of(draft):
    return queries.fields_of(draft.schema_id).by_name


def without_column(content, name):
    """The same table without a column."""
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    text = io.StringIO()
    names = [one for one in rows[0] if one != name]
    writer = csv.DictWriter(text, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
