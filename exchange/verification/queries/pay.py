"""Questions about what verifiers earned: by week, by person, by vertical, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, text

from exchange.catalog.models import Vertical
from exchange.core.db import db, get
from exchange.core.events import Ref
from exchange.core.invariants import invariant
from exchange.core.money import Currency, Money
from exchange.identity import queries as identity
from exchange.identity.models import Organization, User
from exchange.identity.permissions import Permission, permissions_of
from exchange.verification.models import Verdict
from exchange.verification.pay_models import Earning, EarningKind

WEEK: Final = timedelta(days=7)
PAY_AMOUNT: Final = Earning.__table__.c.pay_amount
PAY_CURRENCY: Final = Earning.__table__.c.pay_currency


@dataclass(frozen=True, slots=True)
class Week:
    """A week from Monday to Monday by the clock of an organization."""

    monday: date
    zone: ZoneInfo

    @classmethod
    def of(cls, moment: datetime, *, zone: ZoneInfo) -> Self:
        """The week in which the moment lies."""
        return cls.of_day(moment.astimezone(zone).date(), zone=zone)

    @classmethod
    def of_day(cls, day: date, *, zone: ZoneInfo) -> Self:
        """The week of a day."""
        return cls(day - timedelta(days=day.weekday()), zone)

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.monday, time.min, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment of the next one; a change of the clock makes no week longer."""
        return datetime.combine(self.monday + WEEK, time.min, self.zone)

    @property
    def before(self) -> Week:
        """The week before."""
        return Week(self.monday - WEEK, self.zone)

    @property
    def after(self) -> Week:
        """The week after."""
        return Week(self.monday + WEEK, self.zone)


@dataclass(frozen=True, slots=True)
class Line:
    """What one person earned in one vertical."""

    verifier: User
    vertical: Vertical
    attempts: int
    results: int
    training: int  # calls of passed tests
    amount: Money


def find_earning(ref: Ref) -> Earning | None:
    """What was earned by this."""
    return db.session.scalar(
        select(Earning).where(Earning.ref_kind == ref.kind, Earning.ref_id == ref.id)
    )


def zone_of(organization_id: UUID) -> ZoneInfo:
    """The clock of an organization: that of whoever has run its team longest."""
    kind = get(Organization, organization_id).kind
    for member in identity.team(organization_id):
        if Permission.TEAM_MANAGE in permissions_of(kind, member.role):
            return ZoneInfo(member.user.timezone)
    return ZoneInfo("UTC")


def earned_in(
    week: Week, *, organization_id: UUID, verifier_id: UUID | None = None
) -> Sequence[Line]:
    """What an organization's verifiers, or one of them, earned in a week; by name and vertical."""
    whose = [Earning.verifier_id == verifier_id] if verifier_id else []
    rows = db.session.execute(
        select(
            User,
            Vertical,
            PAY_CURRENCY,
            _calls(EarningKind.ATTEMPT),
            _calls(EarningKind.RESULT),
            _calls(EarningKind.TRAINING),
            func.sum(PAY_AMOUNT),
        )
        .join(User, User.id == Earning.verifier_id)
        .join(Vertical, Vertical.id == Earning.vertical_id)
        .where(
            Earning.organization_id == organization_id,
            Earning.created_at >= week.begins,
            Earning.created_at < week.ends,
            Earning.taken_back_at.is_(None),
            *whose,
        )
        .group_by(User.id, Vertical.id, PAY_CURRENCY)
        .order_by(User.name, User.id, Vertical.code)
    )
    return [
        Line(row[0], row[1], row[3], row[4], row[5], Money(int(row[6]), Currency(row[2])))
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast somebody works in one vertical, and what an hour of it really brings."""

    median_seconds: int
    per_hour: Money | None  # None: the calls took no time that could be measured


def paces_of(verifier_id: UUID, *, since: datetime) -> dict[UUID, Pace]:
    """A verifier's own pace by vertical, from the calls since then that stand."""
    rows = db.session.execute(
        select(
            Earning.vertical_id,
            PAY_CURRENCY,
            func.percentile_cont(0.5).within_group(Verdict.seconds),
            func.sum(PAY_AMOUNT),
            func.sum(Verdict.seconds),
        )
        .join(Verdict, Verdict.id == Earning.ref_id)
        .where(
            Earning.verifier_id == verifier_id,
            Earning.created_at >= since,
            Earning.taken_back_at.is_(None),
        )
        .group_by(Earning.vertical_id, PAY_CURRENCY)
    )
    return {
        row[0]: Pace(round(row[2]), _per_hour(int(row[3]), int(row[4]), Currency(row[1])))
        for row in rows
    }


def _per_hour(amount: int, seconds: int, currency: Currency) -> Money | None:
    return Money(amount * 3600 // seconds, currency) if seconds else None


def totals(lines: Sequence[Line]) -> list[Money]:
    """The sum in each currency, by its code."""
    sums: dict[Currency, int] = {}
    for line in lines:
        currency = line.amount.currency
        sums[currency] = sums.get(currency, 0) + line.amount.amount
    return [Money(amount, currency) for currency, amount in sorted(sums.items())]


def _calls(kind: EarningKind) -> ColumnElement[int]:
    return func.coalesce(func.sum(Earning.calls).filter(Earning.kind == kind), 0)


@invariant("verification.pay")
def pay_at_odds_with_the_ledger() -> list[str]:
    """An organization was credited for checks exactly what its verifiers earned."""
    found = db.session.scalars(
        text("""
        WITH earned AS (
          SELECT organization_id, pay_currency AS currency, sum(pay_amount) AS amount
            FROM earning WHERE taken_back_at IS NULL GROUP BY 1, 2
        ), booked AS (
          SELECT a.organization_id, a.currency,
                 sum(CASE WHEN t.target_id = a.id THEN t.amount ELSE -t.amount END) AS amount
            FROM account AS a
            JOIN transfer AS t ON a.id IN (t.source_id, t.target_id)
            JOIN posting AS p ON p.id = t.posting_id
           WHERE a.kind = 'verifier_payable' AND p.subject_kind = 'earning'
           GROUP BY 1, 2
        )
        SELECT format('organization %s earned %s %s and was credited %s',
                      organization_id, coalesce(e.amount, 0), currency, coalesce(b.amount, 0))
          FROM earned AS e FULL JOIN booked AS b USING (organization_id, currency)
         WHERE coalesce(e.amount, 0) <> coalesce(b.amount, 0)
        """)
    )
    return list(found)
