"""`python -m stripe_sandbox`: starts the server and prints its address as one line of JSON."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from types import FrameType

from stripe_sandbox.call import API_VERSION
from stripe_sandbox.sandbox import Options
from stripe_sandbox.server import Server


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 takes a free port")
    add("--host", default="127.0.0.1")
    add("--webhook-url", help="without it, events wait to be taken")
    add("--webhook-secret", default="whsec_sandbox")
    add("--data", default=":memory:", help="SQLite file that outlives a restart")
    add("--api-key", help="the one key that is right; without it, any sk_test_ or rk_test_ key")
    add("--api-version", default=API_VERSION, help="version that events are made in")
    add("--instant-payouts", action="store_true", help="each transfer is paid out at once")
    return parser


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    arguments = vars(_parser().parse_args())
    host, port = arguments.pop("host"), arguments.pop("port")
    server = Server(host, port, options=Options(**arguments))
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    server.sandbox.start()
    sys.stdout.write(json.dumps({"url": server.url}) + "\n")
    sys.stdout.flush()
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        server.server_close()
        server.sandbox.end()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
