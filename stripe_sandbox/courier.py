"""The thread that delivers webhooks, after the commit of what they tell and without the lock."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from stripe_sandbox import deliveries
from stripe_sandbox.messages import Json
from stripe_sandbox.store import Store

_TIMEOUT = 10.0
_TICK = 0.5
_END = 2.0
_SHORT = 0.02


class Courier(threading.Thread):
    """Posts what is due, one at a time; runs `tick` twice a second in between."""

    def __init__(self, store: Store, *, tick: Callable[[], None]) -> None:
        super().__init__(name="courier", daemon=True)
        self._store = store
        self._tick = tick
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._ended = False

    def run(self) -> None:
        ticked = 0.0
        while not self._ended:
            if time.monotonic() - ticked >= _TICK:
                self._tick()
                ticked = time.monotonic()
            if not self._deliver_next():
                self._wake.wait(self._rest())
                self._wake.clear()

    def wake(self) -> None:
        self._wake.set()

    def end(self) -> None:
        """Stop after the attempt under way."""
        self._ended = True
        self.wake()
        self.join(timeout=_END)

    @contextmanager
    def still(self) -> Iterator[None]:
        """A transaction during which no delivery is under way."""
        with self._sending, self._store.transaction():
            yield
        self.wake()

    def flush(self, *, seconds: float = _TIMEOUT) -> bool:
        """Wait until each delivery that may leave has been tried once; False when time ran out."""
        deadline = time.monotonic() + seconds
        while self._untried():
            if time.monotonic() > deadline:
                return False
            self.wake()
            time.sleep(_SHORT)
        return True

    def _untried(self) -> bool:
        with self._store.transaction():
            return deliveries.any_untried(self._store)

    def _rest(self) -> float:
        with self._store.transaction():
            seconds = deliveries.seconds_to_next(self._store)
        return _TICK if seconds is None else min(_TICK, max(_SHORT, seconds))

    def _deliver_next(self) -> bool:
        """Try the delivery that is due first; False when none is due or none may leave."""
        with self._sending:
            with self._store.transaction():
                delivery = deliveries.due(self._store)
                if delivery is None:
                    return False
                parcel = deliveries.sealed(self._store, delivery)
                url = str(deliveries.target(self._store)["url"])
            outcome = "204" if parcel is None else _post(url, parcel)
            with self._store.transaction():
                deliveries.note(self._store, delivery, outcome=outcome)
        return True


def _post(url: str, parcel: Json) -> str:
    """The status of one attempt as text, or the name of what went wrong. Follows no redirect."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request("POST", path, body=parcel["body"].encode(), headers=parcel["headers"])
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
