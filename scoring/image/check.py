"""Start a model as the image will: its files, its packages, and nothing else of this machine.

What only the checkout has (a module of the user's, pandas) is then missing here and not first in
the container. The packages are installed once for a lock, into the user's cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from uv import find_uv_bin

from scoring.errors import ImageError

CACHE = "sklearn-mnist-svc"
"""The project's folder in the user's cache, as `[tool.local-azure]` names it."""

START = "from scoring import score; score.init()"
"""Loads the model and lets it answer a row; `docker build` runs the same."""

SECONDS = 300.0
"""How long a start may take."""


def start(files: Mapping[str, bytes], variables: Mapping[str, str]) -> None:
    """Load the model of an image and let it answer a row.

    Args:
        files: What the image has in its working directory, `requirements.txt` among it.
        variables: The image's environment variables; of the user's it gets PATH alone.

    Raises:
        ImageError: It does not start, or the packages cannot be installed.
    """
    python = _python(files["requirements.txt"])
    with tempfile.TemporaryDirectory() as name:
        for file, content in files.items():
            path = Path(name, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            done = subprocess.run(
                # Without the user's own packages; the working directory is the image's.
                [python, "-s", "-c", START],
                cwd=name,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    **variables,
                    "PYTHONDONTWRITEBYTECODE": "",  # the next check shall be quick
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ImageError(
                f"the model does not start in the image: no answer within {SECONDS:g} s"
            ) from None
    if done.returncode != 0:
        raise ImageError(f"the model does not start in the image: {_reason(done)}")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of a traceback, which is our own where we refused."""
    if done.returncode < 0:
        return f"it was ended by signal {-done.returncode}"
    lines = done.stderr.split("\n")
    said = next((line for line in reversed(lines) if line.strip()), "it says nothing")
    reason = said.strip().removeprefix("scoring.errors.ModelError: ")
    if "No module named" not in reason:
        return reason
    return (
        f"{reason}; the image has the packages of scoring/requirements.txt alone: pickle a model"
        " of their classes, or add the package to scoring/requirements.in and run make lock"
    )


def _python(requirements: bytes) -> Path:
    """The Python of an environment that has these packages and no others.

    Raises:
        ImageError: They cannot be installed.
    """
    key = hashlib.sha256(requirements + sys.version.encode()).hexdigest()[:24]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target = cache / CACHE / "checks" / key
    python = target / "bin" / "python"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not python.exists():
                draft = target.with_suffix(".new")
                for left in (draft, target):
                    shutil.rmtree(left, ignore_errors=True)
                _install(draft, requirements)
                draft.rename(target)
    except OSError as error:
        raise ImageError(
            f"the cache folder {target.parent} cannot be used: {error.strerror}; name another in"
            " XDG_CACHE_HOME"
        ) from error
    return python


def _install(folder: Path, requirements: bytes) -> None:
    """Make an environment; what is in uv's cache is taken without asking an index."""
    _uv("venv", "--python", sys.executable, str(folder))
    lock = folder / "requirements.txt"
    lock.write_bytes(requirements)
    sync = ("pip", "sync", "--require-hashes", "--python", str(folder / "bin" / "python"))
    try:
        _uv(*sync, "--offline", str(lock))
    except ImageError:
        _uv(*sync, "--system-certs", str(lock))


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [find_uv_bin(), "--no-progress", *arguments],
        env={k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())[-300:] or "uv says nothing"
        raise ImageError(f"the image's packages cannot be installed to check the model: {reason}")
