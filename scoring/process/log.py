"""One JSON line on stdout for each request and event: never a payload, a header or a key.

Lines are gathered and written a few times a second, or when a few dozen have come together, because
a write for each would cost as much as the answer. A failed request's line is written at once.
Whoever reads the log may stop: answering goes on, and the number of lost lines is told later.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from typing import Any

# A pipe takes so much in one piece: lines of several workers are never mixed.
_PIECE = 4096


class Log:
    """The lines of one process."""

    def __init__(self, file: int = 1) -> None:
        self._file = file
        self._lines: list[str] = []
        self._size = 0
        self._lost = 0
        self._poll = select.poll()
        self._poll.register(file, select.POLLOUT)

    def event(self, name: str, **content: Any) -> None:
        """Write an event of the service's own life, at once."""
        self._add(json.dumps({"event": name, **content}) + "\n")
        self.flush()

    def request(
        self,
        identity: str,
        trace: str,
        route: str,
        status: int,
        rows: int,
        milliseconds: float,
        error: str,
    ) -> None:
        """Add an answered request; ids, routes and errors hold nothing that JSON must escape."""
        traced = f', "trace": "{trace}"' if trace else ""
        failed = f', "error": "{error}"' if error else ""
        self._add(
            f'{{"event": "request", "id": "{identity}"{traced}, "route": "{route}",'
            f' "status": {status}, "rows": {rows}, "ms": {milliseconds:.3f}{failed}}}\n'
        )
        if error:
            self.flush()

    def _add(self, line: str) -> None:
        if self._size + len(line) > _PIECE:
            self.flush()
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> None:
        """Write what was gathered, or drop it where that would have to wait."""
        if not self._lines:
            return
        lines, self._lines, self._size = self._lines, [], 0
        # A pipe that can be written to takes at least PIPE_BUF bytes, which are 4,096, at once.
        if not self._poll.poll(0):
            self._lost += len(lines)
            return
        if self._lost:
            told = json.dumps({"event": "log_lines_lost", "lines": self._lost}) + "\n"
            self._lost = 0
            self._write(told)
            if not self._poll.poll(0):
                self._lost = len(lines)
                return
        self._write("".join(lines))

    def _write(self, text: str) -> None:
        content = text.encode()
        with contextlib.suppress(OSError):  # whoever read it is gone: answering goes on
            while content:
                content = content[os.write(self._file, content) :]
