"""Instances that `exchange up` runs: their folders, their secrets and how other commands find them.

An instance is a folder: `instance/live`, `instance/sandbox`, `instance/demo`, or the one that
EXCHANGE_DATA names. Secrets are made once and never overwritten: without the master key no
contact can be opened again.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.cli.exits import Failed
from exchange.config import ROOT, Settings
from exchange.embedded.lock import is_held

KINDS: Final = ("live", "sandbox", "demo")
SECRETS: Final = "secrets.json"
RUNNING: Final = "running.json"


def folder_of(kind: str, environment: Mapping[str, str] | None = None) -> Path:
    """The folder of an instance on this machine."""
    named = (os.environ if environment is None else environment).get("EXCHANGE_DATA")
    return Path(named) if named else ROOT / "instance" / kind


def secrets_of(folder: Path) -> dict[str, str]:
    """The instance's secrets as environment variables, made on the first call.

    Raises Failed when the file cannot be read: making new ones would lose every contact.
    """
    path = folder / SECRETS
    if not path.exists():
        _write(path, _new_secrets())
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Failed(
            f"{path} cannot be read ({error}). It holds the keys of all contacts: restore it."
        ) from None
    return found


def _new_secrets() -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    signing = base64.b64encode(secrets.token_bytes(24)).decode()
    return {
        "EXCHANGE_SECRET_KEY": secrets.token_urlsafe(48),
        "EXCHANGE_MASTER_KEYS": f"1:{key}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{signing}",
    }


@contextmanager
def announced(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Let other commands on this machine find the running instance for the length of the block."""
    path = folder / RUNNING
    _write(path, environment)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_url(folder: Path) -> str | None:
    """Where the instance of the folder can be opened; None when it is not serving."""
    try:
        found: dict[str, str] = json.loads((folder / RUNNING).read_text())
    except (OSError, ValueError):
        return None
    return found.get("EXCHANGE_BASE_URL")


def environment() -> dict[str, str]:
    """The environment, completed from the instance that runs on this machine.

    Raises Failed when neither names a database, or several instances run and none is named.
    """
    return dict(os.environ) if "DATABASE_URL" in os.environ else {**_running(), **os.environ}


def settings() -> Settings:
    """The settings of that environment; raises Failed as `environment` does."""
    try:
        return Settings.from_environment(environment())
    except KeyError as error:
        raise Failed(f"The environment variable {error.args[0]} is missing.") from None


def _running() -> dict[str, str]:
    wanted = os.environ.get("EXCHANGE_INSTANCE")
    folders = dict.fromkeys(folder_of(kind) for kind in ([wanted] if wanted else KINDS))
    found = [path for folder in folders if (path := folder / RUNNING).exists() and is_held(folder)]
    if not found:
        raise Failed(
            "No instance runs here and DATABASE_URL is not set. "
            "Start one with `exchange up`, or name a database."
        )
    if len(found) > 1:
        names = ", ".join(path.parent.name for path in found)
        raise Failed(f"Several instances run here ({names}): name one in EXCHANGE_INSTANCE.")
    answer: dict[str, str] = json.loads(found[0].read_text())
    return answer


def _write(path: Path, values: Mapping[str, str]) -> None:
    # Written beside its place and renamed: whoever reads sees all of it or nothing.
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(dict(values), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
