"""The weekly statement: what somebody earned, or for who runs the team, what everybody did."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from flask import Response, request
from flask_babel import get_locale

from exchange.billing import queries as books
from exchange.billing.models import AccountKind
from exchange.catalog.queries import get_definition
from exchange.core import clock
from exchange.core.errors import NotFound
from exchange.core.money import Money
from exchange.core.web import download, render
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.verification.queries.pay import Line, Week, earned_in, totals, zone_of
from exchange.verification.views.blueprint import blueprint, me

HEAD: Final = ("week", "name", "vertical", "attempts", "results", "training", "currency", "amount")
YEARS: Final = range(2000, 2100)
# A spreadsheet would take a cell that begins so for a formula.
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@blueprint.get("/pay")
@requires(Permission.TASK_WORK)
def pay() -> Response:
    week = _week()
    lines = _lines(week)
    language = str(get_locale())
    return render(
        "verification/pay/index.html",
        week=week,
        is_last=week.ends > clock.now(),
        lines=lines,
        labels={
            line.vertical.id: get_definition(line.vertical).label_in(language) for line in lines
        },
        totals=totals(lines),
        runs_team=_runs_team(),
        unpaid=_unpaid() if _runs_team() else [],
    )


@blueprint.get("/pay.csv")
@requires(Permission.TASK_WORK)
def pay_file() -> Response:
    week = _week()
    rows = [_row(week, line) for line in _lines(week)]
    return download([_csv([HEAD, *rows])], name=f"pay-{week.monday.isoformat()}.csv")


def _week() -> Week:
    """The week that the address asks for by any of its days, else the one that runs."""
    zone = zone_of(organization().id)
    asked = request.args.get("week", "")
    if not asked:
        return Week.of(clock.now(), zone=zone)
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        raise NotFound from None
    if day.year not in YEARS:
        raise NotFound
    return Week.of_day(day, zone=zone)


def _lines(week: Week) -> Sequence[Line]:
    whose: UUID | None = None if _runs_team() else me()
    return earned_in(week, organization_id=organization().id, verifier_id=whose)


def _runs_team() -> bool:
    return Permission.TEAM_MANAGE in actor().permissions


def _unpaid() -> list[Money]:
    """What the ledger says was earned and not paid out yet, over all weeks."""
    ours = organization().id
    found = (
        books.balance(ours, AccountKind.VERIFIER_PAYABLE, one.currency)
        for one in books.balances(ours)
    )
    return [amount for amount in found if amount.amount]


def _row(week: Week, line: Line) -> tuple[object, ...]:
    name = line.verifier.name
    amount = line.amount
    return (
        week.monday.isoformat(),
        f"'{name}" if name.startswith(FORMULAS) else name,
        line.vertical.code,
        line.attempts,
        line.results,
        line.training,
        amount.currency.value,
        f"{amount.amount / 10**amount.currency.exponent:.{amount.currency.exponent}f}",
    )


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()
