"""Python environments of their own for clients that the project's environment does not have."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from local_azure import cache


def installed(lock_file: Path) -> Path:
    """The folder of programs of an environment, made once for its lock file in the user's cache."""
    digest = hashlib.sha256(lock_file.read_bytes()).hexdigest()[:12]
    folder = cache.folder() / f"{lock_file.stem}-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".complete"
        if not done.exists():
            uv = Path(sys.executable).parent / "uv"
            python = folder / "bin" / "python"
            for command in (
                ["venv", "--clear", "--python", sys.executable, folder],
                ["pip", "sync", "--require-hashes", "--python", python, lock_file],
            ):
                subprocess.run([uv, "--quiet", *command], check=True)
            done.touch()
    return folder / "bin"
