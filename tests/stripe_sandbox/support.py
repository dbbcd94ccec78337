"""What the tests of the sandbox share: a receiver, a browser without scripts, usual requests."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

DEADLINE_SECONDS = 10.0


def eventually(holds: Callable[[], bool]) -> None:
    """Ask again and again until it holds; fails after ten seconds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        pause.wait(0.02)


def checkout(amount: int = 10_000, currency: str = "eur", **more: Any) -> Any:  # parameters: JSON
    """Parameters of an ordinary session."""
    product = {"name": "Wallet top-up"}
    price = {"currency": currency, "unit_amount": amount, "product_data": product}
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": "http://localhost/back?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost/left",
        **more,
    }


class Receiver:
    """Keeps what is posted to it; answers the statuses in `script`, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.script: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((body, self.headers["Stripe-Signature"]))
                self.send_response(receiver.script.pop(0) if receiver.script else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/stripe"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for body, _ in self.got]

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.got]


class Page:
    """One answer, as a browser gets it, redirects not followed."""

    def __init__(self, url: str, *, action: str | None = None, **headers: str) -> None:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=15)
        form = None if action is None else urlencode({"action": action})
        method = "GET" if action is None else "POST"
        connection.request(method, parts.path, body=form, headers=headers)
        response = connection.getresponse()
        self.status = response.status
        self.headers = dict(response.getheaders())
        self.text = response.read().decode()
        connection.close()
