"""How work for which nobody waits gives way to people at their pages."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

NICENESS: Final = 19  # the most that there is
AUTOGROUP: Final = Path("/proc/self/autogroup")


def give_way() -> None:
    """Let every other process go first.

    Where Linux shares the processor between sessions before it looks at niceness inside of them
    (autogroup, see sched(7)), niceness alone changes nothing. So a session of our own says the
    same for itself; one that is shared is left as it is.
    """
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # a system without sessions of this kind
            AUTOGROUP.write_text(str(NICENESS))


def gives_way() -> bool:
    """Whether this process, or the one that started it, gave way."""
    return os.getpriority(os.PRIO_PROCESS, 0) >= NICENESS
