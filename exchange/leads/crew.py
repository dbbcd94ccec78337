"""Processes that work through the blocks of a file side by side, while one process writes.

A file of few blocks is worked through where it is asked for. A child holds nothing that is missed
when it is killed, and ends when the pipe to its parent does.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, Protocol, TypeVar

from exchange.core.errors import Unavailable, place_of
from exchange.leads.blocks import unpack
from exchange.leads.reading import Row

AHEAD: Final = 2  # blocks that wait at each child, so that none stands still
BLOCKS_ALONE: Final = 4  # up to here a child would start longer than it works
log = logging.getLogger(__name__)
_context = multiprocessing.get_context("forkserver")  # plain forks of a threaded process may hang
# Imported once, by the server that forks the children.
_context.set_forkserver_preload(["exchange.leads.preparing", "exchange.leads.examining"])


Recipe = TypeVar("Recipe")
Item = TypeVar("Item")
_END: Final[Any] = object()
Result_co = TypeVar("Result_co", covariant=True)


class Worker(Protocol[Result_co]):
    """Who works through rows; made in each process from a recipe, which can be pickled."""

    def work(self, rows: Iterable[Row]) -> Result_co:
        """What becomes of a block of rows; it is pickled too."""
        ...


def work_through(
    make: Callable[[Recipe], Worker[Result_co]],
    recipe: Recipe,
    *,
    blocks: Iterable[bytes],
    processes: int | None = None,
) -> Iterator[Result_co]:
    """What becomes of each block, in their order; by default with a process per core.

    Raises Unavailable when a child died.
    """
    waiting = iter(blocks)
    first = list(islice(waiting, BLOCKS_ALONE + 1))
    if len(first) <= BLOCKS_ALONE and processes is None:
        alone = make(recipe)
        yield from (alone.work(unpack(block)) for block in first)
        return
    with _children(make, recipe, count=processes or os.cpu_count() or 1) as children:
        yield from _in_turn(children, _chained(first, waiting))


@contextmanager
def without_collector() -> Iterator[None]:
    """Nobody looks for cycles among millions of rows that make none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def ahead(items: Generator[Item, None, None]) -> Iterator[Item]:
    """The items in their order, the next one made by a thread while the last one is used."""
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        following = thread.submit(next, items, _END)
        while (item := following.result()) is not _END:
            following = thread.submit(next, items, _END)
            yield item


def _chained(first: Iterable[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from first
    yield from rest


def _in_turn(children: list[Connection], blocks: Iterator[bytes]) -> Iterator[Any]:  # Any: results
    """Hand blocks out in turn and take the answers back in the same turn."""
    turns: deque[Connection] = deque()
    given = 0
    try:
        while True:
            for block in islice(blocks, len(children) * AHEAD - len(turns)):
                child = children[given % len(children)]
                child.send_bytes(block)
                turns.append(child)
                given += 1
            if not turns:
                return
            yield turns.popleft().recv()
    except (EOFError, ConnectionError) as error:
        raise Unavailable(
            "A process that checks rows died; the import goes on by itself."
        ) from error


@contextmanager
def _children(
    make: Callable[[Recipe], Worker[Result_co]], recipe: Recipe, *, count: int
) -> Iterator[list[Connection]]:
    started = []
    try:
        for _ in range(count):
            ours, theirs = _context.Pipe()
            child = _context.Process(target=_serve, args=(theirs, make, recipe), daemon=True)
            child.start()
            theirs.close()
            started.append((child, ours))
        yield [ours for _, ours in started]
    finally:
        for _, ours in started:
            ours.close()
        for child, _ in started:
            child.join()


def _serve(pipe: Connection, make: Callable[[Recipe], Worker[Result_co]], recipe: Recipe) -> None:
    """What a child does until its parent closes the pipe."""
    blocks: SimpleQueue[bytes] = SimpleQueue()
    # Taken off the pipe at once: a parent that waits for us to read would never read our answer.
    Thread(target=_receive, args=(pipe, blocks), daemon=True).start()
    ours = make(recipe)
    gc.disable()  # see `without_collector`
    while True:
        pipe.send(_worked(ours, blocks.get()))


def _worked(ours: Worker[Result_co], block: bytes) -> Result_co:
    try:
        return ours.work(unpack(block))
    except Exception as error:  # noqa: BLE001  # whatever it says may be a cell of the row
        kind = type(error).__name__
        log.error("a block was not checked: %s at %s", kind, place_of(error))  # noqa: TRY400
        os._exit(1)


def _receive(pipe: Connection, blocks: SimpleQueue[bytes]) -> None:
    try:
        while True:
            blocks.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)
