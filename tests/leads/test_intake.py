"""The loop's first half: a file becomes a sealed batch, and every row is accounted for."""

import csv
import io
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, Invalid
from exchange.core.events import Event
from exchange.core.money import Currency, Money
from exchange.leads import queries, samples, seal, vault
from exchange.leads.findings import FileReject
from exchange.leads.models import (
    Batch,
    BatchStatus,
    Contact,
    Import,
    ImportStatus,
    Lead,
    LeadKind,
    LeadStatus,
    ProblemRow,
)
from exchange.leads.services import imports, intake, looks, problem_files, suppression
from tests.factories.catalog import make_vertical


@pytest.fixture
def vertical(app):
    return make_vertical("home_improvement_us")


def rows_for(vertical, count, seed=1):
    definition = catalog.get_definition(vertical)
    return samples.invented_rows(definition, random=Random(seed), count=count, now=clock.now())


def as_file(vertical, rows):
    return samples.as_csv(catalog.get_definition(vertical), rows)


def start(seller, content, *, again=False, name="october.csv"):
    return imports.start_import(
        organization_id=seller.organization.id,
        vertical_code="home_improvement_us",
        source_name="Search ads",
        file_name=name,
        stream=io.BytesIO(content),
        again=again,
        actor=seller.actor,
    )


def confirm(seller, draft, *, sales_max=1, kind=LeadKind.EXCLUSIVE):
    imports.map_columns(import_id=draft.id, chosen={}, actor=seller.actor)
    batch = imports.draft_batch(
        import_id=draft.id,
        name="October",
        quality_class=QualityClass.STANDARD,
        price=Money(4500, Currency.USD),
        kind=kind,
        sales_max=sales_max,
        actor=seller.actor,
    )
    imports.confirm(batch_id=batch.id, declared_unsold=True, actor=seller.actor)
    db.session.commit()
    return batch


def upload(seller, content, **terms):
    batch = confirm(seller, start(seller, content), **terms)
    intake.take_in(batch.id)
    return db.session.get(Batch, batch.id, populate_existing=True)


