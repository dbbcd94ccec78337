"""Intake of 100,000 rows beside COPY of the finished rows into the same tables.

The reference is the least that any intake must do: writing what it ends up with, on one
connection. The figure is intake's rows a second over COPY's, pair by pair; the median counts.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg

from bench.harness import Bench, median, servers, settings, stopwatch
from exchange.app import create_app
from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.catalog.schemas import load_preset
from exchange.catalog.services import publish_vertical
from exchange.core import clock, schema
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.money import Currency, Money
from exchange.identity import services as identity
from exchange.identity.permissions import OrganizationKind
from exchange.leads import samples
from exchange.leads.models import LeadKind
from exchange.leads.services import imports
from exchange.leads.services.intake import take_in

ROWS = 100_000
PAIRS = 3
VERTICAL = "home_improvement_us"
TABLES = ("lead", "contact", "consent", "fingerprint", "problem_row")


def run(bench: Bench) -> None:
    """Measure the pairs and print the ratio."""
    with servers() as running, tempfile.TemporaryDirectory() as folder:
        owner = running.database_url
        schema.migrate(owner, instance="sandbox")
        app = create_app(settings(owner, running.redis_url, Path(folder)))
        with app.app_context():
            seller_id = _seller()
            content = _file()
            pairs = [_pair(owner, seller_id, content) for _ in range(PAIRS)]
            db.engine.dispose()
    for intake, copy in pairs:
        print(f"# intake {ROWS / intake:,.0f} rows/s, COPY {ROWS / copy:,.0f} rows/s")
    ratio = median([copy / intake for intake, copy in pairs])
    bench.figure("intake_to_copy_100k", ratio, "ratio", goal=(">=", 0.5))


def _pair(owner: str, seller_id: UUID, content: bytes) -> tuple[float, float]:
    """Seconds of one intake and of one COPY of what it wrote, each into empty tables."""
    _empty(owner)
    batch_id = _confirmed_batch(seller_id, content)
    with stopwatch() as intake:
        take_in(batch_id)
    with psycopg.connect(owner) as connection:
        finished = {table: _dump(connection, table) for table in TABLES}
    _empty(owner)
    with psycopg.connect(owner) as connection, stopwatch() as copy:
        for table in TABLES:
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as stream:
                for block in finished[table]:
                    stream.write(block)
        connection.commit()
    return intake[0], copy[0]


def _dump(connection: psycopg.Connection, table: str) -> list[bytes]:
    with connection.cursor().copy(f"COPY {table} TO STDOUT") as stream:
        return [bytes(block) for block in stream]


def _empty(owner: str) -> None:
    """Empty what intake fills; only the owner can, with the guards of history put to sleep."""
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        connection.execute("CHECKPOINT")


def _seller() -> UUID:
    with unit_of_work():
        publish_vertical(definition=load_preset("home_improvement_us"), actor=SYSTEM)
        organization = identity.sign_up(
            email="bench@seller.example",
            name="Bench",
            password="correct horse battery",
            kind=OrganizationKind.SELLER,
            organization_name="Bench",
            trade_name="Bench",
            country="US",
        )
        identity.approve_organization(organization_id=organization.id, actor=SYSTEM)
        return organization.id


def _file() -> bytes:
    definition = catalog.get_definition(catalog.get_vertical(VERTICAL))
    random = Random(1)
    rows = samples.invented_rows(definition, random=random, count=ROWS, now=clock.now())
    samples.plant(rows, random=random, defects={"short_code": ROWS // 50})
    db.session.rollback()
    return samples.as_csv(definition, rows)


def _confirmed_batch(seller_id: UUID, content: bytes) -> UUID:
    with unit_of_work():
        draft = imports.start_import(
            organization_id=seller_id,
            vertical_code=VERTICAL,
            source_name="bench",
            file_name="bench.csv",
            stream=io.BytesIO(content),
            again=True,
            actor=SYSTEM,
        )
        imports.map_columns(import_id=draft.id, chosen={}, actor=SYSTEM)
        assert not draft.questions, draft.questions
        batch = imports.draft_batch(
            import_id=draft.id,
            name="bench",
            quality_class=QualityClass.STANDARD,
            price=Money(4500, Currency.USD),
            kind=LeadKind.EXCLUSIVE,
            sales_max=1,
            actor=SYSTEM,
        )
        imports.confirm(batch_id=batch.id, declared_unsold=True, actor=SYSTEM)
        return batch.id
