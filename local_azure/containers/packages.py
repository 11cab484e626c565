"""The virtual environment of an image: its own pinned packages, shared by what they are."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local_azure.containers.image import Image, ImageError

REQUIREMENTS_LABEL = "local-azure.requirements"
"""Names the image's file of pinned and hashed requirements, relative to its working directory."""

_DONE = ".complete"


async def prepare(image: Image, folder: Path, environment: Mapping[str, str]) -> Path | None:
    """Build the image's virtual environment, or find it.

    Args:
        image: The image; without the label it needs none.
        folder: Environments by the hash of their requirements and interpreter.
        environment: The user's own, for the package index and proxies.

    Returns:
        The environment's `bin` folder, or None.

    Raises:
        ImageError: The file is missing, or its packages cannot be installed.
    """
    name = image.labels.get(REQUIREMENTS_LABEL)
    if name is None:
        return None
    requirements = image.working_directory / name
    if not requirements.resolve().is_relative_to(image.root.resolve()):
        raise ImageError(f"the label {REQUIREMENTS_LABEL} leads out of the image: {name}")
    try:
        content = requirements.read_bytes()
    except OSError as error:
        raise ImageError(f"the image has no {name}, which its label names") from error
    key = hashlib.sha256(content + sys.version.encode()).hexdigest()[:24]
    target = folder / key
    return await asyncio.to_thread(_locked, target, requirements, dict(environment))


def _locked(target: Path, requirements: Path, environment: dict[str, str]) -> Path:
    """One builder at a time; the mark is made last, so that a cut-off build is done again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / _DONE).exists():
            if target.exists():
                shutil.rmtree(target)
            _build(target, requirements, environment)
            (target / _DONE).touch()
    return target / "bin"


def _build(target: Path, requirements: Path, environment: dict[str, str]) -> None:
    uv = Path(sys.executable).parent / "uv"
    sync = ["pip", "sync", "--system-certs", "--require-hashes", "--compile-bytecode", "--python"]
    for arguments in (
        ["venv", "--quiet", "--python", sys.executable, str(target)],
        [*sync, str(target / "bin" / "python"), str(requirements)],
    ):
        done = subprocess.run(
            [str(uv), *arguments],
            env={k: v for k, v in environment.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ImageError(f"the image's packages cannot be installed: {done.stderr.strip()}")


def cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Where environments are kept for every state folder: an ordinary user cache."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "local-azure" / "environments"
