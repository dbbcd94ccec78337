"""Preparing in several processes: the same rows in the same order, and a child may die."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest

from exchange.catalog.schemas import load_preset
from exchange.core.crypto import Keyring
from exchange.core.errors import Unavailable
from exchange.leads import samples
from exchange.leads.blocks import pack
from exchange.leads.checking import Rules
from exchange.leads.crew import BLOCKS_ALONE, work_through
from exchange.leads.mending import Mending
from exchange.leads.preparing import Lot, Preparer, Recipe
from exchange.leads.reading import Row, examine, rows
from tests.conftest import MASTER_KEYS

ROWS, BLOCK = 180, 20
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOT = Lot(UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), "exclusive", 1, needs_agreement=False)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    definition = load_preset("home_improvement_us")
    columns = {spec.name: index for index, spec in enumerate(definition.fields.specs)}
    rules = Rules.of(definition, now=NOW)
    return Recipe(LOT, rules, columns, Mending(), bytes(32), Keyring.from_text(MASTER_KEYS))


@pytest.fixture(scope="module")
def blocks(recipe: Recipe) -> list[bytes]:
    definition = load_preset("home_improvement_us")
    made = samples.invented_rows(definition, random=Random(5), count=ROWS, now=NOW)
    samples.plant(made, random=Random(6), defects={"short_code": 9, "consent_missing": 4})
    file = io.BytesIO(samples.as_csv(definition, made))
    found = list(rows(file, examine(file)))
    return [pack(found[at : at + BLOCK]) for at in range(0, ROWS, BLOCK)]


def story(recipe: Recipe, blocks: list[bytes], *, processes: int | None) -> list[object]:
    """What became of each row, without what is drawn anew each time: ids, keys and salts."""
    told: list[object] = []
    for done in work_through(Preparer, recipe, blocks=blocks, processes=processes):
        told += [
            (c.number, c.line, c.hashes, c.is_valid, c.text, c.facts, c.marks)
            for c in done.candidates
        ]
        told += [(row.number, row.line, row.codes) for row in done.invalid]
        told += [done.texts]
    return told


def test_several_processes_say_what_one_says(recipe: Recipe, blocks: list[bytes]) -> None:
    alone = story(recipe, blocks[:BLOCKS_ALONE], processes=None)
    assert story(recipe, blocks[:BLOCKS_ALONE], processes=2) == alone
    assert story(recipe, blocks, processes=2) == story(recipe, blocks, processes=1)


def test_every_row_is_prepared_once(recipe: Recipe, blocks: list[bytes]) -> None:
    done = list(work_through(Preparer, recipe, blocks=blocks, processes=2))
    numbers = [row.number for part in done for row in (*part.candidates, *part.invalid)]
    assert sorted(numbers) == list(range(1, ROWS + 1))
    assert sum(len(part.invalid) for part in done) == 13


def test_no_process_is_left_when_the_reader_stops_early(
    recipe: Recipe, blocks: list[bytes]
) -> None:
    prepared = work_through(Preparer, recipe, blocks=blocks, processes=2)
    assert isinstance(prepared, Iterator)
    next(prepared)
    assert len(multiprocessing.active_children()) == 2
    prepared.close()  # type: ignore[attr-defined]  # a generator
    assert multiprocessing.active_children() == []


def test_a_killed_child_is_an_error_and_not_a_silence(recipe: Recipe, blocks: list[bytes]) -> None:
    prepared = work_through(Preparer, recipe, blocks=blocks * 3, processes=2)
    next(prepared)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    with pytest.raises(Unavailable):
        list(prepared)
    assert multiprocessing.active_children() == []


def test_an_error_in_a_child_is_not_swallowed(recipe: Recipe) -> None:
    broken = b'[[1, 2, "no list", 4, 5]]'  # more than a row has
    with pytest.raises(Unavailable):
        list(work_through(Preparer, recipe, blocks=[broken] * 4, processes=2))


def test_a_recipe_travels_whole(recipe: Recipe, blocks: list[bytes]) -> None:
    other = replace(recipe, rules=replace(recipe.rules, phone_region="RU"))
    told = story(other, blocks[:1], processes=1)
    assert told != story(recipe, blocks[:1], processes=1)


class Talkative:
    """Whoever says in its errors what stood in the row."""

    def __init__(self, _recipe: None) -> None:
        """Needs nothing."""

    def work(self, rows: Iterable[Row]) -> None:
        raise ValueError(next(iter(rows)).cells[0])


def ask_the_talkative() -> None:
    block = pack([Row(1, 2, ["Zacharias Quill"])])
    list(work_through(Talkative, None, blocks=[block] * 4, processes=1))


def test_what_a_child_says_on_its_way_out_names_nobody() -> None:
    script = "from tests.leads import test_crew; test_crew.ask_the_talkative()"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "Unavailable" in ran.stderr
    assert "ValueError at test_crew.py" in ran.stderr
    assert "Quill" not in ran.stderr
