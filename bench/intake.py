"""Intake beside COPY of the finished rows into all the tables that it fills.

The reference is the least that any intake must do: writing what it ends up with, over one
connection as intake itself uses. The figure is intake's rows a second over COPY's, pair by pair;
the median counts. Then: what a row costs at ten times the rows, how much memory is taken, and
files in which everything is wrong or everybody is the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
from flask import Flask

from bench import made
from bench.harness import Bench, median, servers, settings, stopwatch
from bench.memory import PeakMemory
from exchange.app import create_app
from exchange.catalog.policies import QualityClass
from exchange.catalog.services import publish_vertical
from exchange.core import clock, schema
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, unit_of_work
from exchange.core.money import Currency, Money
from exchange.identity import services as identity
from exchange.identity.permissions import OrganizationKind
from exchange.leads.models import Batch, LeadKind
from exchange.leads.services import imports
from exchange.leads.services.intake import take_in

SMALL, LARGE = 100_000, 1_000_000
PAIRS = 3
TABLES = ("lead", "contact", "consent", "fingerprint", "problem_row")
MEMORY_MAX = 400.0  # MB of any process


def run(bench: Bench) -> None:
    """Measure the pairs, then the large file, then the hard ones."""
    with house() as ours, PeakMemory() as peak:
        file = ours.folder / "normal.csv"
        made.write(file, rows=SMALL, now=clock.now())
        pairs = [_pair(ours, file) for _ in range(PAIRS)]
        normal, copy = (median(list(seconds)) for seconds in zip(*pairs, strict=True))
        _say(SMALL, normal, copy)
        print(f"# COPY of the raw file into one table: {SMALL / raw(ours, file):,.0f} rows/s")
        ratio = median([one / other for other, one in pairs])
        bench.figure("intake_to_copy_100k", ratio, "ratio", goal=(">=", 0.5))
        _hard_files(bench, ours, normal=normal)
        made.write(file, rows=LARGE, now=clock.now())
        large, copy = _pair(ours, file)
        _say(LARGE, large, copy)
        bench.figure("intake_to_copy_1m", copy / large, "ratio", goal=(">=", 0.5))
        growth = large / LARGE / (normal / SMALL)
        bench.figure("intake_cost_per_row_1m_to_100k", growth, "ratio", goal=("<=", 1.3))
    for name, megabytes in sorted(peak.by_process.items()):
        print(f"# peak memory of {name}: {megabytes:.0f} MB")
    most = max(peak.by_process.values())
    bench.figure("intake_memory_1m", most, "MB", goal=("<=", MEMORY_MAX))


def _hard_files(bench: Bench, ours: House, *, normal: float) -> None:
    """Files that are all wrong, or all the same: in the time of a normal one, and told right."""
    hard: dict[str, tuple[Callable[..., None], tuple[int, int]]] = {
        "all_bad": (made.write_all_bad, (0, 0)),
        "one_person": (made.write_one_person, (1, SMALL - 1)),
    }
    for name, (write, expected) in hard.items():
        file = ours.folder / f"{name}.csv"
        write(file, rows=SMALL, now=clock.now())
        _empty(ours.owner)
        batch_id = confirmed_batch(ours.seller_id, file)
        with stopwatch() as taken:
            take_in(batch_id)
        batch = _fresh(batch_id)
        assert (batch.valid, batch.duplicate) == expected, f"{name}: {batch.valid} leads"
        bench.figure(f"intake_{name}", taken[0] / normal, "ratio", goal=("<=", 1.5))


def _say(rows: int, intake: float, copy: float) -> None:
    print(f"# {rows:,} rows: intake {rows / intake:,.0f} rows/s, COPY {rows / copy:,.0f} rows/s")


@dataclass(frozen=True, slots=True)
class House:
    """An instance with the bench's vertical, a seller, and a folder for files."""

    owner: str  # address of its database
    redis_url: str
    seller_id: UUID
    folder: Path


