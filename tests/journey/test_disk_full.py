"""A state folder on a disk that is too small, at seven sizes, and then is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
SIZES = (64, 200, 400, 700, 1100, 1600, 2200)
"""Kilobytes: from no room to start the stand-in to no room to run the container."""


def mount(*arguments: str) -> bool:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of the test's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)):
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    journey(folder, "down")
    subprocess.run(["umount", str(folder)], check=True)


def journey(disk: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "journey", command],
        cwd=ROOT,
        env={**os.environ, "LOCAL_AZURE_DIR": str(disk / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.mark.parametrize("growing", [True, False], ids=["one-state", "afresh"])
def test_a_full_disk_is_told_and_with_room_the_next_up_finishes(disk: Path, growing: bool):
    for size in SIZES:
        assert mount("-o", f"remount,size={size}k", str(disk))
        began = time.monotonic()
        failed = journey(disk, "up")
        assert time.monotonic() - began < 120
        said = failed.stdout + failed.stderr
        assert failed.returncode == 1, f"{size} kB: {said}"
        assert "Traceback" not in said
        last = failed.stderr.strip().splitlines()[-1].lower()
        assert "is full" in last or "no space left" in last, f"{size} kB: {said}"
        if not growing:
            assert mount("-o", "remount,size=100m", str(disk))
            done = journey(disk, "up")
            assert done.returncode == 0, f"after {size} kB: {done.stdout + done.stderr}"
            assert journey(disk, "down").returncode == 0
    assert mount("-o", "remount,size=100m", str(disk))
    done = journey(disk, "up")
    assert done.returncode == 0, done.stdout + done.stderr
