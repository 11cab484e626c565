"""The virtual environment of an image: its own pinned packages, shared by what they are."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from local_azure import uv
from local_azure.containers.image import Image, ImageError

REQUIREMENTS = "requirements.txt"
"""The image's file of pinned and hashed packages, in its working directory."""

_DONE = ".complete"


async def prepare(image: Image, folder: Path, environment: Mapping[str, str]) -> Path:
    """Build the image's virtual environment, or find it.

    Args:
        image: The image; without the file it gets an environment without packages.
        folder: Environments by the hash of their requirements and interpreter.
        environment: The user's own, for the package index and proxies.

    Returns:
        The environment's `bin` folder.

    Raises:
        ImageError: Its packages cannot be installed.
    """
    requirements = _requirements(image)
    content = requirements.read_bytes() if requirements else b""
    key = hashlib.sha256(content + sys.version.encode()).hexdigest()[:24]
    return await asyncio.to_thread(_locked, folder / key, requirements, dict(environment))


def _requirements(image: Image) -> Path | None:
    path = (image.working_directory / REQUIREMENTS).resolve()
    if not path.is_relative_to(image.root.resolve()):
        raise ImageError(f"its {REQUIREMENTS} leads out of the image")
    return path if path.is_file() else None


def _locked(target: Path, requirements: Path | None, environment: dict[str, str]) -> Path:
    """One builder at a time; the mark is made last, so that a cut-off build is done again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ((target / _DONE).exists() and (target / "bin" / "python").exists()):
            if target.exists():
                shutil.rmtree(target)
            _build(target, requirements, environment)
            (target / _DONE).touch()
    return target / "bin"


def _build(target: Path, requirements: Path | None, environment: dict[str, str]) -> None:
    commands = [["venv", "--python", sys.executable, str(target)]]
    if requirements is not None:
        options = ["--system-certs", "--require-hashes", "--compile-bytecode"]
        python = str(target / "bin" / "python")
        commands.append(["pip", "sync", *options, "--python", python, str(requirements)])
    for command in commands:
        if (failed := uv.failure(command, environment)) is not None:
            raise ImageError(f"its packages cannot be installed: {failed}")
