"""Intake with people's rights in mind: lists, policies of duplicates, named buyers, repeats."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.catalog.policies import DuplicatePolicy, IdentityField, Match, QualityClass
from exchange.catalog.schemas import load_definition
from exchange.catalog.services import publish_vertical
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.errors import Gone, NotFound
from exchange.core.money import Currency, Money
from exchange.leads import people, samples
from exchange.leads.models import (
    Batch,
    ContactChannel,
    Import,
    ImportStatus,
    Lead,
    LeadKind,
    LeadStatus,
    ProblemRow,
)
from exchange.leads.rights import ListPurpose
from exchange.leads.services import erasures, files, imports, intake, person_lists, problem_files
from tests.factories.catalog import make_vertical
from tests.factories.fulfillment import fresh
from tests.factories.leads import leads_of


@pytest.fixture
def vertical(app):
    return make_vertical("home_improvement_us")


def invented(vertical, count=3):
    definition = catalog.get_definition(vertical)
    return samples.invented_rows(definition, random=Random(7), count=count, now=clock.now())


def start(seller, vertical, rows, *, again=False) -> Import:
    return imports.start_import(
        organization_id=seller.organization.id,
        vertical_code=vertical.code,
        source_name="Search ads",
        file_name="october.csv",
        stream=io.BytesIO(samples.as_csv(catalog.get_definition(vertical), rows)),
        again=again,
        actor=seller.actor,
    )


def upload(seller, vertical, rows, *, again=False) -> Batch:
    draft = start(seller, vertical, rows, again=again)
    imports.map_columns(import_id=draft.id, chosen={}, actor=seller.actor)
    batch = imports.draft_batch(
        import_id=draft.id,
        name="October",
        quality_class=QualityClass.STANDARD,
        price=Money(4500, Currency.USD),
        kind=LeadKind.EXCLUSIVE,
        sales_max=1,
        actor=seller.actor,
    )
    imports.confirm(batch_id=batch.id, declared_unsold=True, actor=seller.actor)
    db.session.commit()
    intake.take_in(batch.id)
    return fresh(batch)


def suppress(player, person, *, everybody=False):
    with unit_of_work():
        person_lists.add_list(
            organization_id=None if everybody else player.organization.id,
            purpose=ListPurpose.SUPPRESSED,
            channel=ContactChannel.ANY,
            name="A list",
            listed_on=None,
            text=person,
            region="US",
            actor=player.actor,
        )


class TestSuppression:
    @pytest.mark.parametrize("who", ["admin", "seller"])
    def test_a_listed_person_is_refused_without_a_hint_by_whom(self, cast, vertical, who):
        rows = invented(vertical)
        suppress(getattr(cast, who), rows[0]["email"], everybody=who == "admin")
        batch = upload(cast.seller, vertical, rows)
        assert (batch.suppressed, batch.valid) == (1, 2)
        row = db.session.scalars(select(ProblemRow)).one()
        assert (row.status, row.codes) == (LeadStatus.SUPPRESSED, ["suppressed"])

    def test_the_forecast_says_the_same(self, cast, vertical):
        rows = invented(vertical)
        suppress(cast.seller, rows[0]["phone"])
        draft = start(cast.seller, vertical, rows)
        imports.map_columns(import_id=draft.id, chosen={}, actor=cast.seller.actor)
        assert draft.forecast["suppressed"] == 1

    @pytest.mark.parametrize("who", ["other_seller", "buyer"])
    def test_somebody_elses_list_is_not_asked(self, cast, vertical, who):
        rows = invented(vertical)
        suppress(getattr(cast, who), rows[0]["email"])
        assert upload(cast.seller, vertical, rows).valid == 3


class TestDuplicates:
    def with_policy(self, vertical, **policy):
        definition = catalog.get_definition(vertical)
        terms = replace(definition.terms, duplicates=DuplicatePolicy(**policy))
        return publish_vertical(definition=replace(definition, terms=terms), actor=SYSTEM)

    @pytest.mark.parametrize(
        ("policy", "duplicates"),
        [
            ({}, 2),
            ({"fields": (IdentityField.PHONE,)}, 1),
            ({"fields": (IdentityField.EMAIL,)}, 1),
            ({"match": Match.ALL}, 0),
        ],
    )
    def test_the_vertical_says_who_is_known(self, cast, vertical, policy, duplicates):
        self.with_policy(vertical, **policy)
        rows = invented(vertical, 2)
        upload(cast.seller, vertical, rows)
        fresh_rows = [dict(row) for row in invented(vertical, 4)[2:]]
        fresh_rows[0]["phone"] = rows[0]["phone"]
        fresh_rows[1]["email"] = rows[1]["email"]
        batch = upload(cast.other_seller, vertical, fresh_rows)
        assert (batch.duplicate, batch.valid) == (duplicates, 2 - duplicates)

    def test_under_all_the_same_person_is_known(self, cast, vertical):
        self.with_policy(vertical, match=Match.ALL)
        rows = invented(vertical, 2)
        upload(cast.seller, vertical, rows)
        assert upload(cast.other_seller, vertical, rows).duplicate == 2

    def test_the_same_sellers_repeat_warms_the_live_lead(self, cast, vertical):
        rows = invented(vertical, 2)
        first = upload(cast.seller, vertical, rows)
        again = upload(cast.seller, vertical, rows[:1], again=True)
        assert (again.duplicate, again.valid) == (1, 0)
        assert [lead.asks for lead in leads_of(first)] == [2, 1]

    def test_another_sellers_repeat_does_not(self, cast, vertical):
        rows = invented(vertical, 1)
        first = upload(cast.seller, vertical, rows)
        upload(cast.other_seller, vertical, rows)
        assert [lead.asks for lead in leads_of(first)] == [1]


class TestNamedBuyers:
    def with_names(self, vertical, *, required=False):
        data = catalog.get_definition(vertical).to_json()
        data["fields"].append({"standard": "consent_buyers", "required": required})
        data["terms"]["consent"]["named_buyer_required"] = required
        return publish_vertical(definition=load_definition(data), actor=SYSTEM)

    def test_whom_a_consent_names_comes_in_with_the_row(self, cast, vertical):
        self.with_names(vertical)
        rows = invented(vertical, 2)
        for row, names in zip(rows, ("Buyer of the South; Best Roofs", ""), strict=True):
            row["consent_buyers"] = names
        batch = upload(cast.seller, vertical, rows)
        named, free = leads_of(batch)
        seen = people.consents_of([named.id, free.id])
        assert seen[named.id].buyers == ("best roofs", "buyer of the south")
        assert seen[free.id].buyers == ()
        assert seen[named.id].text
        assert "consent_buyers" not in named.attributes

    def test_where_they_are_required_a_row_without_is_refused(self, cast, vertical):
        self.with_names(vertical, required=True)
        rows = invented(vertical, 2)
        for row, names in zip(rows, ("Best Roofs", ""), strict=True):
            row["consent_buyers"] = names
        batch = upload(cast.seller, vertical, rows)
        assert (batch.valid, batch.invalid) == (1, 1)
        assert db.session.scalars(select(ProblemRow)).one().codes == ["consent_missing"]


class TestRetention:
    def test_a_file_goes_when_its_time_is_over_and_its_problem_rows_with_it(
        self, cast, vertical, sweep, run_jobs
    ):
        rows = invented(vertical)
        rows[1]["phone"] = "none"
        batch = upload(cast.seller, vertical, rows)
        assert b"".join(problem_files.problem_file(batch.id))
        for days, is_kept in ((29, True), (2, False)):
            clock.advance(timedelta(days=days))
            sweep("leads.destroy_file")
            run_jobs()
            draft = fresh(db.session.get(Import, batch.import_id))
            assert (draft.file_key is not None) is is_kept
        with pytest.raises(Gone) as refused:
            list(problem_files.problem_file(batch.id))
        assert refused.value.code == "file_gone"
        draft_file = db.session.get(Import, batch.import_id)
        with pytest.raises(NotFound):
            files.storage.open_file(files.storage_key(draft_file), secret=b"0" * 32, size=1)

    def test_a_draft_left_alone_is_abandoned(self, cast, vertical, sweep, run_jobs):
        draft = start(cast.seller, vertical, invented(vertical))
        for days, status in ((13, ImportStatus.RECOGNISED), (2, ImportStatus.ABANDONED)):
            clock.advance(timedelta(days=days))
            sweep("leads.destroy_file")
            run_jobs()
            assert fresh(draft).status is status
        assert draft.file_key is None

    def test_a_draft_that_somebody_works_on_stays(self, cast, vertical, sweep, run_jobs):
        draft = start(cast.seller, vertical, invented(vertical))
        clock.advance(timedelta(days=13))
        imports.map_columns(import_id=draft.id, chosen={}, actor=cast.seller.actor)
        clock.advance(timedelta(days=2))
        sweep("leads.destroy_file")
        run_jobs()
        assert fresh(draft).file_key is not None

    def test_an_erasure_destroys_the_file_in_which_the_person_came(self, cast, vertical):
        rows = invented(vertical)
        batch = upload(cast.seller, vertical, rows)
        found = erasures.erase(person=rows[0]["phone"], region="US", actor=SYSTEM)
        assert (found.files, found.files_pending) == (1, 0)
        assert fresh(db.session.get(Import, batch.import_id)).file_key is None
        statuses = [lead.status for lead in leads_of(batch)]
        assert statuses == [LeadStatus.PURGED, LeadStatus.VALID, LeadStatus.VALID]
        assert db.session.scalar(select(Lead.preview).where(Lead.status == "purged")) == {}
