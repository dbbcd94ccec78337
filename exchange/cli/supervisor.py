"""Keeps the processes of one machine alive: starts them in order, restarts the dead, stops all.

It holds no state of theirs: whatever dies is safe to start again, because all facts are rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from exchange.embedded.errors import EmbeddedError
from exchange.embedded.process import Process

FIRST_DELAY_SECONDS: Final = 0.1
LAST_DELAY_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0  # who lived that long starts again without a long wait
POLL_SECONDS: Final = 0.2


class Service(Protocol):
    """Something that can be started again after it died."""

    @property
    def name(self) -> str: ...
    def start(self) -> None: ...
    def is_alive(self) -> bool: ...
    def stop(self) -> None: ...


@dataclass(slots=True)
class Watched:
    """A service, when it began and when it may begin again."""

    service: Service
    begun: float
    delay: float = FIRST_DELAY_SECONDS
    due: float | None = None  # None: it is believed to run
    deaths: int = 0


class Supervisor:
    """The services of one machine, in the order of their start."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._watched: list[Watched] = []

    def start(self, service: Service) -> None:
        """Start a service and answer for it from now on."""
        service.start()
        self.adopt(service)

    def adopt(self, service: Service) -> None:
        """Answer for a service that runs already."""
        self._watched.append(Watched(service, time.monotonic()))

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Restart whatever dies, until the condition holds or a signal interrupts."""
        while not until():
            for watched in self._watched:
                self._look_after(watched)
            time.sleep(POLL_SECONDS)

    def deaths(self, name: str) -> int:
        """How often the service of that name has died so far."""
        return sum(watched.deaths for watched in self._watched if watched.service.name == name)

    def stop(self) -> None:
        """Stop all, the last started first."""
        for watched in reversed(self._watched):
            watched.service.stop()
        self._watched.clear()

    def _look_after(self, watched: Watched) -> None:
        now = time.monotonic()
        if watched.due is None and not watched.service.is_alive():
            if now - watched.begun > STEADY_SECONDS:
                watched.delay = FIRST_DELAY_SECONDS
            watched.due = now + watched.delay
            watched.delay = min(watched.delay * 2, LAST_DELAY_SECONDS)
            watched.deaths += 1
            self._say(f"{watched.service.name} ended{_why(watched.service)}; starting it again.")
        elif watched.due is not None and now >= watched.due:
            self._restart(watched, now)

    def _restart(self, watched: Watched, now: float) -> None:
        try:
            watched.service.start()
        except EmbeddedError as error:
            self._say(str(error))
            watched.due = now + watched.delay
            watched.delay = min(watched.delay * 2, LAST_DELAY_SECONDS)
        else:
            watched.begun, watched.due = time.monotonic(), None


def _why(service: Service) -> str:
    """How it ended and its last words, where that is known."""
    if not isinstance(service, Process):
        return ""
    words = service.last_words()
    return f" with {service.exit_code()}{f' ({words})' if words else ''}"
