"""Virtual environments that have the packages of a lock file: made once, in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from uv import find_uv_bin

from scoring.errors import PackagesError

CACHE = "sklearn-mnist-svc"
"""The project's folder in the user's cache, as `[tool.local-azure]` of pyproject.toml names it."""

SECONDS = 900.0
"""How long an installation may take."""


def cache() -> Path:
    """The project's folder in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / CACHE


@contextmanager
def alone_in_cache(lock: Path) -> Iterator[None]:
    """Hold a lock in a folder of the user's cache, which is made.

    Raises:
        PackagesError: The folder cannot be used, or what is done there fails by it.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise PackagesError(
            f"the cache folder {lock.parent} cannot be used: {error.strerror or error}; name"
            " another in XDG_CACHE_HOME"
        ) from error


def environment(lock: bytes, name: str) -> Path:
    """The folder of a virtual environment with a lock's packages and no others, made once.

    Args:
        lock: The packages, pinned and with hashes.
        name: What they are of; begins the folder's name.

    Raises:
        PackagesError: They cannot be installed, or kept in the cache.
    """
    key = hashlib.sha256(lock + sys.version.encode()).hexdigest()[:16]
    target = cache() / f"{name}-{key}"
    with alone_in_cache(target.with_suffix(".lock")):
        if not (target / "bin" / "python").exists():
            draft = target.with_suffix(".new")
            for left in (draft, target):
                shutil.rmtree(left, ignore_errors=True)
            # Relocatable, because it is renamed once it is whole.
            _uv(["venv", "--relocatable", "--python", sys.executable, str(draft)], name)
            (draft / "requirements.txt").write_bytes(lock)
            install(draft / "requirements.txt", draft / "bin" / "python", name, only=True)
            draft.rename(target)
    return target


def install(
    lock: Path,
    python: Path,
    name: str,
    environment: Mapping[str, str] = os.environ,
    *,
    only: bool = False,
) -> None:
    """Install a lock's packages for a Python, by their hashes.

    Args:
        lock: The lock file.
        python: The Python of the environment.
        name: What the packages are of.
        environment: Of the installer: package index, proxies, certificates.
        only: Remove what the lock does not name.

    Raises:
        PackagesError: They cannot be installed.
    """
    verb = ["sync"] if only else ["install", "--requirement"]
    _pip([*verb, str(lock), "--python", str(python)], name, environment)


def install_for(lock: Path, folder: Path, python: str, platform: str, name: str) -> None:
    """Install a lock's packages into a folder, for a Python that need not be here.

    Args:
        lock: The lock file.
        folder: Where they go; made.
        python: That Python's version, as `3.11`.
        platform: What wheels are taken, as uv names it.
        name: What the packages are of.

    Raises:
        PackagesError: They cannot be installed, or one has no wheel.
    """
    target = ["--target", str(folder), "--python-version", python, "--python-platform", platform]
    options = ["--only-binary", ":all:", "--python", sys.executable]
    _pip(["install", "--requirement", str(lock), *target, *options], name)


def _pip(arguments: list[str], name: str, environment: Mapping[str, str] = os.environ) -> None:
    command = ["pip", *arguments, "--require-hashes"]
    try:  # what is in uv's cache is taken without asking an index
        _uv([*command, "--offline"], name, environment)
    except PackagesError:
        _uv([*command, "--system-certs"], name, environment)


def _uv(arguments: list[str], name: str, environment: Mapping[str, str] = os.environ) -> None:
    try:
        done = subprocess.run(
            [find_uv_bin(), "--no-progress", *arguments],
            env={k: v for k, v in environment.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PackagesError(f"{name} cannot be installed: no end after {SECONDS:g} s") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-300:] or f"exit code {done.returncode}"
        raise PackagesError(f"{name} cannot be installed: {said}; is a package registry reachable?")