@contextmanager
def house() -> Iterator[House]:
    """An instance of the bench's own, with its application at hand."""
    with servers() as running, tempfile.TemporaryDirectory() as name:
        folder, owner = Path(name), running.database_url
        schema.migrate(owner, instance="sandbox")
        app = create_app(settings(owner, running.redis_url, folder))
        with app.app_context():
            yield House(owner, running.redis_url, _seller(), folder)
            _close(app)


def _close(app: Flask) -> None:
    db.session.remove()
    db.engine.dispose()
    app.extensions["redis"].close()


def _pair(ours: House, file: Path) -> tuple[float, float]:
    """Seconds of one intake and of one COPY of what it wrote, each into empty tables."""
    _empty(ours.owner)
    batch_id = confirmed_batch(ours.seller_id, file)
    with stopwatch() as intake:
        take_in(batch_id)
    assert _fresh(batch_id).population
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(ours.owner) as connection:
        for table in TABLES:
            _dump(connection, table, Path(folder) / table)
        connection.rollback()
        _empty(ours.owner)
        with stopwatch() as copy:
            for table in TABLES:
                _load(connection, table, Path(folder) / table)
            connection.commit()
    return intake[0], copy[0]


def raw(ours: House, file: Path) -> float:
    """Seconds of a COPY of the file as it is into one table of texts: no goal, for comparison."""
    with psycopg.connect(ours.owner) as connection, connection.cursor() as cursor:
        columns = ", ".join(f"{name} text" for name in made.COLUMNS)
        cursor.execute(f"CREATE TEMPORARY TABLE raw ({columns}) ON COMMIT DROP")
        with stopwatch() as taken, cursor.copy("COPY raw FROM STDIN (FORMAT CSV, HEADER)") as copy:
            copy.write(file.read_bytes())
    return taken[0]


def _dump(connection: psycopg.Connection, table: str, path: Path) -> None:
    statement = f"COPY {table} TO STDOUT (FORMAT BINARY)"
    with connection.cursor().copy(statement) as stream, path.open("wb") as file:
        for block in stream:
            file.write(block)


def _load(connection: psycopg.Connection, table: str, path: Path) -> None:
    statement = f"COPY {table} FROM STDIN (FORMAT BINARY)"
    with connection.cursor().copy(statement) as stream, path.open("rb") as file:
        for block in iter(partial(file.read, 1 << 20), b""):
            stream.write(block)


def _empty(owner: str) -> None:
    """Empty what intake fills; only the owner can, with the guards of history put to sleep."""
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        connection.execute("CHECKPOINT")


def _fresh(batch_id: UUID) -> Batch:
    db.session.expire_all()
    batch = get(Batch, batch_id)
    db.session.expunge(batch)
    db.session.rollback()  # what follows takes longer than a transaction may idle
    return batch


def _seller() -> UUID:
    with unit_of_work():
        publish_vertical(definition=made.definition(), actor=SYSTEM)
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


def draft_of(seller_id: UUID, file: Path) -> UUID:
    """The file uploaded and mapped."""
    with unit_of_work(), file.open("rb") as stream:
        draft = imports.start_import(
            organization_id=seller_id,
            vertical_code="bench",
            source_name="bench",
            file_name="bench.csv",
            stream=stream,
            again=True,
            actor=SYSTEM,
        )
        imports.map_columns(import_id=draft.id, chosen={}, actor=SYSTEM)
        assert not draft.questions, draft.questions
        return draft.id


def confirmed_batch(seller_id: UUID, file: Path) -> UUID:
    """The file uploaded, mapped and confirmed: ready to be taken in."""
    draft_id = draft_of(seller_id, file)
    with unit_of_work():
        batch = imports.draft_batch(
            import_id=draft_id,
            name="bench",
            quality_class=QualityClass.STANDARD,
            price=Money(4500, Currency.USD),
            kind=LeadKind.EXCLUSIVE,
            sales_max=1,
            actor=SYSTEM,
        )
        imports.confirm(batch_id=batch.id, declared_unsold=True, actor=SYSTEM)
        return batch.id