class TestTakeIn:
    def test_every_row_ends_in_one_state_and_the_batch_is_sealed(self, vertical, cast):
        rows = rows_for(vertical, 120)
        planted = samples.plant(
            rows, random=Random(7), defects={"short_code": 3, "consent_missing": 4}
        )
        rows += rows[:5]
        batch = upload(cast.seller, as_file(vertical, rows))
        repeated_good = sum(number not in planted for number in range(1, 6))
        assert batch.status is BatchStatus.SEALED
        assert batch.rows_total == batch.rows_done == 125
        assert batch.duplicate == repeated_good
        assert batch.invalid == 7 + 5 - repeated_good
        assert batch.valid == batch.population == 113
        assert queries.problem_counts(batch.id)["consent_missing"] >= 4

    def test_a_killed_run_goes_on_where_it_was(self, vertical, cast, monkeypatch):
        content = as_file(vertical, rows_for(vertical, 50))
        batch = confirm(cast.seller, start(cast.seller, content))
        written = intake.write_block
        blocks = []

        def die_in_the_third(*args, **kwargs):
            blocks.append(1)
            counts = written(*args, **kwargs)
            if len(blocks) == 3:
                raise KeyboardInterrupt
            return counts

        monkeypatch.setattr(intake, "write_block", die_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            intake.take_in(batch.id, block_rows=10)
        assert db.session.get(Batch, batch.id, populate_existing=True).rows_done == 20
        intake.take_in(batch.id, block_rows=10)
        again = db.session.get(Batch, batch.id, populate_existing=True)
        assert (again.status, again.valid) == (BatchStatus.SEALED, 50)

    def test_a_second_run_changes_nothing(self, vertical, cast):
        batch = upload(cast.seller, as_file(vertical, rows_for(vertical, 10)))
        root = batch.merkle_root
        intake.take_in(batch.id)
        again = db.session.get(Batch, batch.id, populate_existing=True)
        assert (again.rows_done, again.merkle_root) == (10, root)

    def test_the_root_covers_every_lead_with_its_contact(self, vertical, cast):
        batch = upload(cast.seller, as_file(vertical, rows_for(vertical, 9)))
        assert seal.merkle_root(queries.leaves(batch.id)) == batch.merkle_root
        lead = db.session.scalars(select(Lead).where(Lead.batch_id == batch.id)).first()
        person = vault.open_contacts(
            [lead.id], purpose=vault.Purpose.CHECK, actor=cast.verifier.actor
        )[lead.id]
        salt = db.session.get(Contact, lead.id).salt
        asked_at = lead.requested_at.isoformat()
        record = {**lead.attributes, **person, "requested_at": asked_at}
        assert seal.leaf(salt, seal.canonical(record)) == lead.leaf

    def test_a_file_without_a_good_row_is_withdrawn(self, vertical, cast):
        rows = rows_for(vertical, 30)
        samples.plant(rows, random=Random(1), defects={"short_code": 30})
        batch = upload(cast.seller, as_file(vertical, rows))
        assert (batch.status, batch.invalid) == (BatchStatus.WITHDRAWN, 30)

    def test_who_did_not_agree_to_a_check_is_outside_the_frame(self, vertical, cast):
        rows = rows_for(vertical, 12)
        rows[0]["consent_quality_check"] = "no"
        batch = upload(cast.seller, as_file(vertical, rows))
        assert (batch.valid, batch.population) == (12, 11)

    def test_contacts_are_locked(self, vertical, cast):
        rows = rows_for(vertical, 3)
        batch = upload(cast.seller, as_file(vertical, rows))
        phone = rows[0]["phone"].encode()
        contact = db.session.scalars(select(Contact)).first()
        assert phone not in contact.locked
        leads = db.session.scalars(select(Lead).where(Lead.batch_id == batch.id)).all()
        texts = str([(lead.attributes, lead.preview) for lead in leads])
        assert rows[0]["phone"] not in texts
        assert rows[0]["name"] not in texts


class TestDuplicates:
    def test_another_seller_learns_since_when_and_not_whose(self, vertical, cast):
        rows = rows_for(vertical, 10)
        upload(cast.seller, as_file(vertical, rows))
        second = upload(cast.other_seller, as_file(vertical, rows + rows_for(vertical, 1, seed=2)))
        assert (second.duplicate, second.valid) == (10, 1)
        row = db.session.scalars(select(ProblemRow).where(ProblemRow.batch_id == second.id)).first()
        assert row.codes == ["duplicate_in_window"]
        assert row.since is not None

    def test_the_same_sellers_repeat_is_interest(self, vertical, cast):
        rows = rows_for(vertical, 4)
        upload(cast.seller, as_file(vertical, rows))
        upload(cast.seller, as_file(vertical, rows + rows_for(vertical, 1, seed=3)))
        asked = select(func.count()).where(Event.type == "lead.asked_again")
        assert db.session.scalar(asked) == 4

    def test_after_the_window_the_person_is_new(self, vertical, cast):
        rows = rows_for(vertical, 4)
        upload(cast.seller, as_file(vertical, rows))
        clock.advance(timedelta(days=61))
        later = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        for row in rows:
            row.update(requested_at=later, consent_at=later)
        batch = upload(cast.other_seller, as_file(vertical, rows))
        assert (batch.valid, batch.duplicate) == (4, 0)

    def test_the_same_email_under_another_phone_is_the_same_person(self, vertical, cast):
        rows = rows_for(vertical, 2)
        rows[1]["email"] = rows[0]["email"].upper()
        batch = upload(cast.seller, as_file(vertical, rows))
        assert (batch.valid, batch.duplicate) == (1, 1)


class TestSuppression:
    def test_a_suppressed_person_is_taken_in_no_more_and_taken_off_sale(self, vertical, cast):
        rows = rows_for(vertical, 5)
        batch = upload(cast.seller, as_file(vertical, rows))
        lead = db.session.scalars(
            select(Lead).where(Lead.batch_id == batch.id).order_by(Lead.row_number)
        ).first()
        suppression.suppress_person(lead_id=lead.id, origin="do_not_call", actor=SYSTEM)
        clock.advance(timedelta(days=61))
        later = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        for row in rows:
            row.update(requested_at=later, consent_at=later)
        second = upload(cast.other_seller, as_file(vertical, rows))
        assert (second.suppressed, second.valid) == (1, 4)
        assert db.session.get(Lead, lead.id, populate_existing=True).status is LeadStatus.SUPPRESSED


@pytest.mark.usefixtures("vertical")
class TestStartImport:
    @pytest.mark.parametrize(
        "case",
        [
            (b"", "empty"),
            (b"name,phone\n", "no_rows"),
            (b"%PDF-1.7\n\xff\xff", "type"),
            (b"name,city\nAnn,Ohio\n", "missing_column"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_refused_whole(self, cast, case):
        content, code = case
        with pytest.raises(FileReject) as refused:
            upload(cast.seller, content)
        assert refused.value.code == code

    def test_the_same_file_again_needs_a_yes(self, vertical, cast):
        content = as_file(vertical, rows_for(vertical, 3))
        upload(cast.seller, content)
        with pytest.raises(Conflict) as refused:
            start(cast.seller, content)
        assert refused.value.code == "file_known"
        assert start(cast.seller, content, again=True).status is ImportStatus.RECOGNISED

    def test_names_of_files_are_shown_harmlessly(self, vertical, cast):
        content = as_file(vertical, rows_for(vertical, 3))
        draft = start(cast.seller, content, name="../../etc/pass\u202egpj.csv")
        assert draft.file_name == "passgpj.csv"

    def test_cyrillic_of_windows_is_asked_about(self, vertical, cast):
        rows = rows_for(vertical, 30)
        for row in rows:
            row["name"] = "Иван Ковалёв"
        text = as_file(vertical, rows).decode().replace(",", ";")
        draft = start(cast.seller, text.encode("cp1251"))
        assert draft.questions[0]["guess"] == "cp1251"
        assert draft.recognition["delimiter"] == ";"

    def test_a_mapping_is_remembered(self, vertical, cast):
        text = as_file(vertical, rows_for(vertical, 3)).decode()
        header, rest = text.split("\r\n", 1)
        strange = header.replace("scope", "zzz").encode()
        draft = start(cast.seller, strange + b"\r\n" + rest.encode())
        column = header.split(",").index("scope")
        imports.map_columns(import_id=draft.id, chosen={column: "scope"}, actor=cast.seller.actor)
        batch = imports.draft_batch(
            import_id=draft.id,
            name="",
            quality_class=QualityClass.STANDARD,
            price=Money(100, Currency.USD),
            kind=LeadKind.EXCLUSIVE,
            sales_max=1,
            actor=cast.seller.actor,
        )
        imports.confirm(batch_id=batch.id, declared_unsold=True, actor=cast.seller.actor)
        rest = as_file(vertical, rows_for(vertical, 3, seed=9)).decode().split("\r\n", 1)[1]
        second = start(cast.seller, strange + b"\r\n" + rest.encode())
        columns = looks.look(second).mapping.columns
        assert columns[column].field == "scope"
        assert columns[column].reason == "remembered"


class TestTerms:
    def test_an_exclusive_lead_is_sold_once_and_in_the_verticals_currency(self, vertical, cast):
        draft = start(cast.seller, as_file(vertical, rows_for(vertical, 3)))
        with pytest.raises(Invalid) as refused:
            imports.draft_batch(
                import_id=draft.id,
                name="",
                quality_class=QualityClass.STANDARD,
                price=Money(0, Currency.EUR),
                kind=LeadKind.EXCLUSIVE,
                sales_max=2,
                actor=cast.seller.actor,
            )
        assert {e.pointer for e in refused.value.errors} == {"/price", "/sales_max"}

    def test_without_the_declaration_nothing_starts(self, vertical, cast):
        draft = start(cast.seller, as_file(vertical, rows_for(vertical, 3)))
        imports.map_columns(import_id=draft.id, chosen={}, actor=cast.seller.actor)
        batch = imports.draft_batch(
            import_id=draft.id,
            name="",
            quality_class=QualityClass.STANDARD,
            price=Money(100, Currency.USD),
            kind=LeadKind.EXCLUSIVE,
            sales_max=1,
            actor=cast.seller.actor,
        )
        with pytest.raises(Invalid):
            imports.confirm(batch_id=batch.id, declared_unsold=False, actor=cast.seller.actor)
        assert db.session.get(Import, draft.id).status is ImportStatus.CHECKED


def test_the_problem_file_opens_only_with_the_files_key(vertical, cast):
    rows = rows_for(vertical, 2)
    rows[0]["phone"] = "12345"
    batch = upload(cast.seller, as_file(vertical, rows))
    draft = db.session.get(Import, batch.import_id)
    text = b"".join(problem_files.problem_file(batch.id)).decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert found[0]["_row"] == "1"
    assert "short_code" in found[0]["_errors"]
    assert draft.file_key is not None
