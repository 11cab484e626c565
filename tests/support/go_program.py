"""A program that Go builds once a version, for tests of what other people's tools do."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def built(module: str, version: str) -> Path:
    """The program of a Go module, in the cache of this project; without Go the test is skipped."""
    go = shutil.which("go")
    name = module.rpartition("/")[2]
    if go is None:
        pytest.skip(f"Go is not installed, so {name} cannot be built")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "sklearn-mnist-svc" / f"{name}-{version}"
    program = folder / name
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    # Into place at once, so that an interrupted build is never taken for a program.
    with tempfile.TemporaryDirectory(dir=folder) as building:
        done = subprocess.run(
            [go, "install", f"{module}@v{version}"],
            env={**os.environ, "GOBIN": building, "GOFLAGS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"{name} cannot be built here: {done.stderr.strip()[-300:]}")
        (Path(building) / name).rename(program)
    return program
