"""The form of a contract: the fields of its page from terms, and terms from what was sent. Pure.

Simple answers have a field each (`a.<field>`, as in the market); whatever else the criteria say
stands as JSON in a box. Both together are the criteria.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from exchange.buyers.narrowing import PREFIX, WORDS, Narrowing
from exchange.catalog.criteria import EVERYTHING, All, Between, Criteria, Is, to_json
from exchange.catalog.fields import FieldType, LeadFields
from exchange.core.errors import FieldProblem
from exchange.core.forms import AmountField
from exchange.market.contract_checks import OPENINGS_MAX, TIME_ZONES
from exchange.market.contract_terms import Opening, Period, Terms
from exchange.market.filters import choosable

Sheet = MultiDict[str, str]
ROWS_SPARE: Final = 3  # empty rows of the schedule
ACTION_DAYS: Final = {"attribution_days": 30, "decision_days": 14}  # where nothing is typed
WEEKDAYS: Final = frozenset("0123456")  # 0 is Monday
LISTS: Final = ("postal_codes", "sellers_only", "sellers_never", "sources_never")
UNASKED: Final = ("temperature", "grade", "price_min", "aged")  # filters of the market alone
ANSWERS: Final = {value: word for word, value in WORDS.items()}


def sheet_of(terms: Terms, fields: LeadFields) -> Sheet:
    """The fields as the page shows them; name and price are the page's own."""
    sheet: Sheet = MultiDict({
        "time_zone": terms.time_zone,
        "checked_only": "1" if terms.checked_only else "",
        "approves_sources": "1" if terms.approves_sources else "",
        "age_hours_max": _number(terms.age_hours_max),
        "trial_leads": _number(terms.trial_leads),
        "bad_upper_max": "" if terms.bad_upper_max_bps is None
        else f"{terms.bad_upper_max_bps / 100:g}",
        "starts_at": _local(terms.starts_at, terms.time_zone),
        "ends_at": _local(terms.ends_at, terms.time_zone),
    })  # fmt: skip
    for name in LISTS:
        sheet[name] = "\n".join(getattr(terms, name))
    sheet.setlist("regions", list(terms.regions))
    sheet.setlist("kinds", list(map(str, terms.kinds)))
    sheet.setlist("quality_classes", list(map(str, terms.quality_classes)))
    sheet.update(dict(_criteria_fields(terms.criteria, fields)))
    sheet.update(dict(_parts(terms)))
    for number, span in enumerate(terms.schedule):
        _write_row(sheet, number, span)
    return sheet


def sheet_of_market(sent: Mapping[str, str], fields: LeadFields) -> Sheet:
    """What was looked for in the market, as a contract asks it; the same names stand in both.

    What is left out is named by `unasked`.
    """
    narrowing, has = Narrowing.of(sent, fields, region=None, fresh_hours=None), sent.get("has", "")
    asked = narrowing.criteria(fields)
    if _is_amount(has, fields) and has not in {name for name, _ in narrowing.ranges}:
        asked = All((*_parts_of(asked), Between(has, 0, None)))
    sheet: Sheet = MultiDict(_criteria_fields(asked, fields))
    sheet.update({
        "bad_upper_max": sent.get("bad_max", ""),
        "age_hours_max": sent.get("fresh", ""),
        "price": sent.get("price_max", ""),
        "checked_only": "1" if sent.get("checked") else "",
    })  # fmt: skip
    lists = (("region", "regions"), ("kind", "kinds"), ("quality_class", "quality_classes"))
    for one, many in lists:
        if sent.get(one):
            sheet.setlist(many, [sent[one]])
    return sheet


def unasked(sent: Mapping[str, str], fields: LeadFields) -> list[str]:
    """The filters of the market that were set and that no contract can have, by their names."""
    is_lost = bool(sent.get("has")) and not _is_amount(sent["has"], fields)
    return [name for name in UNASKED if sent.get(name)] + ["has"] * is_lost


def rows_of(sheet: Sheet) -> list[int]:
    """The numbers of the schedule's rows on the page: those that are filled in, and some spare."""
    filled = [number for number in range(OPENINGS_MAX) if _is_filled(sheet, number)]
    return list(range(min(OPENINGS_MAX, (filled[-1] + 1 if filled else 0) + ROWS_SPARE)))


