"""Doors of money for people: a buyer's wallet, a seller's money, statements for both."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    current_app,
    redirect,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.billing import queries, stripe_pages, words
from exchange.billing.currencies import traded_currencies
from exchange.billing.models import AccountKind, Payout, PayoutAccountStatus, TopUp, TopUpStatus
from exchange.billing.queries import StatementLine
from exchange.billing.schemas import PayoutForm, StatementQuery, TopUpForm
from exchange.billing.services import payouts, top_ups
from exchange.core.db import parse_id
from exchange.core.errors import NotFound
from exchange.core.idempotency import idempotent
from exchange.core.money import Currency, Money
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import OrganizationKind, Permission

blueprint = Blueprint("billing", __name__, url_prefix="/money")

FILTERS: Final = ("account", "currency")
# Where the lines of a statement lead, by who reads and what they are about.
PAGES: Final = {
    (OrganizationKind.BUYER, "order"): ("buyers.order", "order_id"),
    (OrganizationKind.BUYER, "line"): ("buyers.lead", "line_id"),
    (OrganizationKind.BUYER, "contract"): ("buyers.contract", "contract_id"),
    (OrganizationKind.BUYER, "conversion"): ("buyers.action", "conversion_id"),
    (OrganizationKind.BUYER, "top_up"): ("billing.top_up", "top_up_id"),
    (OrganizationKind.SELLER, "top_up"): ("billing.top_up", "top_up_id"),
    (OrganizationKind.SELLER, "payout"): ("billing.payout", "payout_id"),
}
LATEST: Final = 5  # top-ups or payouts shown beside the balances


@blueprint.get("/wallet")
@requires(Permission.MONEY_READ)
def wallet() -> Response:
    ours = _organization_of(OrganizationKind.BUYER)
    return render(
        "billing/wallet/index.html",
        block="results",
        balances=queries.balances(ours) or [queries.no_balances(_home_currency())],
        currencies=traded_currencies(),
        asked=_asked(),
        top_ups=queries.top_ups(ours, limit=LATEST),
        **_statement(words.BUYER_ACCOUNTS),
    )


@blueprint.post("/top-ups")
@requires(Permission.TOP_UP)
@again_with_errors(wallet)
@idempotent
def start_top_up() -> ResponseReturnValue:
    form = load_form(TopUpForm())
    top_up = top_ups.start(
        organization_id=_organization_of(*top_ups.PAYERS),
        amount=Money(form["amount"], form["currency"]),
        actor=actor(),
    )
    return see_other("billing.checkout", top_up_id=top_up.public_id)


@blueprint.get("/top-ups/<top_up_id>/checkout")
@requires(Permission.TOP_UP)
def checkout(top_up_id: str) -> ResponseReturnValue:
    found = _top_up(top_up_id)
    if found.status is not TopUpStatus.STARTED:
        return see_other("billing.top_up", top_up_id=top_up_id)
    return redirect(stripe_pages.checkout_url(found), code=303)


@blueprint.get("/top-ups/<top_up_id>")
@requires(Permission.MONEY_READ)
def top_up(top_up_id: str) -> Response:
    found = _top_up(top_up_id)
    return render(
        "billing/top_ups/detail.html",
        block="state",
        top_up=found,
        left=queries.spendable(found.organization_id, found.amount.currency),
        purse=_purse(),
        back=request.args.get("back", ""),
    )


@blueprint.get("")
@requires(Permission.MONEY_READ)
def money() -> Response:
    ours = _organization_of(OrganizationKind.SELLER)
    return render(
        "billing/money/index.html",
        block="results",
        balances=queries.balances(ours) or [queries.no_balances(_home_currency())],
        account=queries.find_payout_account(ours),
        pending_days=queries.pending_days(ours),
        payouts=queries.payouts(ours, limit=LATEST),
        currencies=traded_currencies(),
        asked=_asked(),
        top_ups=queries.top_ups(ours, limit=LATEST),
        failure=words.failure,
        **_statement(words.SELLER_ACCOUNTS),
    )


@blueprint.post("/payouts")
@requires(Permission.PAYOUT_REQUEST)
@again_with_errors(money)
@idempotent
def request_payout() -> ResponseReturnValue:
    form = load_form(PayoutForm())
    amount = None if form["amount"] is None else Money(form["amount"], form["currency"])
    payout = payouts.request(
        organization_id=_organization_of(OrganizationKind.SELLER),
        currency=form["currency"],
        amount=amount,
        actor=actor(),
    )
    return see_other(
        "billing.money", toast=_("Payout %(id)s is on its way to Stripe.", id=payout.public_id)
    )


@blueprint.get("/payouts")
@requires(Permission.MONEY_READ)
def payout_list() -> Response:
    return render(
        "billing/payouts/index.html",
        block="results",
        page=queries.payouts(
            _organization_of(OrganizationKind.SELLER), cursor=request.args.get("cursor")
        ),
        failure=words.failure,
    )


@blueprint.get("/payouts/<payout_id>")
@requires(Permission.MONEY_READ)
def payout(payout_id: str) -> Response:
    found = queries.get_payout(parse_id(payout_id, Payout), viewer=organization().id)
    return render("billing/payouts/detail.html", payout=found, failure=words.failure)


@blueprint.get("/top-ups")
@requires(Permission.MONEY_READ)
def top_up_list() -> Response:
    return render(
        "billing/top_ups/index.html",
        block="results",
        page=queries.top_ups(_organization_of(*top_ups.PAYERS), cursor=request.args.get("cursor")),
        purse=_purse(),
    )


@blueprint.post("/payout-account")
@requires(Permission.PAYOUT_REQUEST)
@again_with_errors(money)
def connect_account() -> ResponseReturnValue:
    payouts.connect_account(
        organization_id=_organization_of(OrganizationKind.SELLER), actor=actor()
    )
    return see_other("billing.payout_account")


@blueprint.get("/payout-account")
@requires(Permission.PAYOUT_REQUEST)
def payout_account() -> ResponseReturnValue:
    account = queries.find_payout_account(_organization_of(OrganizationKind.SELLER))
    if account is None:
        return see_other("billing.money")
    return render(
        "billing/payout_account/detail.html",
        block="state",
        account=account,
        is_ready=account.status is PayoutAccountStatus.READY,
        back=request.args.get("back", ""),
        failure=words.failure,
    )


@blueprint.get("/payout-account/onboarding")
@requires(Permission.PAYOUT_REQUEST)
def onboarding() -> ResponseReturnValue:
    account = queries.find_payout_account(_organization_of(OrganizationKind.SELLER))
    if account is None or account.external_id is None:
        return see_other("billing.payout_account")
    return redirect(stripe_pages.onboarding_url(account), code=303)


@blueprint.get("/statement.csv")
@requires(Permission.MONEY_READ)
def statement_file() -> Response:
    lines = queries.whole_statement(organization().id)
    response = Response(stream_with_context(_csv(lines)), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="statement.csv"'
    return response


def _csv(lines: Iterator[StatementLine]) -> Iterator[str]:
    """The whole statement; amounts with a point and two decimals, times in UTC."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    head = ["time", "posting", "account", "currency", "amount", "balance", "reason", "about"]
    writer.writerow(head)
    for line in lines:
        writer.writerow(_cells(line))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cells(line: StatementLine) -> list[str]:
    return [
        line.occurred_at.isoformat(timespec="seconds"),
        line.public_id,
        line.account.value,
        line.amount.currency.value,
        _decimal(line.amount),
        _decimal(line.balance),
        line.reason.value,
        line.subject_id,
    ]


