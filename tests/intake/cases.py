"""Cases of the catalogue of bad input: an input and what must come of it."""

import csv
import io
from dataclasses import dataclass, field

import pytest

from tests.leads.intake_case import csv_of

HEADER = ("name", "phone")
ROW = ("Ivan Petrov", "+14155552671")
OTHER = ("Anna Smith", "+14155552680")
GOOD_FILE = csv_of(HEADER, ROW, OTHER)
RUSSIANS = ("Иван Петров", "Анна Сидорова", "Пётр Кузнецов", "Ольга Смирнова", "Юлия Щукина")


@dataclass(frozen=True)
class Case:
    """An input and what must come of it; `valid` is how many rows are valid.

    `content` are the bytes, or a function that makes them from the present time.
    """

    number: int  # in the catalogue; 0 for those that are not printed in it
    name: str
    content: object = field(repr=False)
    codes: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    outcome: str = ""
    valid: int | None = None
    options: dict[str, object] = field(default_factory=dict)

    def made(self, now):
        return self.content(now) if callable(self.content) else self.content


def case(number, name, content, *, codes="", notes="", asked="", **more):
    words = {
        key: frozenset(value.split())
        for key, value in (("codes", codes), ("notes", notes), ("asked", asked))
    }
    return pytest.param(Case(number, name, content, **words, **more), id=f"{number}-{name}")


def refused(number, name, content, code, **options):
    return case(number, name, content, codes=code, options=options)


def people(count, *, first=0):
    """So many different people."""
    return [
        (f"Ivan Petrov {chr(65 + n % 26)}{chr(97 + n // 26 % 26)}", f"+1415555{2671 + 3 * n:04}")
        for n in range(first, first + count)
    ]


def russian(encoding):
    mobile = [(name, f"+7916123456{n}") for n, name in enumerate(RUSSIANS)]
    return csv_of(("имя", "телефон"), *mobile, delimiter=";").decode().encode(encoding)


def quoted(*records):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(records)
    return text.getvalue().encode()
