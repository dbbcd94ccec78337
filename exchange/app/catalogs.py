"""The catalogs of translations: compiled where they are needed, so that only their text is kept."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

log = logging.getLogger(__name__)


def compile_stale(folder: Path) -> None:
    """Compile each catalog that is newer than its compiled form; several processes may do so."""
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            _compile(source, target)


def _compile(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        catalog = read_po(file)
    # Written beside its place and renamed: whoever reads sees all of it or nothing.
    scratch = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as file:
            write_mo(file, catalog)
        scratch.replace(target)
    except OSError as error:
        log.warning("%s cannot be written (%s): pages stay in English", target, error.strerror)
