"""The bench of the tools says what it found, and its large stacks are real for the tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from journey import bench_tools, synthetic
from journey.bench_tools import DRIFT, PREVIEW, REVIEW, UP, Found, Run, ToolFailedError

ROOT = Path(__file__).resolve().parents[2]
LINEAR = {300: Run(2, 2, 60 << 20), 3000: Run(11, 11, 150 << 20), 12000: Run(41, 41, 450 << 20)}
QUADRATIC = {**LINEAR, 12000: Run(146, 146, 450 << 20)}
HUNGRY = {**LINEAR, 12000: Run(41, 41, 1500 << 20)}


def found(review: float = 3.3, up: float = 7, large: dict[int, Run] = LINEAR) -> Found:
    rounds = {PREVIEW: [3.0, 4.0, 2.9], REVIEW: [review] * 3, DRIFT: [4.4] * 3, UP: [up] * 3}
    return Found(rounds, 30.0, {REVIEW: large, DRIFT: LINEAR})


def test_what_reaches_its_targets_misses_nothing():
    assert bench_tools.missed(found()) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (found(review=3.9), "review takes 1.30 times a preview, not 1.2"),
        (found(up=9), "warm make up takes 9.0 s, not 8"),
        (
            found(large=QUADRATIC),
            "review: a resource beyond 3,000 adds 4.5 times the time",
        ),
        (
            found(large=HUNGRY),
            "review: a resource beyond 3,000 adds 4.5 times the memory",
        ),
    ],
)
def test_a_missed_target_is_named(changed, named):
    assert bench_tools.missed(changed) == [named]


def test_the_tables_have_ratios_targets_and_growth():
    text = bench_tools.markdown(found())
    assert "| review | 3.30 (3.30 to 3.30) | 1.10 | 1.2 |" in text
    assert "| first make up, caches warm | 30.0 |" in text
    assert "| drift check | 3,000 | 11.00 | 157 MB |" in text
    assert "a resource beyond 3,000 adds 1.0 times the time and 1.0 times the memory" in text


def test_a_command_that_fails_is_named_with_its_last_line():
    command = [sys.executable, "-c", "print('a'); print('why'); raise SystemExit(3)"]
    with pytest.raises(ToolFailedError, match="ended with 3: why"):
        bench_tools.timed(command, os.environ)
    assert bench_tools.timed(command, os.environ, (3,)).memory > 1 << 20


def test_a_commands_memory_is_its_own_and_not_that_of_who_measures_it():
    mine = b"x" * (200 << 20)
    assert bench_tools.timed([sys.executable, "-c", ""], os.environ).memory < len(mine) / 2
    hungry = [sys.executable, "-c", "bytes(b'x' * (300 << 20))"]
    assert bench_tools.timed(hungry, os.environ).memory > len(mine)


def test_a_large_stack_is_reviewed_and_checked_as_any_other(tmp_path):
    path = f"{synthetic.write(tmp_path / 'stack', 30)}{os.pathsep}{os.environ['PATH']}"
    files = tmp_path / "review.json", tmp_path / "drift.json"
    ends = []
    for tool, file in zip(("review", "drift"), files, strict=True):
        command = [sys.executable, "-m", f"infra.{tool}", "--stack", synthetic.STACK]
        done = subprocess.run(
            [*command, "--cwd", str(tmp_path / "stack"), "--json", str(file)],
            cwd=ROOT,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert file.exists(), done.stderr
        assert "a secret of" not in done.stdout + done.stderr + file.read_text()
        ends.append(done.returncode)
    assert ends[1] == 7
    changes = [each["op"] for each in json.loads(files[0].read_text())["changes"]]
    assert changes == ["update"] * 3
    assert len(json.loads(files[1].read_text())["findings"]) == 6  # of the cloud, of the program