class Reader:
    """Reads what was sent and remembers every mistake instead of stopping at the first."""

    def __init__(self, sheet: Sheet, fields: LeadFields) -> None:
        self._sheet, self._fields = sheet, fields
        self.problems: list[FieldProblem] = []

    def content(self) -> dict[str, Any]:  # Any: JSON of Terms
        """The JSON of terms; what was left empty is None: it is not asked."""
        sent, zone = self._sheet, self._sheet.get("time_zone", "").strip()
        return {
            "time_zone": zone,
            "criteria": self._criteria(),
            "regions": sent.getlist("regions") or None,
            "kinds": sent.getlist("kinds"),
            "quality_classes": sent.getlist("quality_classes") or None,
            **{name: sent.get(name, "").replace(",", " ").split() or None for name in LISTS},
            "radius": self._radius(),
            "age_hours_max": self._whole("age_hours_max"),
            "bad_upper_max_bps": self._share("bad_upper_max"),
            "checked_only": bool(sent.get("checked_only")),
            "approves_sources": bool(sent.get("approves_sources")),
            "caps": self._caps(),
            "schedule": list(self._schedule()) or None,
            "starts_at": self._moment("starts_at", zone),
            "ends_at": self._moment("ends_at", zone),
            "trial_leads": self._whole("trial_leads"),
            "action": self._action() if sent.get("pricing_model") == "cpa" else None,
        }

    def price(self) -> int:
        """Minor units; nothing where it cannot be read, which is a mistake too."""
        return self._amount("price") or 0

    def _refuse(self, name: str, detail: str) -> None:
        self.problems.append(FieldProblem(f"/{name}", "invalid", detail))

    def _read(self, name: str, read: Callable[[str], Any], *, at: str, wrong: str) -> Any:  # Any: T
        text = self._sheet.get(name, "").strip()
        if not text:
            return None
        try:
            return read(text)
        except (ValueError, OverflowError, ValidationError):
            self._refuse(at, wrong)
            return None

    def _whole(self, name: str, *, at: str = "") -> int | None:
        found: int | None = self._read(name, int, at=at or name, wrong="Type a whole number.")
        return found

    def _amount(self, name: str, *, at: str = "") -> int | None:
        found: int | None = self._read(
            name,
            AmountField().deserialize,
            at=at or name,
            wrong="Type an amount such as 45 or 45.50.",
        )
        return found

    def _share(self, name: str) -> int | None:
        """Basis points of a percentage."""
        found: int | None = self._read(
            name,
            lambda text: round(float(text.replace(",", ".")) * 100),
            at="bad_upper_max_bps",
            wrong="Type a percentage such as 8.",
        )
        return found

    def _moment(self, name: str, zone: str) -> str | None:
        if zone not in TIME_ZONES:
            return None  # the zone is refused, and nothing can be said of the moment
        found: str | None = self._read(
            name,
            lambda text: datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).isoformat(),
            at=name,
            wrong="Type a date and a time.",
        )
        return found

    def _criteria(self) -> Any:  # Any: JSON of criteria
        narrowing = Narrowing.of(self._sheet, self._fields, region=None, fresh_hours=None)
        simple = narrowing.order_criteria()
        text = self._sheet.get("criteria", "").strip()
        try:
            further = json.loads(text) if text else {}
        except ValueError:
            self._refuse("criteria", "Criteria are a JSON object.")
            return {}
        if not simple or not further:
            return simple or further
        return {"all": [*_conjuncts(simple), *_conjuncts(further)]}

    def _radius(self) -> dict[str, Any] | None:  # Any: JSON
        code = self._sheet.get("radius_code", "").strip().upper()
        km = self._whole("radius_km", at="radius")
        if not code and km is None:
            return None
        if not code or km is None:
            self._refuse("radius", "Give the postal code and the kilometers around it.")
            return None
        return {"postal_code": code, "km": km}

    def _caps(self) -> dict[str, dict[str, int]]:
        leads = {str(p): self._whole(f"cap_leads_{p}", at="caps") for p in Period}
        amount = {str(p): self._amount(f"cap_amount_{p}", at="caps") for p in Period}
        return {
            kind: {period: most for period, most in caps.items() if most is not None}
            for kind, caps in (("leads", leads), ("amount", amount))
        }

    def _schedule(self) -> Iterator[dict[str, Any]]:  # Any: JSON
        for number in (n for n in range(OPENINGS_MAX) if _is_filled(self._sheet, n)):
            name = f"s{number}"
            price = self._amount(f"{name}.price", at="schedule")
            begins, ends = (self._time(f"{name}.{end}") for end in ("from", "to"))
            yield {
                "days": [
                    int(day) for day in self._sheet.getlist(f"{name}.days") if day in WEEKDAYS
                ],
                "from": begins,
                "to": ends,
                **({} if price is None else {"price": price}),
            }

    def _time(self, name: str) -> str:
        found: str | None = self._read(
            name,
            lambda text: f"{time.fromisoformat(text):%H:%M}",
            at="schedule",
            wrong="Type times such as 09:00.",
        )
        return found or "00:00"

    def _action(self) -> dict[str, Any] | None:  # Any: JSON
        what = self._sheet.get("action", "").strip()
        typed = {name: self._whole(name, at="action") for name in ACTION_DAYS}
        if not what:
            return None
        past_due = self._sheet.get("past_due", "")
        return {
            "action": what,
            **{n: ACTION_DAYS[n] if days is None else days for n, days in typed.items()},
            "past_due": past_due if past_due in {"approve", "reject"} else "approve",
        }


