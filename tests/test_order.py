"""The fast tier runs in any order, what walks through a life in its own, and last."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WALKS = ["stack", "slow", "drill", "aks"]
FILE = """
import pytest

@pytest.mark.parametrize("place", range(9))
@pytest.mark.{mark}
def test_walk(place): ...

@pytest.mark.parametrize("place", range(9))
def test_fast(place): ...
"""


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """Which tests pytest would run, in their order, with two seeds."""
    folder = tmp_path_factory.mktemp("tests")
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    for mark in WALKS:
        text = FILE.format(mark=mark)
        (folder / f"test_{mark}.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  " + "\n  ".join(WALKS))
    seen = {}
    for seed in (1, 2):
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
        ran = subprocess.run(
            [*command, f"--randomly-seed={seed}"], cwd=folder, capture_output=True, check=True
        )
        seen[seed] = [line for line in ran.stdout.decode().splitlines() if "::" in line]
    return seen


def test_the_fast_tier_is_first_and_in_another_order_with_another_seed(collected):
    fast = {seed: tests[: 9 * len(WALKS)] for seed, tests in collected.items()}
    assert all("::test_fast[" in test for tests in fast.values() for test in tests)
    assert fast[1] != fast[2]
    assert sorted(fast[1]) == sorted(fast[2])


def test_what_walks_through_a_life_keeps_its_order_whatever_the_seed(collected):
    walks = [f"test_{mark}.py::test_walk[{place}]" for mark in sorted(WALKS) for place in range(9)]
    assert [tests[9 * len(WALKS) :] for tests in collected.values()] == [walks, walks]
