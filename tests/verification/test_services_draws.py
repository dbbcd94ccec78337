"""The draw: committed before the upload, rooted at the seal, and nobody's choice."""

from __future__ import annotations

import io
from collections import Counter
from hashlib import sha256

import pytest
from sqlalchemy import select

from exchange.catalog.policies import QualityClass
from exchange.core import jobs
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Conflict, Forbidden, Invalid, NotFound
from exchange.core.events import Event
from exchange.core.states import transition
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus
from exchange.leads.services import imports
from exchange.verification import queries
from exchange.verification.draw import first
from exchange.verification.models import Draw, DrawStatus, Inspection, Sample
from exchange.verification.plans import SamplingPlan
from exchange.verification.services import draws
from tests.cast import Cast, Player
from tests.factories.catalog import make_vertical
from tests.factories.leads import make_batch
from tests.verification.support import later, make_sample, make_sealed


def give(batch: Batch, nonce: str, player: Player, *, by: str = "seller") -> Draw:
    return draws.give_nonce(batch_id=batch.id, nonce=nonce, by=by, actor=player.actor)


class TestCommitment:
    def test_is_published_when_a_seller_is_approved(self, cast: Cast) -> None:
        assert len(queries.next_commitment(cast.seller.organization.id)) == 64
        assert queries.next_commitment(cast.buyer.organization.id) == ""

    def test_stays_the_same_until_an_upload_takes_it(self, cast: Cast) -> None:
        ours = cast.seller.organization.id
        before = queries.next_commitment(ours)
        draws.commit_next(organization_id=ours, actor=SYSTEM)
        assert queries.next_commitment(ours) == before

    def test_upload_takes_the_open_one_and_publishes_the_next(self, cast: Cast) -> None:
        make_vertical()
        ours = cast.seller.organization.id
        before = queries.next_commitment(ours)
        draft = imports.start_import(
            organization_id=ours,
            vertical_code="home_improvement_us",
            source_name="landing page",
            file_name="leads.csv",
            stream=io.BytesIO(b"name,phone,email\nAnn Other,+16142340001,ann@example.com\n"),
            actor=cast.seller.actor,
        )
        draw = db.session.scalar(select(Draw).where(Draw.import_id == draft.id))
        assert draw is not None
        assert draw.commitment.hex() == before
        assert draw.status is DrawStatus.ASSIGNED
        assert queries.next_commitment(ours) not in {"", before}

    def test_secret_is_nowhere_to_be_read_before_the_draw(self, cast: Cast) -> None:
        draw = queries.open_commitment(cast.seller.organization.id)
        assert draw is not None
        assert (draw.secret, draw.seed) == (None, None)
        facts = db.session.scalars(select(Event.facts).where(Event.subject_id == draw.id)).all()
        assert facts == [{"commitment": draw.commitment.hex()}]

    def test_leads_without_a_file_take_the_commitment_open_at_the_seal(self, cast: Cast) -> None:
        before = queries.next_commitment(cast.seller.organization.id)
        batch = make_sealed(cast.seller)
        draw = queries.get_draw(batch.id)
        assert draw is not None
        assert draw.commitment.hex() == before


