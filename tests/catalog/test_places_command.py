"""`exchange places import` as an operator calls it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from exchange.catalog import places
from exchange.config import ROOT
from exchange.core.db import db
from tests.catalog.test_places import AROUND
from tests.servers import house

pytestmark = pytest.mark.commits


def test_a_file_is_read_and_a_broken_one_changes_nothing(committed, tmp_path):
    def call(content: bytes):
        path = tmp_path / "places.txt"
        path.write_bytes(content)
        return subprocess.run(
            [sys.executable, "-m", "exchange", "places", "import", str(path), "--json"],
            env=house.environment(committed.config["SETTINGS"]),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    read = call("".join(AROUND).encode())
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout) == {"US": 4, "ES": 1}
    broken = call("".join([AROUND[0], "nothing\n"]).encode())
    assert (broken.returncode, broken.stdout) == (1, "")
    assert "Line 2" in broken.stderr
    assert call(b"\xff\xfe").returncode == 1
    db.session.rollback()
    assert places.find_point("US", "07030") is not None
