"""Work for which nobody waits goes last, inside its session and between sessions."""

import subprocess
import sys
from pathlib import Path

import pytest

from exchange.config import ROOT

PROGRAM = """
import os, sys
from exchange.core.priority import AUTOGROUP, SOON, give_way, gives_way
assert not gives_way()
is_last = "last" in sys.argv
give_way() if is_last else give_way(SOON)
assert gives_way() == is_last
print(os.getpriority(os.PRIO_PROCESS, 0), AUTOGROUP.read_text() if AUTOGROUP.exists() else "")
"""


def given_way(*, own_session, how="last"):
    """Niceness of a process that gave way, and of its session where the kernel has one."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how],
        env={"PYTHONPATH": str(ROOT)},
        start_new_session=own_session,
        capture_output=True,
        check=True,
        text=True,
    )
    niceness, _, session = done.stdout.partition(" ")
    return int(niceness), session.strip()


def test_a_process_of_its_own_session_gives_way_with_the_session():
    niceness, session = given_way(own_session=True)
    assert niceness == 19
    assert session == "" or session.endswith("nice 19")


def test_one_for_which_somebody_waits_gives_way_by_a_few_steps():
    niceness, session = given_way(own_session=True, how="soon")
    assert niceness == 5
    assert session == "" or session.endswith("nice 5")


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no sessions of this kind")
def test_a_shared_session_is_left_as_it_is():
    before = Path("/proc/self/autogroup").read_text(encoding="ascii").strip()
    assert given_way(own_session=False) == (19, before)
