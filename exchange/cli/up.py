"""`exchange up`: everything on this machine, from nothing to a page that can be opened.

It starts the embedded servers, migrates, tells the demo story once, runs the processes and
restarts what dies. However it ends, nothing of it stays behind.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from exchange import embedded
from exchange.cli import instances
from exchange.cli.exits import ExitCode, Failed, say
from exchange.cli.supervisor import Supervisor
from exchange.config import ROOT
from exchange.embedded.address import LOOPBACK, free_port, reserve
from exchange.embedded.errors import EmbeddedError, InUse
from exchange.embedded.lock import is_held
from exchange.embedded.process import Process
from exchange.embedded.runas import OURSELVES, leashed

PROGRAM: Final = (sys.executable, "-m", "exchange")
FIRST_PORT: Final = 8000
PORTS_TRIED: Final = 100
ANSWER_SECONDS: Final = 90
WEB_DEATHS_MAX: Final = 3
SANDBOX_KEY: Final = "sk_test_exchange"
EVERYWHERE: Final = {str(IPv4Address(0)), str(IPv6Address(0))}
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to run and where."""

    kind: str
    folder: Path
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for people."""
        return _url("localhost" if self.host in {*EVERYWHERE, LOOPBACK} else self.host, self.port)

    @property
    def local_url(self) -> str:
        """The address for processes of this machine."""
        return _url(LOOPBACK if self.host in EVERYWHERE else self.host, self.port)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Default: the first free from 8000 on.")
@click.option("--host", default=LOOPBACK, show_default=True, help="Where to listen.")
@click.option("--demo", "kind", flag_value="demo", help="A sandbox with a story to look at.")
@click.option("--sandbox", "kind", flag_value="sandbox", help="Nobody is called, charged or paid.")
def up(port: int | None, host: str, kind: str | None) -> None:
    """Run everything on this machine; Ctrl-C stops all."""
    kind = kind or "live"
    _refuse_real_money(kind)
    folder = instances.folder_of(kind)
    with interruptible(), _explained(folder):
        if is_held(folder):
            raise InUse(folder)
        with _reserve_port(host, port) as keeper:
            run(Plan(kind=kind, folder=folder, host=host, port=keeper.getsockname()[1]))


@click.command()
@click.option("--demo", "kind", flag_value="demo")
@click.option("--sandbox", "kind", flag_value="sandbox")
@click.option("--live", "kind", flag_value="live")
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(kind: str | None, *, yes: bool) -> None:
    """Destroy an instance that `up` made: database, files and keys."""
    if kind is None:
        raise click.UsageError("Name the instance: --demo, --sandbox or --live.")
    folder = instances.folder_of(kind)
    if not folder.exists():
        say(f"There is no {kind} instance here.")
        return
    if not yes:
        click.confirm(f"Destroy everything in {folder}?", abort=True, err=True)
    with _explained(folder):
        embedded.erase(folder)
    say(f"The {kind} instance is gone.")


def run(plan: Plan) -> None:
    """Run the plan until a signal comes; raises EmbeddedError and Failed before anything serves."""
    postgres, valkey = "DATABASE_URL" not in os.environ, "REDIS_URL" not in os.environ
    say(f"Starting the {plan.kind} instance in {plan.folder}")
    with embedded.servers(plan.folder, postgres=postgres, valkey=valkey) as servers:
        environment = compose(plan, servers)
        supervisor = Supervisor(say)
        for server in servers.each():
            supervisor.adopt(server)
        try:
            _prepare(environment)
            with instances.announced(plan.folder, _settings_in(environment)):
                _serve(plan, environment, supervisor)
        finally:
            say("Stopping")
            supervisor.stop()


def compose(plan: Plan, servers: embedded.Servers) -> dict[str, str]:
    """The environment of the processes; what the caller's environment names comes first."""
    found = {
        **instances.secrets_of(servers.folder),
        "EXCHANGE_DATA": str(servers.folder),
        "EXCHANGE_BASE_URL": plan.url,
    }
    if servers.postgres:
        found["DATABASE_URL"] = servers.database_url
    if servers.valkey:
        found["REDIS_URL"] = servers.redis_url
    if "STRIPE_SECRET_KEY" not in os.environ:
        found["STRIPE_SECRET_KEY"] = SANDBOX_KEY
        found["STRIPE_API_URL"] = f"http://{LOOPBACK}:{_stripe_port(plan)}"
    return {**found, **os.environ, "EXCHANGE_INSTANCE": plan.kind}