def _decimal(amount: Money) -> str:
    whole, cents = divmod(abs(amount.amount), 100)
    return f"{'-' if amount.amount < 0 else ''}{whole}.{cents:02}"


def _statement(accounts: tuple[AccountKind, ...]) -> dict[str, Any]:  # Any: what templates see
    """The statement that the address asks for, and what its filters may be set to."""
    ours = organization().id
    currencies = [found.currency.value for found in queries.balances(ours)]
    return {
        "page": queries.statement(ours, **load_query(StatementQuery())),
        "active": {name: request.args[name] for name in FILTERS if request.args.get(name)},
        "filters": [
            _select(
                "account", _("Account"), {kind.value: words.ACCOUNTS[kind] for kind in accounts}
            ),
            _select("currency", _("Currency"), {code: code for code in currencies}),
        ],
        "account_words": words.ACCOUNTS,
        "reason_words": words.REASONS,
        "subject_words": words.SUBJECTS,
        "page_of": _page_of,
    }


def _page_of(line: StatementLine) -> str:
    """The address of what a line is about; empty where the reader has no such page."""
    endpoint, argument = PAGES.get((organization().kind, line.subject.kind), ("", ""))
    view = current_app.view_functions.get(endpoint)
    if view is None or getattr(view, "permission", None) not in actor().permissions:
        return ""
    return url_for(endpoint, **{argument: line.subject_id})  # type: ignore[arg-type]  # a path


def _select(name: str, label: str, options: dict[str, str]) -> dict[str, Any]:  # Any: as above
    return {"name": name, "label": label, "kind": "select", "options": list(options.items())}


def _home_currency() -> Currency:
    return queries.home_currency(organization())


def _asked() -> dict[str, str]:
    """What the form for paying in begins with: the sum that a page found missing, if any."""
    return {
        "currency": request.args.get("pay_currency") or _home_currency().value,
        "amount": request.args.get("pay_amount", ""),
    }


def _purse() -> str:
    """The page of the reader's own money."""
    is_buyer = organization().kind is OrganizationKind.BUYER
    return url_for("billing.wallet" if is_buyer else "billing.money")


def _organization_of(*kinds: OrganizationKind) -> UUID:
    """The id of the organization if it is of these kinds: each has pages of its own. NotFound."""
    ours = organization()
    if ours.kind not in kinds:
        raise NotFound
    return ours.id


def _top_up(top_up_id: str) -> TopUp:
    return queries.get_top_up(parse_id(top_up_id, TopUp), viewer=organization().id)
