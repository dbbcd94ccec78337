"""Who runs the database: PostgreSQL refuses root, so root finds it somebody to be.

First a user namespace, in which root's own files belong to an ordinary user and nothing on disk
changes hands. Where the machine forbids namespaces, the user nobody. No folder above ours is ever
opened to others: what nobody cannot reach moves to a place that it can.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEASH: Final = Path(__file__).with_name("leash.py")
SHARED: Final = Path("/var/lib/exchange-embedded")  # root's own, so nobody can plant a file there
PATIENCE_SECONDS: Final = 120  # a busy machine; none of our commands takes more than two


@dataclass(frozen=True, slots=True)
class Identity:
    """A user to run as: -1 stays who we are; the prefix is put before each command."""

    uid: int = -1
    gid: int = -1
    prefix: tuple[str, ...] = ()

    def can(self, *command: str) -> bool:
        """Whether this identity can run the command with success."""
        return run(self, *command).returncode == 0

    def own(self, path: Path) -> None:
        """Give the path and all below it to this identity, where root runs as somebody else."""
        if os.geteuid() != 0:
            return
        uid, gid = max(self.uid, 0), max(self.gid, 0)
        if path.stat().st_uid == uid:
            return
        for each in (path, *path.rglob("*")):
            os.chown(each, uid, gid, follow_symlinks=False)


OURSELVES: Final = Identity()
NAMESPACE: Final = Identity(prefix=("unshare", "-U", "--map-user=1000", "--map-group=1000"))


def leashed(command: Sequence[str], *, identity: Identity, signal_number: int = 0) -> list[str]:
    """The command line that runs `command` as that identity, ended by that signal with us."""
    numbers = [signal_number, os.getpid(), identity.uid, identity.gid]
    leash = [sys.executable, "-I", "-S", str(LEASH), *map(str, numbers)]
    return [*leash, *identity.prefix, *command]


def run(identity: Identity, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as that identity; the code is 127 where it cannot be run at all."""
    return subprocess.run(  # noqa: S603  # no shell; the commands are ours
        leashed(command, identity=identity),
        capture_output=True,
        text=True,
        check=False,
        env=plain_environment(),
        cwd="/",
        timeout=PATIENCE_SECONDS,
    )


def plain_environment() -> dict[str, str]:
    """The environment without settings of other databases and in the language of the logs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C"}


def choose(folder: Path) -> tuple[Identity, Path]:
    """Who runs the database of this folder, and where its files are."""
    if os.geteuid() != 0:
        return OURSELVES, folder
    place = elsewhere(folder)
    if place.exists():
        return nobody(), place
    for identity in candidates(folder):
        if identity.can("/bin/sh", "-c", 'cd "$1"', "sh", str(folder)):
            return identity, folder
    place.mkdir(mode=0o711, parents=True, exist_ok=True)
    return nobody(), place


def elsewhere(folder: Path) -> Path:
    """Where nobody keeps the data of a folder that it cannot reach."""
    return SHARED / hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def candidates(folder: Path) -> Iterator[Identity]:
    """Whom root may become, best first; whoever owns the data already comes before all."""
    data = folder / "postgres"
    if data.exists() and data.stat().st_uid != 0:
        yield user(data.stat().st_uid, data.stat().st_gid)
    elif shutil.which("unshare"):
        yield NAMESPACE
    yield nobody()


def user(uid: int, gid: int) -> Identity:
    """That user, without any of root's groups."""
    return Identity(uid, gid)


def nobody() -> Identity:
    """The user that owns nothing."""
    entry = pwd.getpwnam("nobody")
    return user(entry.pw_uid, entry.pw_gid)