def processes(plan: Plan, environment: Mapping[str, str]) -> Iterator[Process]:
    """What runs beside the servers, in the order of the start."""

    def process(name: str, *command: str) -> Process:
        return Process(
            name=name,
            command=command,
            log=plan.folder / f"{name}.log",
            environment=environment,
            folder=ROOT,
        )

    if environment["STRIPE_SECRET_KEY"] == SANDBOX_KEY:
        yield process("stripe-sandbox", *_stripe_command(plan, environment))
    where = ("--host", plan.host, "--port", str(plan.port))
    yield process("web", *PROGRAM, "web", *where)
    # Two workers: a long import must not keep a delivery waiting.
    yield process("worker-quick", *PROGRAM, "worker", "--queue", "quick")
    yield process("worker-bulk", *PROGRAM, "worker", "--queue", "bulk")
    yield process("scheduler", *PROGRAM, "scheduler")


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the first signal interrupt whatever runs, and no further one disturb the stopping."""

    def interrupt(number: int, _frame: object) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(0 if number != signal.SIGHUP else 128 + number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        # Started by nohup, it must outlive the terminal.
        if number != signal.SIGHUP or before[number] is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except InUse as error:
        running = instances.running_url(folder)
        where = f" See {running}." if running else ""
        raise Failed(f"{error}{where} Stop it first.") from None
    except EmbeddedError as error:
        raise Failed(str(error)) from None


def _refuse_real_money(kind: str) -> None:
    if kind != "live" and os.environ.get("STRIPE_SECRET_KEY", "").startswith("sk_live_"):
        raise Failed(
            f"A {kind} instance charges nobody, but STRIPE_SECRET_KEY is a live key.",
            ExitCode.NOT_ALLOWED,
        )


def _reserve_port(host: str, wanted: int | None) -> socket.socket:
    if wanted is not None:
        if keeper := reserve(host, wanted):
            return keeper
        raise Failed(f"Port {wanted} of {host} is taken. Choose another one with --port.")
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if keeper := reserve(host, port):
            if port != FIRST_PORT:
                say(f"Port {FIRST_PORT} is taken; using {port}.")
            return keeper
    raise Failed(f"No free port from {FIRST_PORT} on. Choose one with --port.")


def _stripe_port(plan: Plan) -> int:
    # The same after a restart where possible: open payment pages keep their address.
    for port in (plan.port + 1_000, free_port()):
        if port < 65_536 and (keeper := reserve(LOOPBACK, port)):
            keeper.close()
            return port
    raise Failed("No free port for the Stripe sandbox.")


def _stripe_command(plan: Plan, environment: Mapping[str, str]) -> list[str]:
    port = environment["STRIPE_API_URL"].rpartition(":")[2]
    webhook = f"{plan.local_url}/api/v1/webhooks/stripe"
    return [
        *(sys.executable, "-m", "stripe_sandbox", "--port", port, "--webhook-url", webhook),
        *("--webhook-secret", environment["STRIPE_WEBHOOK_SECRET"]),
        *("--data", str(plan.folder / "stripe.db"), "--instant-payouts"),
    ]


def _settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    names = ("DATABASE_", "REDIS_", "EXCHANGE_", "STRIPE_")
    return {key: value for key, value in environment.items() if key.startswith(names)}


def _prepare(environment: Mapping[str, str]) -> None:
    _step(environment, "migrate")


def _step(environment: Mapping[str, str], *arguments: str) -> None:
    """Run one of our own commands to its end, as a process that leaves no memory here."""
    command = leashed([*PROGRAM, *arguments], identity=OURSELVES, signal_number=signal.SIGTERM)
    answer = subprocess.run(  # noqa: S603  # our own program
        command, env=dict(environment), cwd=ROOT, check=False, stdout=sys.stderr
    )
    if answer.returncode:
        raise Failed(f"`exchange {' '.join(arguments)}` failed, so nothing is served.")


def _ask(environment: Mapping[str, str], *arguments: str) -> str:
    """What one of our own commands prints."""
    command = leashed([*PROGRAM, *arguments], identity=OURSELVES)
    answer = subprocess.run(  # noqa: S603  # our own program
        command, env=dict(environment), cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE
    )
    return answer.stdout.rstrip()


def _serve(plan: Plan, environment: Mapping[str, str], supervisor: Supervisor) -> None:
    for process in processes(plan, environment):
        supervisor.start(process)
    _wait_for_pages(plan, supervisor)
    if plan.kind == "demo":
        say("Telling the demo story; the pages are open already.")
        _step(environment, "demo", "seed")
    click.echo(f"Ready: {plan.url}")
    who = ("demo", "logins") if plan.kind == "demo" else ("founding",)
    if welcome := _ask(environment, *who):
        click.echo(welcome)
    say(f"Logs: {plan.folder}/*.log. Ctrl-C stops everything.")
    supervisor.watch()


def _wait_for_pages(plan: Plan, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS

    def is_decided() -> bool:
        hopeless = supervisor.deaths("web") >= WEB_DEATHS_MAX or time.monotonic() > deadline
        return hopeless or _answers(plan)

    supervisor.watch(until=is_decided)
    if not _answers(plan):
        raise Failed(f"The pages do not answer; see {plan.folder / 'web.log'}.")


def _answers(plan: Plan) -> bool:
    host = urlsplit(plan.local_url).hostname or LOOPBACK
    connection = http.client.HTTPConnection(host, plan.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
