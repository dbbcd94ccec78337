"""`exchange doctor`: look at everything this instance stands on and say what to do about it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

import click
import psycopg
import redis

from exchange.cli.exits import Failed
from exchange.cli.instances import settings
from exchange.config import APPLICATION_ROLE, Settings
from exchange.core import schema
from exchange.core.crypto import Keyring

POSTGRES_VERSIONS: Final = range(15, 19)
CLOCK_SECONDS_MAX: Final = 2.0
STRIPE_API: Final = "https://api.stripe.com"
PATIENCE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and what to do when it is not well."""

    subject: str
    well: bool
    found: str
    advice: str = ""


Check = Callable[[Settings], Iterator[Finding]]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(*, as_json: bool) -> None:
    """Check configuration, database, Redis, Stripe and clock; end with 1 when something is ill."""
    found = settings()
    findings = [finding for check in CHECKS for finding in _safely(check, found)]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            _print(finding)
    if ill := [finding.subject for finding in findings if not finding.well]:
        raise Failed(f"Not well: {', '.join(ill)}.")


def configuration(found: Settings) -> Iterator[Finding]:
    """Keys, address and folder."""
    yield _master_keys(found)
    yield Finding(
        "secret key",
        len(found.secret_key) >= 32,
        f"{len(found.secret_key)} characters",
        "Set EXCHANGE_SECRET_KEY to at least 32 random characters.",
    )
    secure = found.instance != "live" or urlsplit(found.base_url).scheme == "https"
    yield Finding(
        "address", secure, found.base_url, "A live instance needs https in EXCHANGE_BASE_URL."
    )
    yield Finding(
        "files",
        os.access(found.data_folder, os.W_OK),
        str(found.data_folder),
        "Create the folder that EXCHANGE_DATA names and let this user write there.",
    )


def database(found: Settings) -> Iterator[Finding]:
    """Version, durability, text, migrations and the application's role."""
    with psycopg.connect(found.database_url, connect_timeout=PATIENCE_SECONDS) as connection:
        version = connection.info.server_version // 10_000
        known = version in POSTGRES_VERSIONS
        yield Finding("database", known, f"PostgreSQL {version}", "Use 15 to 18.")
        yield from _durability(connection)
        lowered = _one(connection, "SELECT lower('ПРИВЕТ')")
        yield Finding("text", lowered == "привет", str(lowered), "Make the database with C.UTF-8.")
        current = _one(connection, "SELECT string_agg(version_num, ',') FROM alembic_version")
        newest = ",".join(schema.heads())
        yield Finding("migrations", current == newest, str(current), "Run `exchange migrate`.")
        kind = _one(connection, "SELECT kind FROM instance")
        advice = f"EXCHANGE_INSTANCE says {found.instance}."
        yield Finding("instance", kind == found.instance, str(kind), advice)
    with psycopg.connect(found.app_database_url, connect_timeout=PATIENCE_SECONDS) as connection:
        role = str(_one(connection, "SELECT current_user"))
        separate = not _one(connection, "SELECT has_table_privilege('event', 'DELETE')")
        yield Finding("role", separate, role, f"Enter as {APPLICATION_ROLE}: see DATABASE_APP_URL.")


def doorbell(found: Settings) -> Iterator[Finding]:
    """Redis: nothing is lost without it, but all gets slower."""
    with redis.Redis.from_url(found.redis_url, socket_timeout=PATIENCE_SECONDS) as client:
        client.ping()
        persistent = client.info("persistence").get("aof_enabled") == 1
    state = "on" if persistent else "off"
    yield Finding("redis", persistent, f"append-only file {state}", "Turn appendonly on.")


def stripe(found: Settings) -> Iterator[Finding]:
    """Whether the key opens the account."""
    base = found.stripe_api_url or STRIPE_API
    status = _balance(base, found.stripe_secret_key)
    yield Finding("stripe", status == 200, f"{base} answers {status}", "Check STRIPE_SECRET_KEY.")
    yield Finding(
        "stripe webhooks",
        found.stripe_webhook_secret.startswith("whsec_"),
        "secret set" if found.stripe_webhook_secret else "no secret",
        "Set STRIPE_WEBHOOK_SECRET to the endpoint's signing secret.",
    )


def clock(found: Settings) -> Iterator[Finding]:
    """The database decides deadlines; webhooks are signed by this machine's clock."""
    with psycopg.connect(found.database_url, connect_timeout=PATIENCE_SECONDS) as connection:
        theirs = _one(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
    apart = abs(time.time() - float(str(theirs)))
    yield Finding(
        "clock", apart <= CLOCK_SECONDS_MAX, f"{apart:.1f} s from the database", "Run NTP on both."
    )


CHECKS: Final[tuple[Check, ...]] = (configuration, database, doorbell, stripe, clock)


def _master_keys(found: Settings) -> Finding:
    try:
        Keyring.from_text(found.master_keys)
    except ValueError as error:
        advice = "EXCHANGE_MASTER_KEYS is VERSION:BASE64, of 32 bytes each."
        return Finding("master keys", well=False, found=str(error), advice=advice)
    return Finding("master keys", well=True, found="readable")


def _balance(base: str, key: str) -> int:
    parts = urlsplit(base)
    kind = HTTPConnection if parts.scheme == "http" else HTTPSConnection
    connection = kind(parts.netloc, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/v1/balance", headers={"Authorization": f"Bearer {key}"})
        return connection.getresponse().status
    finally:
        connection.close()


def _durability(connection: psycopg.Connection) -> Iterator[Finding]:
    for name in ("synchronous_commit", "fsync"):
        value = _one(connection, f"SHOW {name}")  # two words of ours
        yield Finding(name, value == "on", str(value), "Turn it on: money can be lost.")


def _one(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _safely(check: Check, found: Settings) -> Iterator[Finding]:
    try:
        yield from check(found)
    except (OSError, psycopg.Error, redis.RedisError) as error:
        sentence = str(error).strip().partition("\n")[0]
        yield Finding(check.__name__, well=False, found=sentence, advice="Check its address.")


def _print(finding: Finding) -> None:
    advice = "" if finding.well else f"  {finding.advice}"
    click.echo(f"{'ok  ' if finding.well else 'ILL '} {finding.subject}: {finding.found}{advice}")