def _conjuncts(criteria: Any) -> list[Any]:  # Any: JSON that nobody has read yet
    is_all = isinstance(criteria, dict) and list(criteria) == ["all"]
    parts = criteria["all"] if is_all else None
    return parts if isinstance(parts, list) else [criteria]


def _parts_of(criteria: Criteria) -> tuple[Criteria, ...]:
    """What must hold together."""
    return criteria.parts if isinstance(criteria, All) else (criteria,)


def _criteria_fields(criteria: Criteria, fields: LeadFields) -> Iterator[tuple[str, str]]:
    """A field for each simple answer, once; the rest as JSON."""
    names, rest = {spec.name for spec in choosable(fields)}, []
    for part in _parts_of(criteria):
        if isinstance(part, Is) and part.field in names:
            names.discard(part.field)
            yield PREFIX + part.field, _answer(part)
        else:
            rest.append(part)
    others = rest[0] if len(rest) == 1 else All(tuple(rest))
    yield (
        "criteria",
        "" if others == EVERYTHING else json.dumps(to_json(others), indent=2, ensure_ascii=False),
    )


def _answer(part: Is) -> str:
    return ANSWERS[part.value] if isinstance(part.value, bool) else str(part.value)


def _parts(terms: Terms) -> Iterator[tuple[str, str]]:
    if terms.radius is not None:
        yield "radius_code", terms.radius.postal_code
        yield "radius_km", str(terms.radius.km)
    for period, most in terms.caps.leads.items():
        yield f"cap_leads_{period}", str(most)
    for period, most in terms.caps.amount.items():
        yield f"cap_amount_{period}", amount_text(most)
    if terms.action is not None:
        yield "action", terms.action.action
        yield "attribution_days", str(terms.action.attribution_days)
        yield "decision_days", str(terms.action.decision_days)
        yield "past_due", str(terms.action.past_due)


def amount_text(minor: int) -> str:
    """An amount as somebody would type it."""
    return f"{minor // 100}.{minor % 100:02}"


def _write_row(sheet: Sheet, number: int, span: Opening) -> None:
    sheet.setlist(f"s{number}.days", [str(day) for day in sorted(span.days)])
    sheet[f"s{number}.from"] = f"{span.begins:%H:%M}"
    sheet[f"s{number}.to"] = f"{span.ends:%H:%M}"
    sheet[f"s{number}.price"] = "" if span.price is None else amount_text(span.price)


def _is_filled(sheet: Sheet, number: int) -> bool:
    return any(sheet.get(f"s{number}.{name}") for name in ("days", "from", "to", "price"))


def _is_amount(name: str, fields: LeadFields) -> bool:
    """Whether a contract can ask that the field is filled in: an amount is nothing or more."""
    return name in fields.by_name and fields.by_name[name].type is FieldType.MONEY


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _local(moment: datetime | None, zone: str) -> str:
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"
