"""What a container wrote: the newest 4 MB, as Azure Container Instances keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LARGEST = 4 * 2**20


@dataclass(frozen=True)
class Log:
    """A log in a file.

    Attributes:
        file: Each line begins with its time.
    """

    file: Path

    def line(self, text: str) -> None:
        """Add a line; the older half goes when the file is full."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self.file.open("a", encoding="utf-8") as out:
            out.write(f"{stamp} {text}\n")
            full = out.tell() > LARGEST
        if full:
            kept = self.file.read_bytes()[-LARGEST // 2 :]
            self.file.write_bytes(kept[kept.index(b"\n") + 1 :])

    def tail(self, lines: int | None = None, *, timestamps: bool = False) -> str:
        """The last lines, all of them without a number."""
        try:
            text = self.file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        wanted = text.splitlines()[-lines:] if lines else text.splitlines()
        return "".join(f"{line if timestamps else line.partition(' ')[2]}\n" for line in wanted)

    def clear(self) -> None:
        """Forget everything."""
        self.file.unlink(missing_ok=True)
