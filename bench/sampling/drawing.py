"""The draw of a large sealed lot: time, memory, and what the next wave asks of the lot's size.

The product's verbs on lots that lie in the database: `seal_batch` seals them, `make_draw` draws
them in a process of its own, whose memory the kernel tells. Base is that process after it has drawn
a lot of a thousand; the figure is how far its memory rises beyond that, by lead. The next wave is
`advance` behind a look with too many bad ones to accept and too few to reject.
"""

from __future__ import annotations

import gc
import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import func, select

from bench.harness import Bench, median, stopwatch
from bench.sampling.stage import Stage, close, copy, numbered, owned, stage
from exchange.app import create_app
from exchange.config import Settings
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get, unit_of_work
from exchange.leads.models import Batch, BatchStatus, Lead
from exchange.leads.services.batches import seal_batch
from exchange.verification.models import Inspection
from exchange.verification.services import draws, samples
from tests.factories.leads import make_batch

BASE, SMALL, LARGE = 1_000, 100_000, 1_000_000
REPEATS: Final = 3  # of the small one: the median counts
SOURCES: Final = 5
BYTES_MAX, RATIO_MAX = 100.0, 13.0
MEMORY: Final = Path("/proc/self/status")
FORGET_PEAK: Final = Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one draw took, and the wave after it."""

    seconds: float
    peak: float  # bytes beyond the base process
    wave: float  # seconds of calling further ahead
    stored: int  # drawn leads that are written down


def run(bench: Bench) -> None:
    """Draw lots of 100,000 and one of 1,000,000, each in a new process."""
    with stage() as ours:
        small = [_in_new_process(ours, SMALL) for _ in range(REPEATS)]
        large = _in_new_process(ours, LARGE)
    for size, one in ((SMALL, small[0]), (LARGE, large)):
        print(
            f"# {size:,} leads: drawn in {one.seconds:.2f} s, {one.peak / size:.0f} bytes a lead,"
            f" {one.stored} of them written down; the next wave in {one.wave * 1_000:.0f} ms"
        )
    bench.figure("draw_bytes_per_lead", large.peak / LARGE, "bytes", goal=("<=", BYTES_MAX))
    ratio = large.seconds / median([one.seconds for one in small])
    bench.figure("draw_time_1m_to_100k", ratio, "ratio", goal=("<=", RATIO_MAX))


def _in_new_process(ours: Stage, size: int) -> Drawn:
    lots = [_sealed(ours, leads) for leads in (BASE, size)]
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1) as pool:
        return pool.apply(_draw, (ours.settings, lots, ours.cast.seller.actor))


def _sealed(ours: Stage, size: int) -> UUID:
    """A sealed lot of so many leads of five sources, copied from one that intake wrote."""
    batch = make_batch(ours.cast.seller, leads=1, status=BatchStatus.VALIDATING)
    original = db.session.scalars(select(Lead.id).where(Lead.batch_id == batch.id)).one()
    db.session.commit()
    with owned(ours.owner) as connection:
        lots = connection.execute("SELECT count(*) FROM batch").fetchone()
        assert lots
        changed = {
            "id": numbered(lots[0]),
            "row_number": "1 + n",
            "leaf": f"'\\x' || encode(sha256(convert_to('{batch.id}' || n, 'UTF8')), 'hex')",
            "sub_source": f"'affiliate ' || n % {SOURCES}",
        }
        copy(connection, "lead", of=original, times=size - 1, changed=changed)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE) lead")
    with unit_of_work():
        seal_batch(get(Batch, batch.id), actor=SYSTEM)
    return batch.id


def _draw(settings: Settings, lots: list[UUID], seller: Actor) -> Drawn:
    """Draw the first lot to have everything loaded, then the second, which is measured."""
    app = create_app(settings)
    with app.app_context():
        for batch_id in lots:
            with unit_of_work():
                draws.give_nonce(batch_id=batch_id, nonce="bench", by="seller", actor=seller)
            base = _forget_peak()
            with stopwatch() as taken, unit_of_work():
                sample = draws.make_draw(batch_id=batch_id, actor=SYSTEM)
                assert sample is not None
                sample_id = sample.id
            peak = _memory("VmHWM") - base
        with unit_of_work():
            asked = select(func.count()).where(Inspection.ref_id == sample_id)
            stored = db.session.scalar(asked) or 0
        wave = _next_wave(settings, sample_id)
        close(app)
    return Drawn(taken[0], peak, wave, stored)


def _next_wave(settings: Settings, sample_id: UUID) -> float:
    """Seconds of calling further ahead, once the first wave answered and two of it are bad."""
    with psycopg.connect(settings.database_url) as connection:
        connection.execute(
            "UPDATE inspection SET status = 'concluded', concluded_at = exchange_now(),"
            " outcome = CASE WHEN position <= 2 THEN 'bad' ELSE 'good' END"
            " WHERE ref_id = %s AND position <= (SELECT called_ahead FROM sample WHERE id = %s)",
            [sample_id, sample_id],
        )
    with stopwatch() as taken, unit_of_work():
        sample = samples.advance(sample_id=sample_id, actor=SYSTEM)
        called = sample.called_ahead
    assert called > sample.n, "nobody was called further ahead"
    return taken[0]


def _forget_peak() -> float:
    """Bytes that the process takes now; from here on its peak is counted anew."""
    gc.collect()
    FORGET_PEAK.write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> float:
    """A figure of the kernel's on this process, in bytes."""
    lines = MEMORY.read_text().splitlines()
    found = next(line for line in lines if line.startswith(f"{name}:"))
    return int(found.split()[1]) * 1_024
