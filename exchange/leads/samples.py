"""Invented leads for a vertical: rows for templates, the demo and tests. No such person exists.

Pure: the same random source and time give the same file. Defects are planted by name, so that
whoever asked for them knows what must be found.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.fields import FieldSpec, FieldType

Cells = dict[str, str]

NAMES: Final = {
    "en": (("Taylor", "Jordan", "Casey", "Morgan", "Riley", "Avery", "Quinn", "Harper"),
           ("Carter", "Bennett", "Hayes", "Foster", "Reed", "Wallace", "Pierce", "Dalton")),
    "ru": (("Иван", "Анна", "Пётр", "Мария", "Олег", "Елена", "Сергей", "Ольга"),
           ("Ковалёв", "Зорин", "Лебедев", "Орлов", "Громов", "Белов", "Сомов", "Рыбин")),
    "es": (("Lucía", "Javier", "Marta", "Diego", "Elena", "Pablo", "Nuria", "Álvaro"),
           ("Ruiz Vega", "Soler Mas", "Prieto Gil", "Navas Ríos", "Calvo Sanz", "Mora León")),
    "ms": (("Aisyah", "Farid", "Nurul", "Hakim", "Siti", "Zul", "Amira", "Iskandar"),
           ("binti Osman", "bin Rahman", "binti Salleh", "bin Yusof", "bin Karim")),
}  # fmt: skip
# Country code and the digits of the national number; N is 2 to 9, X is any digit.
NUMBERS: Final = {
    "US": ("+1", ("614", "513", "216", "303", "720", "512", "602", "206"), "NXXXXXX"),
    "RU": ("+7", ("916", "903", "921", "925", "912", "926"), "NXXXXXX"),
    "ES": ("+34", ("61", "62", "65", "66"), "XXXXXXX"),
    "MY": ("+60", ("12", "13", "16", "19"), "NXXXXXX"),
}
POSTAL: Final = {"US": "430NN", "RU": "1010NN", "ES": "280NN", "MY": "500NN"}


def invented_rows(
    definition: VerticalDefinition, *, random: Random, count: int, now: datetime
) -> list[Cells]:
    """Rows that pass every check, each another person, by field name as somebody would type."""
    taken: set[str] = set()
    return [_row(definition, random=random, now=now, taken=taken) for _ in range(count)]


def as_csv(definition: VerticalDefinition, rows: Sequence[Mapping[str, str]]) -> bytes:
    """The rows as a UTF-8 CSV with the field names as header."""
    names = [spec.name for spec in definition.fields.specs]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def dead_number(cells: Cells, _random: Random) -> None:
    """Plant a number that cannot exist."""
    cells["phone"] = "12345"


def without_consent(cells: Cells, _random: Random) -> None:
    """Plant a row without proof that the person agreed."""
    cells["consent_at"] = cells["consent_text"] = ""


def bad_email(cells: Cells, _random: Random) -> None:
    """Plant an e-mail that is none."""
    cells["email"] = "no-at-sign.example"


DEFECTS: Final[dict[str, Callable[[Cells, Random], None]]] = {
    "short_code": dead_number,
    "consent_missing": without_consent,
    "email_invalid": bad_email,
}


def plant(rows: Sequence[Cells], *, random: Random, defects: Mapping[str, int]) -> dict[int, str]:
    """Spoil so many rows of each defect, no row twice; returns the defect by row number."""
    places = iter(random.sample(range(len(rows)), sum(defects.values())))
    planted: dict[int, str] = {}
    for name, many in defects.items():
        for _, place in zip(range(many), places, strict=False):
            DEFECTS[name](rows[place], random)
            planted[place + 1] = name
    return planted


def _row(
    definition: VerticalDefinition, *, random: Random, now: datetime, taken: set[str]
) -> Cells:
    asked_at = now - timedelta(minutes=random.randrange(20, 60 * 24 * 2))
    first, last = (random.choice(part) for part in NAMES.get(definition.language, NAMES["en"]))
    phone = _phone(definition.country, random=random, taken=taken)
    asked_at -= timedelta(seconds=int(phone[-4:]) % 60)  # people do not ask on the minute
    cells = {
        "name": f"{first} {last}",
        "phone": phone,
        "email": f"person.{phone[1:]}@example.com",
        "requested_at": _moment(asked_at),
        "consent_at": _moment(asked_at),
        "consent_url": "https://quotes.example/form",
        "consent_quality_check": "yes",
        **_sent(phone),
        "postal_code": _digits(POSTAL[definition.country], random),
    }
    for spec in definition.fields.specs:
        if spec.name not in cells:
            cells[spec.name] = _cell(spec, random)
    return cells


def _sent(phone: str) -> Cells:
    """How the form was sent: an address of the range for tests, another one for each person."""
    digits = int(phone[-6:])
    ip = f"198.{18 + digits % 2}.{digits // 2 % 256}.{digits // 512 % 256}"
    return {"ip": ip, "user_agent": "", "form_seconds": str(20 + digits % 100)}


def _cell(spec: FieldSpec, random: Random) -> str:
    """A value that the field accepts, written as its example or its choices are."""
    if spec.choices:
        return random.choice(spec.choices).value
    if spec.type is FieldType.BOOLEAN:
        return random.choice(("yes", "no"))
    if spec.type is FieldType.INTEGER and spec.min is not None and spec.max is not None:
        # In the lower half: bounds are generous and invented people are not extreme.
        return str(random.randint(int(spec.min), (int(spec.min) + int(spec.max)) // 2))
    return spec.example


def _phone(country: str, *, random: Random, taken: set[str]) -> str:
    code, areas, pattern = NUMBERS[country]
    while True:
        phone = f"{code}{random.choice(areas)}{_digits(pattern, random)}"
        # 555 is for films, and long runs look invented to every check.
        if phone not in taken and "555" not in phone and len(set(phone[-7:])) > 3:
            taken.add(phone)
            return phone


def _digits(pattern: str, random: Random) -> str:
    first = {"N": "23456789", "X": "0123456789"}
    return "".join(random.choice(first[c]) if c in first else c for c in pattern)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def template(definition: VerticalDefinition) -> Iterator[bytes]:
    """The file to fill in: a header and one row of examples."""
    yield as_csv(definition, [{spec.name: spec.example for spec in definition.fields.specs}])
