"""How jobs give way to people at their pages, most of all those for which nobody waits."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

NICENESS: Final = 19  # the most that there is
SOON: Final = 5  # of jobs that somebody waits for: a third of the time that a page would get
AUTOGROUP: Final = Path("/proc/self/autogroup")


def give_way(niceness: int = NICENESS) -> None:
    """Let every other process go first, or with less niceness more often than this one.

    Where Linux shares the processor between sessions before it looks at niceness inside of them
    (autogroup, see sched(7)), niceness alone changes nothing. So a session of our own says the
    same for itself; one that is shared is left as it is.
    """
    os.setpriority(os.PRIO_PROCESS, 0, niceness)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # a system without sessions of this kind
            AUTOGROUP.write_text(str(niceness))


def gives_way() -> bool:
    """Whether this process, or the one that started it, gave way to all others."""
    return os.getpriority(os.PRIO_PROCESS, 0) >= NICENESS
