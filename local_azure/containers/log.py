"""What a container wrote: the newest 4 MB, as Azure Container Instances keeps it."""

from __future__ import annotations

from pathlib import Path

from local_azure import clock

LARGEST = 4 * 1024 * 1024
"""Bytes on disk, times included."""

_LONGEST_LINE = 16 * 1024


class Log:
    """Two files: the one that grows, and the full one before it.

    Attributes:
        file: The one that grows; each line begins with its time.
    """

    def __init__(self, file: Path, largest: int = LARGEST) -> None:
        self.file = file
        self._before = file.with_name(file.name + ".1")
        self._half = largest // 2
        self._rest = b""

    def write(self, piece: bytes) -> None:
        """Add what was written; the end of a piece may be the middle of a line."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        while len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest[:_LONGEST_LINE])
            self._rest = self._rest[_LONGEST_LINE:]
        self._add(lines)

    def flush(self) -> None:
        """End an unfinished line: its writer is gone."""
        rest, self._rest = self._rest, b""
        if rest:
            self._add([rest])

    def tail(self, lines: int | None = None, *, timestamps: bool = False) -> str:
        """The last lines, all of them without a number."""
        content = b"".join(path.read_bytes() for path in (self._before, self.file) if path.exists())
        found = content.split(b"\n")[:-1]
        wanted = found if lines is None else found[-lines:] if lines else []
        shown = wanted if timestamps else [line.partition(b" ")[2] for line in wanted]
        return b"".join(line + b"\n" for line in shown).decode(errors="replace")

    def clear(self) -> None:
        """Forget everything."""
        self._rest = b""
        self.file.unlink(missing_ok=True)
        self._before.unlink(missing_ok=True)

    def _add(self, lines: list[bytes]) -> None:
        if not lines:
            return
        stamp = clock.now().encode()
        size = self.file.stat().st_size if self.file.exists() else 0
        pending = bytearray()
        for line in lines:
            pending += b"%s %s\n" % (stamp, line.rstrip(b"\r"))
            if size + len(pending) >= self._half:
                self._append(pending)
                self.file.replace(self._before)
                pending.clear()
                size = 0
        self._append(pending)

    def _append(self, content: bytearray) -> None:
        with self.file.open("ab") as file:
            file.write(content)
