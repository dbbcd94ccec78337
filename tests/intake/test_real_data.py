"""Answers of real people without contacts, with invented contacts joined to them, as one batch.

The data is not part of the project: where its folder is absent, the test says so and is skipped.
"""

import csv
import io
from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from exchange.config import ROOT
from exchange.core import clock
from exchange.leads import queries
from tests.intake import desk

DATA = ROOT.parent / "shared" / "data" / "leads" / "bank_market_45211.csv"
ROWS = 2_000
DEAD_EVERY, REPEATED_EVERY, YOUNG_EVERY = 100, 50, 400
NAMES = ("Ana", "Rui", "Marta", "Pedro", "Inês", "João", "Carla", "Tiago")
SURNAMES = ("Silva", "Santos", "Ferreira", "Pereira", "Oliveira", "Costa", "Rodrigues")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no data at {DATA.name}")


@pytest.fixture
def people(app):
    """Rows of the data in no order, each with somebody to call."""
    with DATA.open(encoding="utf-8", newline="") as file:
        found = Random(7).sample(list(csv.DictReader(file)), ROWS)
    return [with_contact(row, number) for number, row in enumerate(found, 1)]


def with_contact(row, number):
    """The row of the campaign as a seller's export would have it; some are planted to be bad."""
    random = Random(number)
    phone = f"+1415{2_000_000 + 4_001 * number % 7_000_000:07}"
    name = f"{random.choice(NAMES)} {random.choice(SURNAMES)}"
    asked = clock.now() - timedelta(hours=random.randrange(1, 24 * 13))
    answers = {key: row[key] for key in ("job", "marital", "education", "housing", "loan", "y")}
    return {
        "name": name,
        "phone": "12345" if number % DEAD_EVERY == 0 else phone,
        "email": f"person{number}@example.com",
        "age": "17" if number % YOUNG_EVERY == 1 else row["age"],
        "date": asked.isoformat(timespec="seconds"),
        "balance": row["balance"],
        **answers,
    }


def as_export(rows):
    """A semicolon file, as the data's own program writes it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_a_campaign_becomes_a_batch(people, seller):
    # The short numbers and the children are invalid; the repeats come at the end of the file.
    bad = [n for n in range(1, ROWS + 1) if n % DEAD_EVERY == 0 or n % YOUNG_EVERY == 1]
    repeats = [people[n - 1] for n in range(2, ROWS + 1, REPEATED_EVERY) if n not in bad]
    taken = desk.take(seller, as_export(people + repeats))
    assert taken.reject is None
    assert taken.outcomes == Counter(
        valid=ROWS - len(bad), invalid=len(bad), duplicate=len(repeats)
    )
    assert queries.problem_counts(taken.batch.id) == {
        "duplicate_in_file": len(repeats),
        "short_code": ROWS // DEAD_EVERY,
        "age": ROWS // YOUNG_EVERY,
    }


def test_what_the_schema_does_not_ask_for_is_named_and_not_kept(people, seller):
    taken = desk.take(seller, as_export(people[:50]))
    columns = taken.draft.mapping["columns"]
    ignored = {column["header"] for column in columns if column["field"] is None}
    assert ignored == {"balance", "job", "marital", "education", "housing", "loan", "y"}
