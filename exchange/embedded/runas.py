"""Who runs the database: PostgreSQL refuses root, so root finds it somebody to be.

First a user namespace, in which root's own files belong to an ordinary user and nothing on disk
changes hands. Where the machine forbids namespaces, the user nobody. No folder above ours is ever
opened to others: what nobody cannot reach moves to a place that it can.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.embedded.errors import EmbeddedError

LEASH: Final = Path(__file__).with_name("leash.py")
SHARED: Final = Path("/var/lib/exchange-embedded")  # root's own, so nobody can plant a file there
ELSEWHERE: Final = "postgres.place"  # names the place outside, in the instance's folder
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
    """Who runs the database of this folder, and where its files are.

    Raises EmbeddedError when data is there that nobody of ours can reach.
    """
    if os.geteuid() != 0:
        return OURSELVES, folder
    if place := elsewhere(folder):
        return nobody(), place
    for identity in candidates(folder):
        if identity.can("/bin/sh", "-c", 'cd "$1"', "sh", str(folder)):
            return identity, folder
    if (folder / "postgres").exists():
        raise EmbeddedError(
            f"The database in {folder} was made where root may use user namespaces. Allow them "
            "(unshare -U), or let the user nobody pass through the folders above it."
        )
    return nobody(), _move_out(folder)


def elsewhere(folder: Path) -> Path | None:
    """Where nobody keeps the data of a folder that it cannot reach; None when it is inside."""
    try:
        return Path((folder / ELSEWHERE).read_text().strip())
    except FileNotFoundError:
        return None


def _move_out(folder: Path) -> Path:
    # A new place each time: a folder that was deleted must not find its old data again.
    SHARED.mkdir(mode=0o711, parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=SHARED, prefix="data-"))
    place.chmod(0o711)
    (folder / ELSEWHERE).write_text(f"{place}\n")
    return place


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
