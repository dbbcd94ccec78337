"""Sources: their card, what it supplies to a file, who may use them, and what a stop does."""

from __future__ import annotations

import csv
import io
from datetime import date
from random import Random

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, Invalid, NotFound, TooLarge, UnsupportedFile
from exchange.core.events import Event
from exchange.core.money import Currency, Money
from exchange.leads import cards, samples, source_cards
from exchange.leads.findings import FileReject
from exchange.leads.models import (
    Batch,
    BatchStatus,
    Consent,
    ConsentText,
    Import,
    Lead,
    LeadKind,
    LeadStatus,
    Source,
    SourceStatus,
)
from exchange.leads.services import batches, imports, intake, sources
from exchange.leads.source_cards import Collector, SourceChannel
from tests.cast import Cast, Player
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of, make_batch

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
WORDS = "I agree that partners of this site call me about my roof."
OTHER_WORDS = "I agree that partners of this site and its checkers call me about my roof."
CARD = {
    "name": "Search ads",
    "channel": SourceChannel.SEARCH_ADS,
    "landing_url": "https://roofs.example/quote",
    "ad_text": "A new roof in a week",
    "collected_by": Collector.OWN,
    "consent_text": WORDS,
    "defaults": {"sub_id": "camp-1", "consent_quality_check": "yes"},
}


def make(cast: Cast, **changes: object) -> Source:
    card = {**CARD, **changes}
    return sources.create_source(
        organization_id=cast.seller.organization.id, card=card, actor=cast.seller.actor
    )


def events_of(source: Source) -> list[Event]:
    return list(
        db.session.scalars(select(Event).where(Event.subject_id == source.id).order_by(Event.id))
    )


def a_file(*, without: tuple[str, ...] = (), rows: int = 8, seed: int = 5) -> bytes:
    """A file of good rows that lacks some columns."""
    definition = catalog.get_definition(make_vertical())
    made = samples.invented_rows(definition, random=Random(seed), count=rows, now=clock.now())
    names = [spec.name for spec in definition.fields.specs if spec.name not in without]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(made)
    return out.getvalue().encode()


def upload(seller: Player, content: bytes, *, source: str = "Search ads") -> Import:
    return imports.start_import(
        organization_id=seller.organization.id,
        vertical_code="home_improvement_us",
        source_name=source,
        file_name="october.csv",
        stream=io.BytesIO(content),
        actor=seller.actor,
    )


def agree(seller: Player, draft: Import) -> Batch:
    imports.map_columns(import_id=draft.id, chosen={}, actor=seller.actor)
    return imports.draft_batch(
        import_id=draft.id,
        name="October",
        quality_class=QualityClass.STANDARD,
        price=Money(4500, Currency.USD),
        kind=LeadKind.EXCLUSIVE,
        sales_max=1,
        actor=seller.actor,
    )


def take_in(seller: Player, draft: Import) -> Batch:
    batch = agree(seller, draft)
    imports.confirm(batch_id=batch.id, declared_unsold=True, actor=seller.actor)
    db.session.commit()
    intake.take_in(batch.id)
    found = db.session.get(Batch, batch.id, populate_existing=True)
    assert found is not None
    return found


def wordings_of(batch: Batch) -> set[str]:
    statement = (
        select(ConsentText.text)
        .join(Consent, Consent.text_id == ConsentText.id)
        .join(Lead, Lead.id == Consent.lead_id)
        .where(Lead.batch_id == batch.id)
    )
    return set(db.session.scalars(statement))


