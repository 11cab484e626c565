"""Python environments of their own for clients that the project's environment does not have."""

from __future__ import annotations

from pathlib import Path

from scoring.environments import environment


def installed(lock_file: Path) -> Path:
    """The folder of programs of an environment, made once for its lock file in the user's cache."""
    return environment(lock_file.read_bytes(), lock_file.stem) / "bin"
