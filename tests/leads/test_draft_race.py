"""Many hands at the same draft at the same time, on a database where commits are real.

The control takes the guards away, in the code and in its own database, and must make more than
one batch: a race that cannot be lost proves nothing.
"""

import psycopg
import pytest
from sqlalchemy import select

from exchange.catalog.policies import QualityClass
from exchange.core.db import db, get, unit_of_work
from exchange.core.money import Currency, Money
from exchange.leads.models import Batch, Import, LeadKind
from exchange.leads.services import checks, imports
from tests.cast import make_cast
from tests.factories.catalog import make_vertical
from tests.leads.test_drafts import as_file, begin, kept, some_people
from tests.racing import meeting, patiently, race

pytestmark = pytest.mark.commits
HANDS = 20


@pytest.fixture
def cast(committed):
    made = make_cast()
    db.session.commit()
    return made


@pytest.fixture
def draft(cast):
    """Thirty rows, of which every third has no number of anybody."""
    vertical = make_vertical("home_improvement_us")
    rows = some_people(vertical, 30)
    for row in rows[2::3]:
        row["phone"] = "12345"
    return begin(cast.seller, as_file(vertical, rows)).id


def confirm(draft_id, actor):
    def attempt():
        with unit_of_work():
            batch = imports.draft_batch(
                import_id=draft_id, name="", quality_class=QualityClass.STANDARD,
                price=Money(4500, Currency.USD), kind=LeadKind.EXCLUSIVE, sales_max=1,
                actor=actor,
            )  # fmt: skip
            imports.confirm(batch_id=batch.id, declared_unsold=True, actor=actor)
        return "sent"

    return patiently(attempt)


def test_many_confirmations_make_one_batch(committed, cast, draft):
    seen = race(committed, [lambda: confirm(draft, cast.seller.actor)] * HANDS)
    assert seen == {"sent": 1, "import_finished": HANDS - 1}
    assert len(db.session.scalars(select(Batch)).all()) == 1


@pytest.mark.control
def test_the_control_makes_several(committed, cast, draft, monkeypatch):
    meet = meeting()

    def look(model, draft_id):
        found = get(model, draft_id)
        meet()
        return found

    monkeypatch.setattr(imports, "lock", look)
    with psycopg.connect(committed.config["SETTINGS"].database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE batch DROP CONSTRAINT uq_batch_import_id")
    race(committed, [lambda: confirm(draft, cast.seller.actor)] * HANDS)
    assert len(db.session.scalars(select(Batch)).all()) > 1


def test_checks_at_the_same_time_find_what_one_finds(committed, cast, draft):
    with unit_of_work():
        checks.ask_check(get(Import, draft), actor=cast.seller.actor)

    def check():
        checks.check_draft(draft, block_rows=3)
        return "checked"

    seen = race(committed, [lambda: patiently(check)] * HANDS)
    assert seen == {"checked": HANDS}
    found = db.session.get(Import, draft, populate_existing=True)
    assert found.is_checked_whole
    assert (found.forecast["valid"], found.forecast["invalid"]) == (20, 10)
    assert sorted(kept(found)) == list(range(3, 31, 3))
