"""One program is served after the other hand of it, and does not keep other programs waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.exceptions import TooManyRequests

from exchange.core import limits
from tests.waiting import eventually


def test_a_few_wait_for_their_turn_and_the_rest_is_refused() -> None:
    at_work: list[int] = []
    gate = threading.Event()

    def come_in() -> int:
        with limits.turn_of("loud"):
            at_work.append(1)
            gate.wait()
            return len(at_work)

    with ThreadPoolExecutor(limits.INSIDE_MAX) as threads:
        served = [threads.submit(come_in) for _ in range(limits.INSIDE_MAX)]
        try:
            eventually(lambda: limits._lines["loud"].inside == limits.INSIDE_MAX)
            with pytest.raises(TooManyRequests), limits.turn_of("loud"):
                pass
            with limits.turn_of("quiet"):
                assert len(at_work) == 1
        finally:
            gate.set()
    assert sorted(one.result() for one in served) == [1, 2, 3, 4]
    assert limits._lines == {}
