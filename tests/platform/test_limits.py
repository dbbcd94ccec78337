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
    assert sorted(one.result() for one in served) == list(range(1, limits.INSIDE_MAX + 1))
    assert limits._lines == {}


@pytest.mark.parametrize(("inside", "rests"), [(limits.LONG, 0), (limits.LONG + 1, 1)])
def test_only_a_long_line_leaves_others_time(
    inside: int, rests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[float] = []
    monkeypatch.setattr(limits.time, "sleep", rested.append)

    def follow() -> None:
        with limits.turn_of("loud"):
            pass

    with ThreadPoolExecutor(inside) as threads:
        with limits.turn_of("loud"):
            behind = [threads.submit(follow) for _ in range(inside - 1)]
            eventually(lambda: limits._lines["loud"].inside == inside)
        for one in behind:
            one.result()
    assert len(rested) == rests
    assert all(0 < seconds <= limits.REST_MAX for seconds in rested)
