"""The files of the intake bench: ten columns, people of four countries, known defects.

Made from a fixed seed, so that every run measures the same rows; no such person exists.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.fields import LeadFields
from exchange.catalog.policies import ConsentPolicy
from exchange.catalog.schemas import load_preset
from exchange.catalog.scripts import Script
from exchange.leads.samples import NAMES

PRESET: Final = "home_improvement_us"
COLUMNS: Final = (
    "name", "phone", "email", "postal_code", "project", "timeframe", "budget", "requested_at",
    "channel", "consent_text",
)  # fmt: skip
DEFECTS: Final = 0.03
REPEATS: Final = 0.02
CONSENT: Final = "I agree to be called about my project."
TIMEFRAMES: Final = ("now", "month", "quarter")
CHANNELS: Final = ("search_ads", "aggregator", "word_of_mouth")
# By country: the words of names, the beginning of mobile numbers, and how many digits follow.
COUNTRIES: Final = (
    ("en", ("+16142", "+15133", "+13034", "+15126"), 6),
    ("ru", ("+7916", "+7903", "+7921", "+7925"), 7),
    ("es", ("+3461", "+3462", "+3465", "+3466"), 7),
    ("ms", ("+60122", "+60133", "+60164", "+60195"), 6),
)


def definition() -> VerticalDefinition:
    """A vertical of ten fields whose people may be from anywhere."""
    preset = load_preset(PRESET)
    fields = LeadFields(tuple(preset.fields.by_name[name] for name in COLUMNS))
    policy = ConsentPolicy(
        quality_check_required=False, text_required=True, time_required=False, url_required=False
    )
    return replace(
        preset,
        code="bench",
        country="",
        phone_region="",
        fields=fields,
        terms=replace(preset.terms, consent=policy),
        scripts=tuple(map(_without_other_fields, preset.scripts)),
    )


def write(path: Path, *, rows: int, now: datetime, seed: int = 1) -> None:
    """A normal file: 3 % defects, 2 % people who stood above already."""
    _write(path, _rows(rows, random=Random(seed), now=now))


def write_all_bad(path: Path, *, rows: int, now: datetime) -> None:
    """The same people, each with a number that cannot exist."""
    _write(path, ((row[0], "12345", *row[2:]) for row in _rows(rows, random=Random(2), now=now)))


def write_one_person(path: Path, *, rows: int, now: datetime) -> None:
    """One and the same person in every row."""
    person = _person(Random(3), number=1, now=now)
    _write(path, (person for _ in range(rows)))


def _write(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _rows(count: int, *, random: Random, now: datetime) -> Iterator[tuple[str, ...]]:
    earlier: list[tuple[str, ...]] = []
    for number in range(count):
        if earlier and random.random() < REPEATS:
            yield random.choice(earlier)
            continue
        row = _person(random, number=number, now=now)
        if random.random() < DEFECTS:
            yield _spoiled(row, random)
            continue
        if len(earlier) < 1_000:
            earlier.append(row)
        yield row


def _person(random: Random, *, number: int, now: datetime) -> tuple[str, ...]:
    language, areas, digits = random.choice(COUNTRIES)
    first, last = (random.choice(part) for part in NAMES[language])
    # Walks through all numbers without meeting one twice; 3,000,017 is prime to ten million.
    phone = f"{random.choice(areas)}{(number * 3_000_017 + 2_345_678) % 10**digits:0{digits}}"
    asked = now - timedelta(seconds=random.randrange(3_600, 86_400 * 3))
    return (
        f"{first} {last}",
        phone,
        f"p{phone[1:]}@example.com",
        f"{random.randrange(10_000, 99_999)}",
        random.choice(("kitchen", "roofing", "painting", "plumbing")),
        random.choice(TIMEFRAMES),
        str(random.randrange(500, 50_000)),
        asked.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        random.choice(CHANNELS),
        CONSENT,
    )


def _spoiled(row: tuple[str, ...], random: Random) -> tuple[str, ...]:
    column, cell = random.choice((
        (1, "12345"), (1, "7.92E+10"), (2, "no-at-sign.example"), (7, "2026-02-31T10:00:00Z"),
        (9, ""), (4, "no such project"),
    ))  # fmt: skip
    return (*row[:column], cell, *row[column + 1 :])


def _without_other_fields(script: Script) -> Script:
    """The script without mention of fields that this vertical lacks."""
    text = json.dumps(script.to_json())
    words = "property_type|scope|is_homeowner"
    return Script.from_json(json.loads(re.sub(rf"\{{({words})\}}", "it", text)))
