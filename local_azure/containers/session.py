"""All processes of one container: found by their session, ended together."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Session:
    """A container's processes: its first one leads a session, the others are born into it.

    Attributes:
        pid: The leader, and so the session's id.
        created: When the leader began (seconds since 1970).
    """

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Session:
        """The session of a leader that was just started."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return cls(pid, time.time())

    @classmethod
    def read(cls, path: Path) -> Session | None:
        """What `write` wrote; None when that makes no sense."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Remember it, for a stand-in that finds itself killed."""
        path.write_text(json.dumps(asdict(self)))

    def members(self) -> list[psutil.Process]:
        """The processes that still run.

        A session keeps its number from being given to a new process, so processes in it are ours
        unless its leader is a younger one.
        """
        with contextlib.suppress(psutil.Error):
            if abs(psutil.Process(self.pid).create_time() - self.created) > 2:
                return []
        found = []
        for pid in psutil.pids():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getsid(pid) == self.pid:
                    process = psutil.Process(pid)
                    if process.status() != psutil.STATUS_ZOMBIE:
                        found.append(process)
        return found

    def kill(self) -> None:
        """SIGKILL to all, until none is left."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while (members := self.members()) and time.monotonic() < end:
            for process in members:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
            time.sleep(0.01)  # psutil's wait would take the exit code from whoever waits for it

    def memory(self, enough: int) -> int:
        """Resident bytes of all members; exact, with shared pages counted once, above `enough`."""
        members = self.members()
        total = 0
        for process in members:
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        if total <= enough:
            return total
        total = 0
        for process in members:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total
