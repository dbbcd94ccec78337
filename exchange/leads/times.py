"""The rules of time: not from the future, not too old, of somebody old enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self

from exchange.catalog.definition import Terms
from exchange.catalog.fields import LeadFields, Value
from exchange.catalog.values import iso_moment
from exchange.leads.cells import Finding

# Clocks of forms and servers differ by so much without anybody lying.
SKEW: Final = timedelta(minutes=5)
# Fields of a schema that say how old somebody is.
AGES: Final = frozenset({"age", "birth_date", "date_of_birth", "birth_year"})

Cells = Sequence[Value | None]


class Times(NamedTuple):
    """The rules as texts that sort as they happened, made once per file."""

    latest: str  # no request or consent after it
    oldest: str  # no request before it
    youngest: tuple[tuple[str, Value], ...]  # the last value of an adult, by field

    @classmethod
    def of(cls, fields: LeadFields, terms: Terms, *, now: datetime) -> Self:
        """The rules of a vertical at this moment."""
        years, today = terms.minimum_age, now.date()
        # Born today in that year is old enough; born on a leap day is from 1 March on.
        born = f"{today.year - years:04}-{today:%m-%d}"
        youngest: dict[str, Value] = {
            "age": years,
            "birth_date": born,
            "date_of_birth": born,
            "birth_year": today.year - years,
        }
        return cls(
            latest=iso_moment(now + SKEW),
            oldest=iso_moment(now - timedelta(days=terms.max_age_days)),
            youngest=tuple(item for item in youngest.items() if item[0] in fields.by_name),
        )

    def broken(self, values: Mapping[str, Cells]) -> Iterator[tuple[int, Finding]]:
        """The places of the rows that break a rule, given the values of each field."""
        for place, value in enumerate(values.get("requested_at", ())):
            if isinstance(value, str) and not self.oldest <= value <= self.latest:
                code = "requested_in_future" if value > self.latest else "too_old"
                yield place, Finding("requested_at", code)
        for place, value in enumerate(values.get("consent_at", ())):
            if isinstance(value, str) and value > self.latest:
                yield place, Finding("consent_at", "consent_in_future")
        for name, limit in self.youngest:
            for place, value in enumerate(values[name]):
                if value is not None and _is_minor(name, value, limit):
                    yield place, Finding(name, "age")


def _is_minor(name: str, value: Value, limit: Value) -> bool:
    if isinstance(value, str) and isinstance(limit, str):
        return value > limit
    if isinstance(value, str) or isinstance(limit, str):
        return False  # a schema that keeps ages as words, such as bands
    return value < limit if name == "age" else value > limit
