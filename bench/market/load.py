"""Requests at moments that are fixed beforehand, whatever the ones before took: an open loop.

Each tenant is a stream with a rate and requests of its own. Arrivals are a Poisson process, and the
time of an answer is counted from the moment at which its request was due, so that a server which
falls behind is seen. Streams are sent by threads of a process of their own.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from random import Random
from threading import Lock
from urllib.parse import urlsplit

TIMEOUT = 30  # seconds; what takes longer is lost, and said to be
LOST = 0  # the status of a request without an answer
LEAD_TIME = 0.5  # seconds before the first request


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it is sent."""

    path: str
    body: bytes = b""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Stream:
    """What one tenant sends."""

    name: str
    per_second: float
    requests: Sequence[Request]  # one after the other, and from the start again
    headers: Mapping[str, str] = field(repr=False)
    connections: int = 8


@dataclass(frozen=True, slots=True)
class Shot:
    """One answer: how long after its moment it came, how late it was sent, in seconds."""

    seconds: float
    late: float
    status: int


def drive(url: str, streams: Sequence[Stream], *, seconds: float) -> dict[str, list[Shot]]:
    """Send the streams side by side for so long; the answers by stream."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1) as pool:
        return pool.apply(_drive, (url, list(streams), seconds))


def percentile(shots: Sequence[Shot], share: int) -> float:
    """The time in milliseconds that so many of a hundred answers keep within."""
    return 1_000 * statistics.quantiles([shot.seconds for shot in shots], n=100)[share - 1]


def lateness(shots: Sequence[Shot]) -> float:
    """How late requests were sent, in milliseconds (p99): what is no fault of the server."""
    return 1_000 * statistics.quantiles([shot.late for shot in shots], n=100)[98]


def statuses(shots: Sequence[Shot]) -> str:
    """How many answers of each status there were."""
    found = sorted({shot.status for shot in shots})
    return ", ".join(f"{sum(s.status == one for s in shots)} x {one}" for one in found)


def _drive(url: str, streams: list[Stream], seconds: float) -> dict[str, list[Shot]]:
    began = time.perf_counter() + LEAD_TIME
    with ThreadPoolExecutor(sum(stream.connections for stream in streams)) as threads:
        running = {}
        for stream in streams:
            due, lock = _arrivals(stream, began=began, seconds=seconds), Lock()
            running[stream.name] = [
                threads.submit(_send_due, url, stream, due, lock) for _ in range(stream.connections)
            ]
        return {
            name: [shot for one in sent for shot in one.result()] for name, sent in running.items()
        }


def _arrivals(stream: Stream, *, began: float, seconds: float) -> Iterator[tuple[float, Request]]:
    random, due = Random(stream.name), began
    for number in count():
        due += random.expovariate(stream.per_second)
        if due > began + seconds:
            return
        yield due, stream.requests[number % len(stream.requests)]


def _send_due(
    url: str, stream: Stream, *, due: Iterator[tuple[float, Request]], lock: Lock
) -> list[Shot]:
    """What one connection of a stream sends: always the next request that is due."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    shots = []
    while True:
        with lock:
            moment, request = next(due, (None, None))
        if moment is None or request is None:
            connection.close()
            return shots
        time.sleep(max(0.0, moment - time.perf_counter()))
        late = time.perf_counter() - moment
        status = _send(connection, request, stream.headers)
        shots.append(Shot(time.perf_counter() - moment, late, status))


def _send(connection: HTTPConnection, request: Request, headers: Mapping[str, str]) -> int:
    try:
        connection.request(request.method, request.path, request.body, dict(headers))
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        connection.close()
        return LOST
    return response.status
