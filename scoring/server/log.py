"""One JSON line on stdout for each request and event: never a payload, a header or a key.

Lines are gathered and written a few times a second, or when a few dozen have come together, because
a write for each would cost as much as the answer. A failed request's line is written at once.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

# A pipe takes so much in one piece: lines of several workers are never mixed.
_PIECE = 4096


class Log:
    """The lines of one process."""

    def __init__(self, file: int = 1) -> None:
        self._file = file
        self._lines: list[str] = []
        self._size = 0

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
        """Write what was gathered."""
        if self._lines:
            content = "".join(self._lines).encode()
            self._lines.clear()
            self._size = 0
            with contextlib.suppress(OSError):  # whoever read it is gone: answering goes on
                while content:
                    content = content[os.write(self._file, content) :]
