"""A `pulumi` that is killed in the middle of its work."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def killed(pid: int) -> Iterator[None]:
    """Kill a process group; at the end, also what it started, which the block may watch until then.

    The language host is in a group of its own, and would look for its engine for minutes.
    """
    children = psutil.Process(pid).children(recursive=True)
    os.killpg(pid, signal.SIGKILL)
    try:
        yield
    finally:
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
