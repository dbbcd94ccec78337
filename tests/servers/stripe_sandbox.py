"""The Stripe sandbox as a process: started on a free port, steered by its controls, ended by pid.

    with stripe_sandbox() as sandbox:
        client = sandbox.client()                    # stripe-python, aimed at it
        sandbox.pay(session.id)                      # what the payer does
        for parcel in sandbox.take():                # events, signed, in the order of sending
            web.post("/webhooks/stripe", data=parcel.body, headers=parcel.headers)

Without a webhook URL the events wait to be taken; with one they are posted by the sandbox.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import stripe

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk_test_exchange"
SECRET = "whsec_dGVzdHM"

# Objects of Stripe and of the controls: JSON, whose shape differs by kind.
Json = dict[str, Any]


@dataclass(frozen=True)
class Parcel:
    """A webhook ready to be posted."""

    body: bytes
    headers: dict[str, str]

    @property
    def event(self) -> Json:
        event: Json = json.loads(self.body)
        return event


@dataclass
class StripeSandbox:
    """A running sandbox."""

    url: str
    secret: str
    process: subprocess.Popen[str]
    arguments: Sequence[str] = field(default_factory=tuple)

    def client(self, **options: Any) -> stripe.StripeClient:  # Any: options of stripe-python
        options = {"max_network_retries": 0, **options}
        key = options.pop("api_key", KEY)
        return stripe.StripeClient(key, base_addresses={"api": self.url}, **options)

    # What others do

    def pay(self, session: str, *, outcome: str = "paid") -> Json:
        """Finish a checkout session: paid, declined, or unpaid (then again: paid, declined)."""
        return self.control("POST", f"/sessions/{session}/pay", outcome=outcome)

    def enable(self, account: str, *, enabled: bool = True) -> Json:
        """Finish a connected account's onboarding, or restrict it."""
        return self.control("POST", f"/accounts/{account}/enable", enabled=enabled)

    def payout(self, account: str, *, currency: str, outcome: str = "paid") -> Json:
        """Pay all that a connected account has to its bank: paid or failed."""
        path = f"/accounts/{account}/payout"
        return self.control("POST", path, currency=currency, outcome=outcome)

    def dispute(self, charge: str, **facts: object) -> Json:
        """Open a dispute (`amount`, `reason`)."""
        return self.control("POST", f"/charges/{charge}/dispute", **facts)

    def close_dispute(self, dispute: str, *, outcome: str) -> Json:
        """Decide a dispute: won or lost."""
        return self.control("POST", f"/disputes/{dispute}/close", outcome=outcome)

    def fund(self, amount: int, currency: str) -> Json:
        """Add to the platform's balance, in the minor unit, so that transfers can leave."""
        return self.control("POST", "/funds", amount=amount, currency=currency)

    # What goes wrong

    def fault(self, kind: str, path: str, **more: object) -> None:
        """Script the next call of `path` (a prefix): `method`, `seconds`, `skip`, `times`."""
        self.control("POST", "/faults", kind=kind, path=path, **more)

    def clear_faults(self) -> None:
        """Forget the script; calls that hang go on."""
        self.control("DELETE", "/faults")

    def plant(self, **fields: object) -> Json:
        """Change an object by its `id`, or add one (`id`, `object`)."""
        return self.control("POST", "/objects", **fields)

    def remove(self, object_id: str) -> None:
        self.control("DELETE", f"/objects/{object_id}")

    # Webhooks

    def aim(self, url: str | None) -> None:
        """Post webhooks there from now on; None lets them wait."""
        self.control("POST", "/webhooks/target", url=url, secret=self.secret)

    def pause(self) -> None:
        self.control("POST", "/webhooks/pause")

    def resume(self, **how: object) -> None:
        """`order` (sent, reversed, list of event ids), `copies`, `discard`."""
        self.control("POST", "/webhooks/resume", **how)

    def resend(self, **how: object) -> None:
        """`events` (all), `copies`; `timestamp`, `secret` and `api_version` forge."""
        self.control("POST", "/webhooks/resend", **how)

    def take(self, **how: object) -> list[Parcel]:
        """The waiting webhooks, to be posted by the test; `order` and `copies` as in resume."""
        taken = self.control("POST", "/webhooks/take", **how)["deliveries"]
        return [Parcel(item["body"].encode(), item["headers"]) for item in taken]

    def flush(self) -> None:
        """Wait until each webhook has been tried once."""
        assert self.control("POST", "/webhooks/flush")["all_tried"]

    # Looking, and time

    def state(self) -> Json:
        """`objects` by kind, `calls`, `deliveries`, `faults`, `paused`, `now`."""
        return self.control("GET", "/state")

    def objects(self, kind: str) -> list[Json]:
        found: list[Json] = self.state()["objects"].get(kind, [])
        return found

    def calls(self, path: str = "/v1/") -> list[Json]:
        """The log of calls whose path begins so."""
        return [call for call in self.state()["calls"] if call["path"].startswith(path)]

    def event_types(self) -> list[str]:
        return [event["type"] for event in self.objects("event")]

    def advance(self, seconds: int) -> None:
        self.control("POST", "/clock", advance=seconds)

    def reset(self) -> None:
        """Forget everything but the webhook's target; ids count from one again."""
        self.control("POST", "/reset")

    def restart(self) -> None:
        """Kill the process and start it again on the same port; `data` decides what is kept."""
        self.process.kill()
        _bury(self.process)
        port = str(urlsplit(self.url).port)
        self.process = _start([*self.arguments, "--port", port])
        assert _address(self.process) == self.url

    def control(self, method: str, path: str, /, **body: object) -> Json:
        """Call a control; fails loudly with its answer."""
        status, text = self._call(method, f"/sandbox{path}", json.dumps(body) if body else None)
        assert status == 200, text
        answer: Json = json.loads(text)
        return answer

    def _call(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=15)
        try:
            connection.request(method, path, body=body)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


@contextmanager
def stripe_sandbox(
    *, webhook_url: str | None = None, data: Path | None = None, options: Sequence[str] = ()
) -> Iterator[StripeSandbox]:
    """A sandbox for the length of the block; with `data` its state outlives `restart`."""
    arguments = ["--webhook-secret", SECRET, "--api-key", KEY, *options]
    if webhook_url is not None:
        arguments += ["--webhook-url", webhook_url]
    if data is not None:
        arguments += ["--data", str(data)]
    sandbox = StripeSandbox("", SECRET, _start(arguments), arguments)
    try:
        sandbox.url = _address(sandbox.process)
        yield sandbox
    finally:
        sandbox.process.terminate()
        _bury(sandbox.process)


def _start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "stripe_sandbox", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _address(process: subprocess.Popen[str]) -> str:
    """The line that the process prints once it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the sandbox did not start; its reason is on stderr"
    return str(json.loads(line)["url"])


def _bury(process: subprocess.Popen[str]) -> None:
    process.wait(timeout=10)
    if process.stdout is not None:
        process.stdout.close()
