"""What every template has at hand: who is looking, language, money, time and the components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_symbol
from flask import Flask, g, request, url_for
from flask_babel import Babel, get_locale, get_timezone
from markupsafe import Markup
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from exchange.app import catalogs
from exchange.billing import queries as billing
from exchange.catalog import queries as catalog
from exchange.config import ROOT
from exchange.core import clock, ids
from exchange.core.money import Currency, Money
from exchange.identity import access, words
from exchange.identity.access import SignedIn
from exchange.identity.permissions import OrganizationKind, Permission
from exchange.notifications import queries as notices

Answer = TypeVar("Answer")
LANGUAGES: Final = {"en": "English", "ru": "Русский", "es": "Español", "ms": "Bahasa Melayu"}
NO_BREAK_SPACE: Final = "\u00a0"
# Pages that several kinds of organizations share stand in the frame of who looks.
LAYOUTS: Final = {
    OrganizationKind.SELLER: "layouts/seller.html",
    OrganizationKind.BUYER: "layouts/buyer.html",
    OrganizationKind.VERIFICATION: "layouts/verifier.html",
    OrganizationKind.OPERATOR: "layouts/admin.html",
}


def init_app(app: Flask) -> None:
    """Install languages, filters and globals."""
    catalogs.compile_stale(ROOT / "translations")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "translations")
    Babel(app, locale_selector=_locale, timezone_selector=_timezone)
    app.jinja_env.filters.update(
        money=money, when=when, percent=percent, numberformat=number, day=day, second=second
    )
    app.jinja_env.globals.update(
        now=clock.now,
        new_key=lambda: str(ids.uuid7()),
        N_=str,  # marks a word for the catalogs; it is translated where it is shown
        endpoint_exists=lambda name: name in app.view_functions,
        ui=Components(app),
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)
    # Billing and catalog do not know each other; the wallet asks here what is traded in.
    app.extensions["currencies"] = currencies


class Components:
    """The macros of templates/components under one name, loaded when the first page needs them."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:  # Any: a macro
        if name.startswith("__"):
            raise AttributeError(name)
        module = self._app.jinja_env.get_template("components/ui.html").module
        return getattr(module, name)


def currencies() -> list[Currency]:
    """The currencies of the verticals that trade, in the order of their codes."""
    return sorted({vertical.currency for vertical in catalog.verticals()})


@dataclass(frozen=True, slots=True)
class Balance:
    """The wallet in the head of a page: figure, state in a word, and the page behind it."""

    amount: Money
    state: str  # enough, limited or empty
    href: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is looking, in the words that the account menu shows."""

    name: str
    organization: str
    role: str
    single_keys: bool
    unread: int  # notices of the organization


def money(amount: Money) -> str:
    """An amount in the reader's way of writing, with a space between a code and the number."""
    whole = amount.amount / 10**amount.currency.exponent
    text = format_currency(whole, amount.currency, locale=_reader())
    sign = get_currency_symbol(amount.currency, locale=_reader())
    # Babel writes "RUB1,234.50" where a language has no sign for the currency.
    if sign == amount.currency and text.startswith(sign):
        text = text.replace(sign, sign + NO_BREAK_SPACE, 1)
    return text.replace("-", "\u2212")


def when(moment: datetime | None) -> Markup:
    """A moment in the reader's zone, with the exact one behind it."""
    if moment is None:
        return Markup("&ndash;")
    local = moment.astimezone(get_timezone())
    text = format_datetime(local, "d MMM y, HH:mm", locale=_reader())
    exact = moment.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, text)


def second(moment: datetime) -> str:
    """The time of day to the second in the reader's zone."""
    return format_datetime(moment.astimezone(get_timezone()), "HH:mm:ss", locale=_reader())


def day(moment: date) -> str:
    """A day, or that of a moment in the reader's zone, with the month in letters."""
    local = moment.astimezone(get_timezone()) if isinstance(moment, datetime) else moment
    return format_date(local, "d MMM y", locale=_reader())


def percent(share: float | None, decimals: int = 1) -> str:
    """A share with one decimal; a dash where there is none."""
    if share is None:
        return "\u2013"
    return format_percent(share, "#,##0." + "0" * decimals + "%", locale=_reader())


def number(value: int | float) -> str:  # noqa: PYI041  # both kinds are meant
    """A count in the reader's way of writing."""
    return format_decimal(value, locale=_reader())


def _context() -> dict[str, Any]:  # Any: what templates see
    reader = {"locale": _reader().language, "zone": str(get_timezone())}
    return {**reader, **(_unless_away(_who) or {"layout": "layouts/public.html"})}


def _who() -> dict[str, Any]:  # Any: as above
    held = access.actor().permissions
    seen = access.signed_in()
    return {
        "actor": seen and _viewer(seen),
        "organization": g.get("organization"),
        "permissions": held,
        "layout": _layout(seen, held),
        "balance": _balance(seen, held),
        "instance": clock.instance_kind().value,
    }


def _unless_away(ask: Callable[[], Answer]) -> Answer | None:
    """The answer; None on the page of an error while the database does not answer."""
    if g.get("is_away"):
        return None
    try:
        return ask()
    except (DBAPIError, PoolTimeout):
        if not g.get("is_failing"):
            raise
        g.is_away = True
        return None


def _viewer(seen: SignedIn) -> Viewer:
    return Viewer(
        name=seen.user.name,
        organization=seen.organization.trade_name,
        role=str(words.ROLES[seen.membership.role]),
        single_keys=seen.user.single_keys,
        unread=notices.unread(seen.organization.id),
    )


def _balance(seen: SignedIn | None, held: frozenset[str]) -> Balance | None:
    if seen is None or Permission.MONEY_READ not in held:
        return None
    pill = billing.balance_pill(seen.organization)
    return None if pill is None else Balance(pill.amount, pill.state, url_for("billing.wallet"))


def _layout(seen: SignedIn | None, held: frozenset[str]) -> str:
    if seen is None:
        return "layouts/public.html"
    works = Permission.TASK_WORK in held  # the operator's own verifiers sit with the verifiers
    return LAYOUTS[OrganizationKind.VERIFICATION if works else seen.organization.kind]


def _reader() -> Locale:
    return get_locale() or Locale("en")


def _locale() -> str | None:
    seen = _unless_away(access.signed_in)
    chosen = seen.user.locale if seen else request.cookies.get("locale")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES), "en")


def _timezone() -> str | None:
    seen = _unless_away(access.signed_in)
    return seen.user.timezone if seen else None
