"""What verifiers earn: each call at once, an undone one not at all, and the books agree."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from exchange.billing import queries as books
from exchange.billing.models import AccountKind
from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db
from exchange.core.events import Ref
from exchange.core.invariants import violations
from exchange.core.money import Currency, Money
from exchange.identity import services as identity
from exchange.identity.permissions import Role
from exchange.verification.pay_models import Earning, EarningKind
from exchange.verification.queries.pay import Week, earned_in, totals
from exchange.verification.queries.workers import find_qualification
from exchange.verification.services import pay, qualifications, verdicts
from exchange.verification.worker_models import QualificationStatus
from tests.cast import PASSWORD, Cast, Player
from tests.factories.catalog import make_vertical
from tests.verification.support import claimed, everybody, later, make_sample, report, work

ATTEMPT, RESULT = 40, 120  # cents, of the preset


def earned(player: Player) -> int:
    """What the player's organization can have paid out, in cents."""
    kind = AccountKind.VERIFIER_PAYABLE
    return books.balance(player.organization.id, kind, Currency.USD).amount


def this_week() -> Week:
    return Week.of(clock.now(), zone=ZoneInfo("UTC"))


class TestEarning:
    def test_is_by_attempt_and_by_result(self, cast: Cast) -> None:
        make_sample(cast.seller)
        report(cast.verifier, claimed(cast.verifier), Outcome.NOT_REACHED)
        assert earned(cast.verifier) == ATTEMPT
        report(cast.verifier, claimed(cast.verifier), Outcome.CALL_BACK)
        assert earned(cast.verifier) == 2 * ATTEMPT
        report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        assert earned(cast.verifier) == 2 * ATTEMPT + RESULT

    def test_is_the_cost_of_the_house(self, cast: Cast) -> None:
        make_sample(cast.seller)
        report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        cost = books.platform_balance(AccountKind.VERIFICATION_COST, Currency.USD)
        assert cost == Money(-RESULT, Currency.USD)

    def test_of_a_repeated_report_is_one(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        for _ in range(2):
            report(cast.verifier, task, Outcome.CONFIRMED)
        assert earned(cast.verifier) == RESULT

    def test_of_everybody_who_was_asked_is_theirs(self, cast: Cast) -> None:
        make_sample(cast.seller, leads=1)
        report(cast.verifier, claimed(cast.verifier), Outcome.DENIES)
        report(cast.second_verifier, claimed(cast.second_verifier), Outcome.DENIES)
        people = select(Earning.verifier_id).order_by(Earning.id)
        assert db.session.scalars(people).all() == [
            cast.verifier.user.id, cast.second_verifier.user.id,
        ]  # fmt: skip

    def test_is_taken_back_by_an_undo(self, cast: Cast) -> None:
        make_sample(cast.seller)
        verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        task = verdicts.undo(verdict_id=verdict.id, actor=cast.verifier.actor)
        assert earned(cast.verifier) == 0
        report(cast.verifier, task, Outcome.NOT_REACHED)
        assert earned(cast.verifier) == ATTEMPT
        lines = earned_in(this_week(), organization_id=cast.verifier.organization.id)
        assert [(line.attempts, line.results) for line in lines] == [(1, 0)]

    def test_waits_for_the_test_of_who_still_learns(self, cast: Cast) -> None:
        make_sample(cast.seller)
        task = claimed(cast.verifier)
        skill = find_qualification(
            cast.verifier.user.id, vertical_id=task.vertical_id, language=task.language
        )
        assert skill is not None
        db.session.execute(update(type(skill)).values(status=QualificationStatus.LEARNING))
        db.session.refresh(skill)
        report(cast.verifier, task, Outcome.CONFIRMED)
        assert earned(cast.verifier) == 0
        passed = {
            "ref": Ref("exam", skill.id),
            "organization_id": cast.verifier.organization.id,
            "verifier_id": cast.verifier.user.id,
            "vertical_id": task.vertical_id,
            "calls": 20,
        }
        one, two = pay.earn_training(**passed), pay.earn_training(**passed)
        assert one is two
        assert (one.kind, earned(cast.verifier)) == (EarningKind.TRAINING, 20 * RESULT // 2)
        qualifications.grant(
            verifier_id=cast.verifier.user.id,
            vertical_id=task.vertical_id,
            language=task.language,
            actor=cast.admin.actor,
        )

    def test_that_is_not_in_the_books_is_found(self, cast: Cast) -> None:
        make_sample(cast.seller)
        report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        with db.session.begin_nested() as nested:
            db.session.execute(update(Earning).values(pay_amount=RESULT + 1))
            assert any(found.startswith("verification.pay:") for found in violations())
            nested.rollback()


class TestStatement:
    def test_agrees_with_the_ledger_to_the_cent(self, cast: Cast) -> None:
        make_sample(cast.seller)
        work(cast.verifier, everybody(Outcome.CONFIRMED), calls=5)
        work(cast.second_verifier, everybody(Outcome.NOT_REACHED), calls=3)
        lines = earned_in(this_week(), organization_id=cast.verifier.organization.id)
        found = {line.verifier.id: (line.attempts, line.results, line.amount.amount)
                 for line in lines}  # fmt: skip
        assert found == {
            cast.verifier.user.id: (0, 5, 5 * RESULT),
            cast.second_verifier.user.id: (3, 0, 3 * ATTEMPT),
        }
        assert totals(lines) == [Money(earned(cast.verifier), Currency.USD)]

    def test_is_ones_own_for_one_person(self, cast: Cast) -> None:
        make_sample(cast.seller)
        for player in (cast.verifier, cast.second_verifier):
            report(player, claimed(player), Outcome.CONFIRMED)
        mine = earned_in(
            this_week(),
            organization_id=cast.verifier.organization.id,
            verifier_id=cast.verifier.user.id,
        )
        assert [(line.verifier.id, line.results) for line in mine] == [(cast.verifier.user.id, 1)]

    def test_weeks_are_apart_and_leave_nothing_out(self, cast: Cast) -> None:
        make_sample(cast.seller)
        for _ in range(3):
            report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
            later(days=4)
        week, amounts = this_week(), []
        for _ in range(4):
            lines = earned_in(week, organization_id=cast.verifier.organization.id)
            amounts += [line.amount.amount for line in lines]
            week = week.before
        assert sum(amounts) == 3 * RESULT
        assert db.session.scalar(select(func.count(Earning.id))) == 3

    @pytest.mark.parametrize(
        ("zone", "monday", "hours"),
        [
            ("UTC", date(2026, 10, 19), 168),
            ("Europe/Madrid", date(2026, 10, 19), 169),  # summer time ends in it
            ("America/New_York", date(2026, 10, 19), 168),
        ],
    )
    def test_weeks_are_by_the_clock_of_the_organization(self, zone: str, monday: date, hours: int):
        week = Week.of(datetime(2026, 10, 21, 12, tzinfo=UTC), zone=ZoneInfo(zone))
        assert week.monday == monday
        span = week.ends.astimezone(UTC) - week.begins.astimezone(UTC)
        assert span == timedelta(hours=hours)
        assert (week.before.ends, week.after.begins) == (week.begins, week.ends)


def test_rates_are_terms_of_the_vertical(cast: Cast) -> None:
    make_vertical("car_insurance_ru")
    make_sample(cast.seller, vertical=make_vertical("car_insurance_ru"))
    report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
    (line,) = earned_in(this_week(), organization_id=cast.verifier.organization.id)
    assert line.amount == Money(1_800, Currency.RUB)


class TestPage:
    @pytest.fixture
    def worked(self, cast: Cast) -> None:
        make_sample(cast.seller)
        report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED)
        report(cast.second_verifier, claimed(cast.second_verifier), Outcome.NOT_REACHED)
        db.session.commit()

    @pytest.mark.usefixtures("worked")
    def test_shows_a_verifier_their_own(self, cast: Cast, client: FlaskClient) -> None:
        page = cast.verifier.sign_in(client)
        shown = page.get("/verification/pay").text
        assert cast.verifier.user.name in shown
        assert cast.second_verifier.user.name not in shown
        assert "$1.20" in shown
        rows = list(csv.reader(io.StringIO(page.get("/verification/pay.csv").text)))
        assert [row[1:] for row in rows[1:]] == [
            [cast.verifier.user.name, "home_improvement_us", "0", "1", "0", "USD", "1.20"]
        ]

    @pytest.mark.usefixtures("worked")
    def test_shows_who_runs_the_team_everybody_and_what_the_ledger_owes(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        identity.add_member(
            email="olga@callers.example",
            name="Olga",
            password=PASSWORD,
            organization_id=cast.verifier.organization.id,
            role=Role.OWNER,
        )
        db.session.commit()
        client.post("/sign-in", data={"email": "olga@callers.example", "password": PASSWORD})
        shown = client.get("/verification/pay").text
        assert cast.verifier.user.name in shown
        assert cast.second_verifier.user.name in shown
        assert shown.count("$1.60") == 2  # of the week, and not paid out yet

    @pytest.mark.usefixtures("worked")
    def test_goes_back_by_weeks(self, cast: Cast, client: FlaskClient) -> None:
        page = cast.verifier.sign_in(client)
        assert "Nothing was earned" in page.get("/verification/pay?week=2020-02-29").text
        assert "2020-02-24" in page.get("/verification/pay?week=2020-02-29").text
        for nonsense in ("tomorrow", "2020-13-01", "0001-01-01"):
            assert page.get(f"/verification/pay?week={nonsense}").status_code in {200, 404}

    def test_is_for_verifiers(self, cast: Cast, client: FlaskClient) -> None:
        assert cast.seller.sign_in(client).get("/verification/pay").status_code in {403, 404}
