"""The page of a lot: its plan from the seal on, its figures only after the decision."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import Outcome
from exchange.core.db import db, get
from exchange.leads.models import Batch
from exchange.market import queries as market
from exchange.verification import queries
from exchange.verification.models import Sample, SampleStatus
from exchange.verification.plans import LX_15, single_plan
from exchange.verification.queries import inspected
from exchange.verification.sampling import acceptance_probability, actual_risks
from exchange.verification.services import full_inspections
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.leads import make_batch
from tests.verification.lots import make_decided
from tests.verification.support import make_sample, make_sealed, these, work

DEAD, SILENT = Outcome.NUMBER_DEAD, Outcome.NOT_REACHED


@pytest.fixture
def seller(client: FlaskClient, cast: Cast) -> FlaskClient:
    """The seller's browser."""
    db.session.commit()
    cast.seller.sign_in(client)
    return client


def words(client: FlaskClient, path: str) -> str:
    """The main part of a page as it is read: no tags, single spaces."""
    response = client.get(path)
    assert response.status_code == 200
    main = response.get_data(as_text=True).split("<main", 1)[1].split("</main>", 1)[0]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)))


def page_of(lot: Sample | Batch) -> str:
    batch = lot if isinstance(lot, Batch) else get(Batch, lot.batch_id)
    return f"/sellers/batches/{batch.public_id}"


class TestBeforeTheDecision:
    def test_the_plan_is_there_from_the_seal_on(self, seller: FlaskClient, cast: Cast) -> None:
        batch = make_sealed(cast.seller, leads=120)
        db.session.commit()
        seen = words(seller, page_of(batch))
        assert "Plan LX-15 for 120 leads" in seen
        assert "At least 22 and at most 92 people are called" in seen
        assert "Add a nonce of your own" in seen
        assert "Verify this draw" not in seen

    def test_a_draft_of_nobody_has_no_plan(self, seller: FlaskClient, cast: Cast) -> None:
        batch = make_batch(cast.seller, leads=10, quality_class=QualityClass.UNVERIFIED)
        db.session.commit()
        assert "Why so many are called" not in words(seller, page_of(batch))

    def test_nothing_tells_what_was_found(self, seller: FlaskClient, cast: Cast) -> None:
        """The pages of a lot with two bad leads so far and of one without differ in names only."""
        pages = []
        for found in ({}, {2: DEAD, 4: Outcome.DENIES}):
            sample = make_sample(cast.seller, leads=120)
            work(cast.verifier, these(found), calls=8)
            assert sample.status is SampleStatus.OPEN
            pages.append(self.told(seller, sample))
            sheet = queries.lot_sheet(get(Batch, sample.batch_id))
            assert sheet is not None
            assert sheet.measured is None
            assert all(look.bad is None and look.checked is None for look in sheet.looks)
            self.finish(cast.verifier)
        assert pages[0] == pages[1]
        assert "8 of at most 92 people checked" in pages[0]

    @staticmethod
    def told(seller: FlaskClient, sample: Sample) -> str:
        db.session.commit()
        seen = words(seller, page_of(sample))
        return re.sub(r"\b(batch_\w+|[0-9a-f]{16,64}|\d+:\d+(:\d+)?)\b", "-", seen)

    @staticmethod
    def finish(verifier: Player) -> None:
        work(verifier, these({}))

    def test_nothing_tells_who_is_called(self, seller: FlaskClient, cast: Cast) -> None:
        """With seed and leaves a seller would know whom to warn."""
        sample = make_sample(cast.seller, leads=120)
        db.session.commit()
        draw = queries.get_draw(sample.batch_id)
        assert draw is not None
        assert draw.seed is not None
        assert draw.secret is not None
        html = seller.get(page_of(sample)).get_data(as_text=True)
        assert draw.seed.hex() not in html
        assert draw.secret.hex() not in html
        assert "/draw/leaves" not in html  # a browser is a stranger there until the decision
        self.finish(cast.verifier)
        db.session.commit()
        html = seller.get(page_of(sample)).get_data(as_text=True)
        assert draw.seed.hex() in html
        assert draw.secret.hex() in html
        links = re.findall(r'href="(?:http://[^/"]+)?(/api/v1/batches/[^"]+)"', html)
        assert links
        assert {seller.get(link).status_code for link in links} == {200}


