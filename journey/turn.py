"""One command at a time on one state folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from local_azure.home import Home


@contextmanager
def turn(home: Home, console: Console) -> Iterator[None]:
    """Wait for the command that works on the folder now, and say so; the kernel ends a turn.

    Raises:
        LocalAzureError: The folder cannot be used.
    """
    while True:
        home.create()
        path = home.root / "journey.lock"
        with path.open("a+", encoding="utf-8", errors="replace") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read(20).strip()
                named = f" (process {holder})" if holder.isdecimal() else ""
                console.print(f"Waiting for another command on {home.root}{named} ...")
                fcntl.flock(file, fcntl.LOCK_EX)
            # `down` deletes the folder, and with it the file that the others wait for.
            if not _same(file.fileno(), path):
                continue
            with suppress(OSError):  # the name is a courtesy: a full disk has no room for it
                os.ftruncate(file.fileno(), 0)
                os.write(file.fileno(), str(os.getpid()).encode())
            yield
            return


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
