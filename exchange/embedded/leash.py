"""Run a command that ends with the process that started it.

usage: leash.py SIGNAL PARENT UID GID COMMAND...     a UID of -1: stay who you are

The kernel (Linux) sends SIGNAL when the parent dies, even by kill -9. Elsewhere the command just
runs, and the next start ends what a killed parent has left. It then becomes COMMAND, so the pid
that the parent knows is the command's own. Only the standard library: it starts in milliseconds.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(uid: int, gid: int) -> None:
    """Give up root for this user, without any of root's groups."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def tie(signal_number: int, parent: int) -> None:
    """Let the kernel send us this signal when the parent dies; end at once if it is dead."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)


def main(arguments: list[str]) -> None:
    """Tie this process to its parent and become the command."""
    signal_number, parent, uid, gid = map(int, arguments[:4])
    if uid >= 0:
        become(uid, gid)  # first: changing the user would untie the leash
    if signal_number:
        tie(signal_number, parent)
    os.execvp(arguments[4], arguments[4:])  # noqa: S606  # becoming a command without a shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
