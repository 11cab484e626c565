"""The virtual environments of the servers measured beside ours: exactly their locked packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sklearn-mnist-svc"
MICROSOFT, MLSERVER = "azureml-inference-server", "mlserver"


class EnvironmentFailedError(Exception):
    """The packages cannot be installed; the message says why in one line."""


def environment(server: str = MICROSOFT) -> Path:
    """Build a server's once a lock and Python, in the user's cache, and return its folder.

    Raises:
        EnvironmentFailedError: uv could not make it.
    """
    lock = Path(__file__).with_name(f"{server}.txt")
    identity = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CACHE / f"{server}-{identity}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=CACHE, prefix=".draft-"))
    try:
        # Relocatable, because it is renamed once it is whole: an interrupted build is never used.
        _uv(server, "venv", "--relocatable", "--python", sys.executable, str(draft / "env"))
        _uv(
            server,
            *("pip", "sync", "--system-certs", "--require-hashes"),
            *("--python", str(draft / "env" / "bin" / "python"), str(lock)),
        )
        try:
            (draft / "env").rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was faster
                raise
    finally:
        shutil.rmtree(draft)
    return folder


def _uv(server: str, *arguments: str) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    done = subprocess.run([uv, "--quiet", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise EnvironmentFailedError(f"{server} cannot be installed: {reason}")
