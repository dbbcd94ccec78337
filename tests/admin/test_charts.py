"""The charts of quality: every figure is the rows', and where too little is known they say so."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient

from exchange.admin import queries
from exchange.admin.queries import Narrowed
from exchange.admin.queries.quality import Compared
from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db, get, save
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import returns
from exchange.leads.models import Batch, Source
from exchange.verification.control import difference, limits
from exchange.verification.models import (
    Inspection,
    OutcomeClass,
    TaskStatus,
    Verdict,
    VerificationTask,
)
from exchange.verification.queries.lots import inspections_of
from tests.cast import Cast, Player
from tests.conftest import count_statements
from tests.doorbell import run_jobs
from tests.factories.fulfillment import make_return
from tests.verification.lots import make_decided

DEAD, WRONG = Outcome.NUMBER_DEAD, Outcome.WRONG_PERSON
PAGE = "/admin/quality/charts"
ALL = Narrowed()


@pytest.fixture
def admin(client: FlaskClient, cast: Cast) -> FlaskClient:
    return cast.admin.sign_in(client)


def words(client: FlaskClient, path: str = PAGE) -> str:
    response = client.get(path)
    assert response.status_code == 200
    text = re.sub(r"<[^>]*>", " ", response.get_data(as_text=True))
    return unescape(re.sub(r"\s+", " ", text))


def table(client: FlaskClient, name: str, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"{PAGE}/{name}.csv{query}")
    assert response.status_code == 200
    assert response.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))


class TestEmpty:
    def test_each_part_says_what_is_missing(self, admin: FlaskClient) -> None:
        seen = words(admin)
        assert "Fewer than 10 lots" in seen
        assert "No source has a decided lot or a sale yet" in seen
        assert "Nobody was heard by two callers yet" in seen
        assert "No bad lead was found yet" in seen
        assert "No return was upheld yet" in seen
        assert table(admin, "control") == []

    def test_what_is_not_there_is_404(self, admin: FlaskClient) -> None:
        assert admin.get(f"{PAGE}/people.csv").status_code == 404
        assert admin.get(f"{PAGE}?vertical=nonsense").status_code == 404
        assert admin.get(f"{PAGE}?source=src_nonsense").status_code == 404

    @pytest.mark.parametrize("who", ["seller", "buyer", "verifier"])
    def test_it_is_the_operators(self, client: FlaskClient, cast: Cast, who: str) -> None:
        getattr(cast, who).sign_in(client)
        assert client.get(PAGE).status_code == 404
        assert client.get(f"{PAGE}/control.csv").status_code == 404


class TestControl:
    def test_shows_the_lots_with_the_limits_of_each(self, admin: FlaskClient, cast: Cast) -> None:
        for number in range(9):
            make_decided(cast.seller, {5: DEAD} if number == 4 else None)
        assert "Fewer than 10 lots" in words(admin)
        last = make_decided(cast.other_seller, dict.fromkeys(range(1, 12), DEAD))
        found = queries.control(ALL)
        assert found is not None
        assert [lot.batch_id for lot in found.lots][-1] == last.batch_id
        assert found.share == sum(lot.bad for lot in found.lots) / sum(lot.n for lot in found.lots)
        for lot in found.lots:
            assert lot.limits == limits(found.share, drawn=lot.n)
            assert lot.is_ordinary == (lot.limits.lower <= lot.bad <= lot.limits.upper)
        assert not found.lots[-1].is_ordinary
        html = admin.get(PAGE).get_data(as_text=True)
        assert html.count('class="outside"') == found.outside == 1
        assert "1 of the newest 10 lots lies outside" in words(admin)
        rows = table(admin, "control")
        assert [row["outside"] for row in rows] == ["False"] * 9 + ["True"]

    def test_is_narrowed(self, admin: FlaskClient, cast: Cast) -> None:
        lots = [make_decided(cast.seller, source="search") for _ in range(10)]
        make_decided(cast.seller, {1: DEAD, 2: DEAD, 3: DEAD}, source="partner")
        source = get(Source, get(Batch, lots[0].batch_id).source_id)
        assert "10 lots" in words(admin, f"{PAGE}?source={source.public_id}")
        assert len(table(admin, "control", f"?source={source.public_id}")) == 10
        assert len(table(admin, "control")) == 11
        vertical = "home_improvement_us"
        assert len(table(admin, "control", f"?vertical={vertical}")) == 11

    def test_htmx_gets_the_part_that_the_page_has(self, admin: FlaskClient, cast: Cast) -> None:
        source = get(Source, get(Batch, make_decided(cast.seller).batch_id).source_id)
        address = f"{PAGE}?vertical=home_improvement_us&source={source.public_id}"
        part = admin.get(address, headers={"HX-Request": "true"})
        assert part.status_code == 200
        text = part.get_data(as_text=True)
        assert "<html" not in text
        assert source.name in text
        assert text.strip() in admin.get(address).get_data(as_text=True)

    def test_what_is_long_ago_is_not_on_it(self, cast: Cast) -> None:
        for _ in range(10):
            make_decided(cast.seller)
        clock.advance(timedelta(days=91))
        assert queries.control(ALL) is None


class TestCompared:
    def test_checks_stand_beside_returns(self, admin: FlaskClient, cast: Cast) -> None:
        made = make_return(cast)
        returns.decide(
            return_id=made.id,
            outcome=ReturnOutcome.APPROVED,
            explanation="The person never asked.",
            actor=cast.admin.actor,
        )
        db.session.commit()
        run_jobs()
        [one] = queries.compared(ALL)
        assert (one.checked, one.returned) == (0, 1)
        assert one.sold >= 1
        assert one.p_value == 1.0
        assert "nothing to compare" in words(admin)
        assert "Why leads came back" in words(admin)
        assert dict(queries.return_reasons(ALL)) == {made.reason: 1}

    @pytest.mark.parametrize(("returned", "is_marked"), [(20, True), (6, False)])
    def test_what_differs_is_marked(
        self,
        returned: int,
        is_marked: bool,  # a case
    ) -> None:
        p_value = difference(3, 100, other_bad=returned, other_n=100)
        one = Compared("S", "page", "src_1", 100, 3, None, 100, returned, p_value)
        assert one.is_diverging is is_marked


class TestHearings:
    def test_two_callers_about_one_person(self, admin: FlaskClient, cast: Cast) -> None:
        sample = make_decided(cast.seller, {2: DEAD})
        asked = inspections_of(sample.id)[:3]
        answers = (("good", "good"), ("bad", "good"), ("bad", "bad"))
        for inspection, said in zip(asked, answers, strict=True):
            for who, outcome in zip((cast.verifier, cast.admin), said, strict=True):
                self.hear(inspection, who, OutcomeClass(outcome))
        found = queries.agreement(ALL)
        good, bad = OutcomeClass.GOOD, OutcomeClass.BAD
        assert dict(found.counts) == {(good, good): 1, (bad, good): 1, (bad, bad): 1}
        assert (found.agreed, found.total) == (2, 3)
        assert "2 of 3 people were heard alike by both callers: 66.7%" in words(admin)
        rows = {row["first"]: row for row in table(admin, "agreement")}
        assert rows["bad"]["second_good"] == "1"

    @staticmethod
    def hear(inspection: Inspection, who: Player, outcome: OutcomeClass) -> None:
        task = save(
            VerificationTask(
                inspection_id=inspection.id,
                lead_id=inspection.lead_id,
                seller_id=inspection.organization_id,
                vertical_id=inspection.vertical_id,
                language="en",
                time_zone="UTC",
                status=TaskStatus.SUBMITTED,
                not_before=clock.now(),
            )
        )
        save(
            Verdict(
                task_id=task.id,
                lease_number=1,
                inspection_id=inspection.id,
                lead_id=inspection.lead_id,
                verifier_id=who.user.id,
                organization_id=who.organization.id,
                seller_id=inspection.organization_id,
                code="confirmed",
                outcome=outcome,
                seconds=60,
            )
        )

    def test_reasons_are_counted(self, admin: FlaskClient, cast: Cast) -> None:
        make_decided(cast.seller, {1: DEAD, 2: WRONG, 3: DEAD}, leads=120)
        assert queries.bad_reasons(ALL) == [("number_dead", 2), ("wrong_person", 1)]
        seen = words(admin)
        assert "is the most frequent: 67% of all bad leads" in seen
        assert table(admin, "bad-reasons")[0] == {"outcome": "number_dead", "people": "2"}


class TestRanked:
    def test_the_upper_bound_decides_not_the_mean(self, admin: FlaskClient, cast: Cast) -> None:
        for _ in range(6):
            make_decided(cast.seller, {5: DEAD}, leads=120, source="known")
        make_decided(cast.seller, leads=40, source="=new")
        ranked = queries.ranked(ALL)
        uppers = [one.standing.upper for one in ranked]
        assert uppers == sorted(uppers, reverse=True)
        [worst, best] = ranked
        assert worst.standing.mean != best.standing.mean
        row = table(admin, "sources")[-1] if best.source == "=new" else table(admin, "sources")[0]
        assert row["source"] == "'=new", "no cell is a formula"

    def test_questions_do_not_grow_with_lots(self, cast: Cast) -> None:
        def asked() -> int:
            with count_statements() as statements:
                queries.control(ALL)
                queries.compared(ALL)
                queries.agreement(ALL)
                queries.bad_reasons(ALL)
                queries.return_reasons(ALL)
                queries.ranked(ALL)
            return sum("SELECT" in statement for statement in statements)

        make_decided(cast.seller)
        few = asked()
        for number in range(11):
            make_decided(cast.seller, source=f"source {number}")
        assert asked() == few <= 11