class TestCard:
    def test_an_edit_is_an_event_with_what_stood_there_before(self, cast: Cast) -> None:
        source = make(cast)
        sources.edit_source(
            source_id=source.id, card={"ad_text": "Roofs!"}, actor=cast.seller.actor
        )
        assert (source.ad_text, source.channel) == ("Roofs!", SourceChannel.SEARCH_ADS)
        made, changed = events_of(source)
        assert (made.type, changed.type) == ("source.created", "source.changed")
        assert changed.facts["was"] == {"ad_text": "A new roof in a week"}

    def test_an_edit_that_changes_nothing_is_no_event(self, cast: Cast) -> None:
        source = make(cast)
        sources.edit_source(source_id=source.id, card=CARD, actor=cast.seller.actor)
        assert len(events_of(source)) == 1

    def test_a_new_wording_leaves_the_old_one(self, cast: Cast) -> None:
        source = make(cast)
        for words in (OTHER_WORDS, OTHER_WORDS):
            card = {"consent_text": words}
            sources.edit_source(source_id=source.id, card=card, actor=cast.seller.actor)
        found = [(one.version, one.text) for one in cards.wordings(source.id)]
        assert found == [(2, OTHER_WORDS), (1, WORDS)]

    @pytest.mark.parametrize("deed", ["UPDATE source_consent SET version = 9",
                                      "DELETE FROM source_consent"])  # fmt: skip
    def test_a_wording_cannot_be_rewritten(self, cast: Cast, deed: str) -> None:
        make(cast)
        with pytest.raises(DBAPIError), db.session.begin_nested():
            db.session.execute(text(deed))

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"name": "  "}, "/name"),
            ({"landing_url": "javascript:alert(1)"}, "/landing_url"),
            ({"landing_url": "https://me@roofs.example/"}, "/landing_url"),
            ({"defaults": {"consent_url": "roofs"}}, "/default_consent_url"),
            ({"starts_on": date(2026, 5, 2), "ends_on": date(2026, 5, 1)}, "/ends_on"),
        ],
    )
    def test_a_card_that_says_nonsense_is_refused(
        self, cast: Cast, changes: dict[str, object], field: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            make(cast, **changes)
        assert [problem.pointer for problem in refused.value.errors] == [field]

    def test_a_name_is_there_once_per_seller(self, cast: Cast) -> None:
        make(cast)
        other = make(cast, name="Social ads")
        with pytest.raises(Conflict, match="this name"):
            make(cast)
        with pytest.raises(Conflict, match="this name"):
            sources.edit_source(
                source_id=other.id, card={"name": "Search ads"}, actor=cast.seller.actor
            )

    def test_nobody_else_edits_it(self, cast: Cast) -> None:
        source = make(cast)
        with pytest.raises(NotFound):
            sources.edit_source(source_id=source.id, card={}, actor=cast.other_seller.actor)


class TestPicture:
    def test_it_is_kept_encrypted_and_read_back(self, cast: Cast) -> None:
        source = make(cast)
        sources.set_picture(source_id=source.id, stream=io.BytesIO(PNG), actor=cast.seller.actor)
        newer = PNG + b"newer"
        sources.set_picture(source_id=source.id, stream=io.BytesIO(newer), actor=cast.seller.actor)
        assert cards.read_picture(source.id) == (newer, "image/png")

    @pytest.mark.parametrize(
        "content", [b"", b"<svg onload=alert(1)>", b"GIF89a" + bytes(20), b"%PDF-1.7 ......"]
    )
    def test_what_is_no_picture_by_its_first_bytes_is_refused(
        self, cast: Cast, content: bytes
    ) -> None:
        source = make(cast)
        with pytest.raises(UnsupportedFile):
            sources.set_picture(
                source_id=source.id, stream=io.BytesIO(content), actor=cast.seller.actor
            )

    def test_one_that_is_too_large_leaves_nothing(self, cast: Cast) -> None:
        source = make(cast)
        big = io.BytesIO(PNG + bytes(source_cards.PICTURE_BYTES_MAX))
        with pytest.raises(TooLarge):
            sources.set_picture(source_id=source.id, stream=big, actor=cast.seller.actor)
        assert cards.find_picture(source.id) is None


class TestSupplied:
    LACKING = ("consent_text", "channel", "sub_id", "consent_url", "consent_quality_check")

    def test_the_card_fills_the_empty_cells_of_a_file(self, cast: Cast) -> None:
        make(cast)
        batch = take_in(cast.seller, upload(cast.seller, a_file(without=self.LACKING)))
        assert (batch.valid, batch.invalid) == (8, 0)
        assert wordings_of(batch) == {WORDS}
        assert {lead.sub_source for lead in leads_of(batch)} == {"camp-1"}
        assert {lead.landing_url for lead in leads_of(batch)} == {"https://roofs.example/quote"}
        assert batch.population == 8  # the default says that they agreed to a check

    def test_without_the_card_the_columns_are_missing(self, cast: Cast) -> None:
        draft = upload(cast.seller, a_file(without=self.LACKING), source="Bare")
        with pytest.raises(FileReject) as refused:
            agree(cast.seller, draft)
        assert refused.value.code == "missing_column"

    def test_what_the_file_says_beats_the_card(self, cast: Cast) -> None:
        make(cast)
        batch = take_in(cast.seller, upload(cast.seller, a_file()))
        assert WORDS not in wordings_of(batch)

    def test_a_file_keeps_the_wording_of_its_upload(self, cast: Cast) -> None:
        source = make(cast)
        early = upload(cast.seller, a_file(without=self.LACKING))
        card = {"consent_text": OTHER_WORDS, "defaults": {"sub_id": "camp-2"}}
        sources.edit_source(source_id=source.id, card=card, actor=cast.seller.actor)
        late = upload(cast.seller, a_file(without=self.LACKING, seed=6))
        first, second = take_in(cast.seller, early), take_in(cast.seller, late)
        assert (wordings_of(first), wordings_of(second)) == ({WORDS}, {OTHER_WORDS})
        used = [cards.wording_of(batch) for batch in (first, second)]
        assert [one and one.version for one in used] == [1, 2]
        assert {lead.sub_source for lead in leads_of(first)} == {"camp-1"}

    def test_what_the_schema_cannot_read_is_not_supplied(self, cast: Cast) -> None:
        source = make(cast, consent_text="Yes.", channel=SourceChannel.LEAD_AD_FORM)
        given = sources.given_by(source, catalog.get_definition(make_vertical()))
        assert "consent_text" not in given.values  # shorter than the schema wants
        assert given.consent_version is None
        assert given.values["channel"] == "social_ads"


class TestPaused:
    def test_it_takes_no_file_until_it_is_resumed(self, cast: Cast) -> None:
        source = make(cast)
        sources.pause_source(source_id=source.id, actor=cast.seller.actor)
        with pytest.raises(Conflict) as refused:
            upload(cast.seller, a_file())
        assert refused.value.code == "source_paused"
        sources.resume_source(source_id=source.id, actor=cast.seller.actor)
        assert upload(cast.seller, a_file()).source_id == source.id

    def test_a_draft_of_it_cannot_be_confirmed(self, cast: Cast) -> None:
        source = make(cast)
        batch = agree(cast.seller, upload(cast.seller, a_file()))
        sources.pause_source(source_id=source.id, actor=cast.seller.actor)
        with pytest.raises(Conflict) as refused:
            imports.confirm(batch_id=batch.id, declared_unsold=True, actor=cast.seller.actor)
        assert refused.value.code == "source_paused"

    def test_its_leads_stay_on_sale(self, cast: Cast) -> None:
        make(cast)
        batch = make_batch(cast.seller, source="Search ads", leads=3)
        sources.pause_source(source_id=batch.source_id, actor=cast.seller.actor)
        assert {lead.status for lead in leads_of(batch)} == {LeadStatus.VALID}

    def test_a_stranger_pauses_nothing(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            sources.pause_source(source_id=make(cast).id, actor=cast.other_seller.actor)


class TestStopped:
    def stop(self, cast: Cast, batch: Batch, *, keep_on_sale: bool = False) -> Source:
        return sources.stop_source(
            source_id=batch.source_id,
            reason="People say they never asked",
            keep_on_sale=keep_on_sale,
            actor=cast.admin.actor,
        )

    def test_what_is_unsold_leaves_sale_and_what_is_sold_stays(self, cast: Cast) -> None:
        batch = make_batch(cast.seller, source="Search ads", leads=3)
        leads_of(batch)[0].sold = 1
        self.stop(cast, batch)
        statuses = [lead.status for lead in leads_of(batch)]
        assert statuses == [LeadStatus.VALID, LeadStatus.QUARANTINED, LeadStatus.QUARANTINED]

    def test_the_operator_may_leave_on_sale_what_is_there(self, cast: Cast) -> None:
        batch = make_batch(cast.seller, source="Search ads", leads=2)
        source = self.stop(cast, batch, keep_on_sale=True)
        assert source.status is SourceStatus.STOPPED
        assert {lead.status for lead in leads_of(batch)} == {LeadStatus.VALID}

    def test_it_takes_no_file_and_its_seller_cannot_resume_it(self, cast: Cast) -> None:
        batch = make_batch(cast.seller, source="Search ads", leads=1)
        self.stop(cast, batch)
        with pytest.raises(Conflict) as refused:
            upload(cast.seller, a_file())
        assert refused.value.code == "source_stopped"
        with pytest.raises(Conflict, match="stopped"):
            sources.resume_source(source_id=batch.source_id, actor=cast.seller.actor)

    def test_a_lot_that_is_decided_meanwhile_never_goes_on_sale(self, cast: Cast) -> None:
        batch = make_batch(cast.seller, source="Search ads", leads=2, status=BatchStatus.SAMPLING)
        self.stop(cast, batch, keep_on_sale=True)
        leads_of(batch)
        batches.decide_batch(batch_id=batch.id, decision=BatchStatus.REJECTED, actor=SYSTEM)
        assert {lead.status for lead in leads_of(batch)} == {LeadStatus.QUARANTINED}

    def test_reopening_brings_back_what_was_not_found_bad(self, cast: Cast) -> None:
        batch = make_batch(cast.seller, source="Search ads", leads=3)
        bad_before, bad_after, good = leads_of(batch)
        self.quarantine(cast, bad_before)
        self.stop(cast, batch)
        self.quarantine(cast, bad_after)
        sources.reopen_source(source_id=batch.source_id, reason="A mistake", actor=cast.admin.actor)
        statuses = {lead.id: lead.status for lead in leads_of(batch)}
        assert statuses[good.id] is LeadStatus.VALID
        assert {statuses[bad_before.id], statuses[bad_after.id]} == {LeadStatus.QUARANTINED}

    def quarantine(self, cast: Cast, lead: Lead) -> None:
        batches.quarantine_leads(lead_ids=[lead.id], reason="bad", actor=cast.admin.actor)

    def test_a_reason_must_be_given(self, cast: Cast) -> None:
        source = make(cast)
        with pytest.raises(Invalid):
            sources.stop_source(source_id=source.id, reason=" ", actor=cast.admin.actor)
