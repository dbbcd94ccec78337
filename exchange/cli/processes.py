"""One process of a larger deployment each: web, worker, scheduler; and the migration."""

from __future__ import annotations

import logging
import os
import signal
import threading

import click

from exchange.cli.exits import ExitCode, Failed, say
from exchange.cli.instances import environment, settings
from exchange.config import ROOT, Settings
from exchange.core.priority import NICENESS, SOON, give_way

WORKER_SECONDS = 600  # the longest statement of a job
STOP_SECONDS = 10  # requests under way get that long


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1))
@click.option("--threads", default=12, show_default=True, type=click.IntRange(1))
def web(*, host: str, port: int, processes: int, threads: int) -> None:
    """Serve pages and API until a signal comes."""
    from granian import Granian  # noqa: PLC0415  # only this command serves
    from granian.constants import Interfaces  # noqa: PLC0415

    settings()  # what is missing is said here, not by every serving process
    os.environ.update(environment())
    Granian(
        "wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        working_dir=ROOT,
    ).serve()


@click.command()
@click.option("--queue", "queues", multiple=True, help="Empty these in this order; default: all.")
@click.option("--burst", is_flag=True, help="End when nothing is left to do.")
def worker(queues: tuple[str, ...], *, burst: bool) -> None:
    """Run jobs until a signal comes."""
    from exchange.app import create_app  # noqa: PLC0415  # the application is heavy
    from exchange.core.jobs import QUEUE_NAMES  # noqa: PLC0415
    from exchange.worker import work  # noqa: PLC0415

    if unknown := set(queues) - set(QUEUE_NAMES):
        raise click.BadParameter(f"unknown queue: {', '.join(sorted(unknown))}")
    wanted = queues or QUEUE_NAMES
    # People at their pages come first, then jobs that somebody waits for.
    give_way(SOON if "quick" in wanted else NICENESS)
    _log_to_stderr()
    work(create_app(settings(), statement_timeout_seconds=WORKER_SECONDS), wanted, burst=burst)


@click.command()
def scheduler() -> None:
    """Run the sweeps when they are due, until a signal comes."""
    from exchange.app import create_app  # noqa: PLC0415  # the application is heavy
    from exchange.core.jobs import SWEEPS  # noqa: PLC0415
    from exchange.worker import Scheduler  # noqa: PLC0415

    _log_to_stderr()
    app = create_app(settings(), statement_timeout_seconds=WORKER_SECONDS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Scheduler(app, SWEEPS).run(stop)


@click.command()
def migrate() -> None:
    """Bring the database to the newest migration and write down what this instance is."""
    found = settings()
    from exchange.core import schema  # noqa: PLC0415  # alembic is heavy

    schema.migrate(found.database_url, instance=found.instance)
    kind = _instance_kind(found)
    if kind != found.instance:
        raise Failed(
            f"The database belongs to a {kind} instance, not to a {found.instance} one.",
            ExitCode.NOT_ALLOWED,
        )
    say("The database is at the newest migration.")


def _instance_kind(found: Settings) -> str:
    import psycopg  # noqa: PLC0415  # see above

    with psycopg.connect(found.database_url) as connection:
        row = connection.execute("SELECT kind FROM instance").fetchone()
    return str(row[0]) if row else "live"


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