class TestAfterTheDecision:
    def test_an_accepted_lot_shows_everything(self, seller: FlaskClient, cast: Cast) -> None:
        sample = make_decided(cast.seller, {5: DEAD}, leads=120)
        batch = get(Batch, sample.batch_id)
        assert (sample.stage, sample.n) == (2, 36)
        html = seller.get(page_of(sample)).get_data(as_text=True)
        seen = words(seller, page_of(sample))
        assert "Accepted at 36 people: 1 bad leads were found and 1 are allowed there." in seen
        assert f"At most {sample.bad_upper:.2%} of this lot are bad" in seen
        assert "exchange batch verify --file record.json --leaves leaves.bin" in seen
        assert f"/api/v1/batches/{batch.public_id}/draw/leaves" in html
        assert 'class="measured"' in html
        assert 'class="extent"' in html
        for svg in re.findall(r'<svg class="plot".*?</svg>', html, re.DOTALL):
            assert "<title>" in svg
            assert "<desc>" in svg
        assert html.count("Show as table") == html.count('<svg class="plot"') == 2

    def test_a_rejected_lot_says_at_whom(self, seller: FlaskClient, cast: Cast) -> None:
        sample = make_decided(cast.seller, {1: DEAD, 2: DEAD, 3: DEAD}, leads=120)
        assert sample.status is SampleStatus.REJECTED
        seen = words(seller, page_of(sample))
        assert "Rejected after 22 people: 3 bad leads were found, and 3 are too many" in seen
        assert "a lot that is not accepted has no bound" in seen

    def test_an_undecided_lot_says_why(self, seller: FlaskClient, cast: Cast) -> None:
        sample = make_decided(cast.seller, others=SILENT, leads=120)
        assert sample.status is SampleStatus.UNDECIDED
        assert "a lot is never accepted by silence" in words(seller, page_of(sample))

    def test_a_lot_in_full_inspection_keeps_its_sheet(
        self, seller: FlaskClient, cast: Cast
    ) -> None:
        sample = make_decided(cast.seller, {1: DEAD, 2: DEAD, 3: DEAD}, leads=120)
        total = inspected.estimate(get(Batch, sample.batch_id)).total
        fund_wallet(cast.seller, total.amount, total.currency)
        full_inspections.start(batch_id=sample.batch_id, actor=cast.seller.actor)
        db.session.commit()
        assert "Rejected after 22 people" in words(seller, page_of(sample))

    def test_time_to_sale_is_that_of_the_first_time(self, seller: FlaskClient, cast: Cast) -> None:
        sample = make_decided(cast.seller, leads=120)
        assert "From sealed to on sale" in words(seller, page_of(sample))


class TestSheet:
    def test_its_figures_are_those_of_the_plan(self, cast: Cast) -> None:
        sample = make_decided(cast.seller, {5: DEAD}, leads=120)
        sheet = queries.lot_sheet(get(Batch, sample.batch_id))
        assert sheet is not None
        plan = LX_15.at(120)
        assert sheet.plan == plan
        assert sheet.risks == actual_risks(plan)
        assert dict(sheet.curve)[12 / 120] == pytest.approx(
            acceptance_probability(plan, 12), abs=1e-12
        )
        assert [(look.checked, look.good, look.bad, look.open) for look in sheet.looks[:3]] == [
            (22, 21, 1, 0),
            (36, 35, 1, 0),
            (None, None, None, None),
        ]
        assert sheet.measured is not None
        assert sheet.measured.share == pytest.approx(1 / 36)
        assert sheet.measured.chance == acceptance_probability(plan, 3)

    def test_a_small_lot_has_as_many_points_as_it_can(self, cast: Cast) -> None:
        batch = make_sealed(cast.seller, leads=12)
        sheet = queries.lot_sheet(batch)
        assert sheet is not None
        assert sheet.plan == single_plan(12, risks=LX_15.risks)
        assert [round(share * 12) for share, _ in sheet.curve] == [0, 1, 2, 3]


def test_a_buyer_reads_the_same_sheet(client: FlaskClient, cast: Cast) -> None:
    sample = make_decided(cast.seller, {5: DEAD}, leads=120)
    listing = market.find_listing_of_batch(sample.batch_id)
    assert listing is not None
    cast.buyer.sign_in(client)
    seen = words(client, f"/buyers/listings/{listing.public_id}")
    assert "Accepted at 36 people" in seen
    assert f"At most {sample.bad_upper:.2%} of this lot are bad" in seen
