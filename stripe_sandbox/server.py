"""HTTP on a socket: reads a request, asks the sandbox, writes the answer or resets."""

from __future__ import annotations

import socket
import struct
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from stripe_sandbox.faults import server_error
from stripe_sandbox.messages import Request, Response
from stripe_sandbox.sandbox import Options, Sandbox

_LARGEST_BODY = 1_000_000
_IDLE_SECONDS = 60


class Server(ThreadingHTTPServer):
    """Listens on `host`; port 0 takes a free one, `url` tells which."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, *, options: Options) -> None:
        super().__init__((host, port), Handler)
        named = f"[{host}]" if ":" in host else host
        self.url = f"http://{named}:{self.server_address[1]}"
        self.sandbox = Sandbox(self.url, options=options)

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is none of our faults; anything else is shown."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """One connection; kept open between requests, as Stripe's clients like it."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - likewise

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= _LARGEST_BODY:
            self.close_connection = True
            self._write(Response(413))
            return
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(length)
        self._write(self._answer(Request(self.command, target.path, target.query, headers, body)))

    def _answer(self, request: Request) -> Response:
        try:
            return self.server.sandbox.answer(request)
        except Exception:  # noqa: BLE001 - a bug of the sandbox: shown, and answered as Stripe would
            traceback.print_exc(file=sys.stderr)
            return server_error()

    def _write(self, response: Response) -> None:
        if response.dropped:
            self._reset()
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def _reset(self) -> None:
        """Close so that the caller sees a reset, not an end."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Quiet: GET /sandbox/state has the log of calls."""
