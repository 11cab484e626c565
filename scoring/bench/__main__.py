"""Starts the commands."""

import signal
from types import FrameType

from scoring.bench.cli import app

TOLD_TO_END = (signal.SIGTERM, signal.SIGHUP)


def _end(number: int, frame: FrameType | None) -> None:
    """As after Ctrl-C: the servers end, too. Once: they are waited for."""
    for each in TOLD_TO_END:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for each in TOLD_TO_END:
        signal.signal(each, _end)
    app(prog_name="python -m scoring.bench")