class TestNonce:
    def test_of_the_seller_draws_at_once(self, cast: Cast) -> None:
        batch = make_sealed(cast.seller)
        draw = give(batch, "nobody knew this", cast.seller)
        assert (draw.status, draw.nonce_by) == (DrawStatus.DRAWN, "seller")
        assert batch.status is BatchStatus.SAMPLING
        assert draw.secret is not None
        assert sha256(draw.secret).digest() == draw.commitment

    def test_of_a_witness_counts_as_well(self, cast: Cast) -> None:
        batch = make_sealed(cast.seller)
        draw = give(batch, "a witness", cast.buyer, by="witness")
        assert (draw.status, draw.nonce_by) == (DrawStatus.DRAWN, "witness")

    def test_may_be_left_empty_by_the_seller(self, cast: Cast) -> None:
        draw = give(make_sealed(cast.seller), "", cast.seller)
        assert (draw.status, draw.nonce, draw.nonce_by) == (DrawStatus.DRAWN, "", "seller")

    def test_is_taken_once(self, cast: Cast) -> None:
        batch = make_sealed(cast.seller)
        give(batch, "one", cast.seller)
        with pytest.raises(Conflict) as caught:
            give(batch, "two", cast.seller)
        assert caught.value.code == "nonce_given"

    def test_comes_too_late_after_ten_minutes(self, cast: Cast) -> None:
        batch = make_sealed(cast.seller)
        later(minutes=11)
        with pytest.raises(Conflict) as caught:
            give(batch, "late", cast.seller)
        assert caught.value.code == "nonce_late"

    def test_of_a_stranger_in_the_sellers_name_finds_nothing(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            give(make_sealed(cast.seller), "mine", cast.other_seller)

    def test_of_a_seller_who_plays_the_witness_is_refused(self, cast: Cast) -> None:
        with pytest.raises(Forbidden):
            give(make_sealed(cast.seller), "mine", cast.seller, by="witness")

    @pytest.mark.parametrize("nonce", ["x" * 201, "two\nlines", "\x00", "\ud800"])
    def test_that_is_no_line_of_text_is_refused(self, cast: Cast, nonce: str) -> None:
        with pytest.raises(Invalid):
            give(make_sealed(cast.seller), nonce, cast.seller)

    def test_of_a_batch_that_is_not_sealed_finds_nothing(self, cast: Cast) -> None:
        with pytest.raises(NotFound):
            give(make_batch(cast.seller), "early", cast.seller)

    def test_of_a_large_lot_is_kept_and_a_job_draws(self, cast: Cast, monkeypatch) -> None:
        monkeypatch.setattr(draws, "DRAWN_AT_ONCE", 100)
        batch = make_sealed(cast.seller)
        draw = give(batch, "large", cast.seller)
        assert draw.status is DrawStatus.ROOTED
        db.session.commit()
        jobs.run("verification.draw", str(batch.id))
        assert queries.find_sample(batch.id) is not None


class TestDraw:
    def test_waits_for_a_nonce(self, cast: Cast) -> None:
        with pytest.raises(Conflict) as caught:
            draws.make_draw(batch_id=make_sealed(cast.seller).id, actor=SYSTEM)
        assert caught.value.code == "nonce_awaited"

    def test_with_no_nonce_after_ten_minutes_says_so(self, cast: Cast) -> None:
        batch = make_sealed(cast.seller)
        later(minutes=11)
        draws.make_draw(batch_id=batch.id, actor=SYSTEM)
        draw = queries.get_draw(batch.id)
        assert draw is not None
        assert (draw.nonce, draw.nonce_by) == ("", "nobody")

    def test_is_made_once(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        again = draws.make_draw(batch_id=sample.batch_id, actor=SYSTEM)
        assert again is sample
        assert len(db.session.scalars(select(Sample)).all()) == 1

    def test_follows_the_seed(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        draw = queries.get_draw(sample.batch_id)
        assert draw is not None
        assert draw.seed is not None
        last = SamplingPlan.from_json(sample.plan).looks[-1]
        expected = first(draw.seed, leads.leaves(sample.batch_id), n=last)
        assert [i.leaf_index for i in queries.inspections_of(sample.id)] == expected

    def test_asks_the_leads_behind_the_drawn_leaves(self, cast: Cast) -> None:
        sample = make_sample(cast.seller)
        leaves = list(leads.leaves(sample.batch_id))
        for inspection in queries.inspections_of(sample.id)[:10]:
            assert inspection.leaf_index is not None
            assert leads.get_lead(inspection.lead_id).leaf == leaves[inspection.leaf_index]

    def test_another_nonce_draws_another_order(self, cast: Cast) -> None:
        # The same lot twice: only what is added at the end differs.
        one, two = make_sample(cast.seller, nonce="one"), make_sample(cast.seller, nonce="two")
        assert drawn_of(one) != drawn_of(two)

    @pytest.mark.parametrize(
        ("leads", "grade", "name", "last"),
        [
            (120, QualityClass.STANDARD, "LX-15", 92),
            (200, QualityClass.SELECT, "LX-10", 180),
            (50, QualityClass.STANDARD, "single", 29),
            (1, QualityClass.STANDARD, "single", 1),
        ],
    )
    def test_takes_the_plan_of_the_class(
        self, cast: Cast, leads: int, grade: QualityClass, name: str, last: int
    ) -> None:
        sample = make_sample(cast.seller, leads=leads, quality_class=grade)
        assert (sample.plan["name"], sample.plan["looks"][-1]) == (name, last)
        assert sample.plan["population"] == leads
        assert len(queries.inspections_of(sample.id)) == last

    def test_every_lead_is_drawn_equally_often(self, cast: Cast) -> None:
        """Chi-square over many secrets: the mean of 60 degrees of freedom within six deviations."""
        leaves = [sha256(bytes([n])).digest() for n in range(61)]
        firsts = Counter(
            first(sha256(f"secret {n}".encode()).digest(), leaves, n=1)[0] for n in range(6_100)
        )
        square = sum((firsts[index] - 100) ** 2 / 100 for index in range(61))
        assert 60 - 6 * (2 * 60) ** 0.5 < square < 60 + 6 * (2 * 60) ** 0.5


def drawn_of(sample: Sample) -> list[int | None]:
    return [inspection.leaf_index for inspection in queries.inspections_of(sample.id)]


class TestSeal:
    def seal(self, batch: Batch) -> None:
        transition(batch, BatchStatus.SEALED, actor=SYSTEM)

    def test_publishes_the_root_and_opens_ten_minutes(self, cast: Cast) -> None:
        batch = make_batch(cast.seller, status=BatchStatus.VALIDATING)
        self.seal(batch)
        draw = queries.get_draw(batch.id)
        assert draw is not None
        assert draw.status is DrawStatus.ROOTED
        assert draw.rooted_at is not None
        assert draw.nonce_until is not None
        assert (draw.nonce_until - draw.rooted_at).total_seconds() == 600

    def test_of_an_unverified_lot_sells_it_without_a_sample(self, cast: Cast) -> None:
        batch = make_batch(
            cast.seller, status=BatchStatus.VALIDATING, quality_class=QualityClass.UNVERIFIED
        )
        self.seal(batch)
        assert batch.status is BatchStatus.ACCEPTED
        assert queries.find_sample(batch.id) is None
        assert queries.published_quality(batch.id) is None
        with pytest.raises(Conflict):
            give(batch, "what for", cast.seller)
        assert db.session.scalars(select(Inspection)).all() == []
