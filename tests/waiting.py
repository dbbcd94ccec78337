"""Wait for something that other processes do: ask until it holds or the deadline has passed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

POLL_SECONDS = 0.02


def eventually(claim: Callable[[], object], *, seconds: float = 30) -> None:
    """Return as soon as the claim holds; fail when it does not within the time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not claim():
        assert time.monotonic() < deadline, f"still not so after {seconds} s: {claim}"
        pause.wait(POLL_SECONDS)
