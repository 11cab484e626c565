"""Becomes a container's command: run as a script, so that nothing runs between fork and exec.

Arguments: the pid of the stand-in, the CPUs it may use (`0,3`), and the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def main(parent: int, cores: set[int], command: list[str]) -> int:
    """Never returns when the command can be run."""
    # A container must not outlive a stand-in that was killed, even just now.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 128 + signal.SIGKILL
    os.sched_setaffinity(0, cores)
    try:
        os.execvpe(command[0], command, _given())  # noqa: S606 - there is no shell to need
    except OSError as error:
        sys.stderr.write(f"exec: '{command[0]}': {error.strerror}\n")
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE


def _given() -> dict[bytes, bytes]:
    """The environment as it was given: Python adds LC_CTYPE to its own."""
    pairs = Path("/proc/self/environ").read_bytes().split(b"\0")
    return dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), {int(core) for core in sys.argv[2].split(",")}, sys.argv[3:]))
