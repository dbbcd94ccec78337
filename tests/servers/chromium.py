"""The system's Chromium, steered by Playwright; nothing is downloaded.

Where there is none the tests that need it are skipped, which is said aloud; under CI that is a
failure.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# It runs as root in containers, talks to loopback alone and leaves nothing behind.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
MISSING = f"No browser: none of {', '.join(NAMES)} is on PATH, so the browser tests did not run."


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with an empty profile for the length of the block; skips where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_program(playwright), args=list(FLAGS), headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


def _program(playwright: Playwright) -> str:
    """The system's own, else one that Playwright was given before."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and Path(playwright.chromium.executable_path).exists():
        found = playwright.chromium.executable_path
    if found is not None:
        return found
    print(f"\n*** {MISSING} ***", file=sys.__stderr__)
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)
