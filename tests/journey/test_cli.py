"""The commands, as a user types them; nothing here starts a stand-in."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local_azure.home import Home

ROOT = Path(__file__).resolve().parents[2]


def journey(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "journey", *arguments],
        cwd=ROOT,
        env={**os.environ, "LOCAL_AZURE_DIR": str(home), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_source_and_model_together_are_wrong_usage(tmp_path: Path):
    done = journey(tmp_path / "state", "up", "--source", "a", "--model", "b")
    assert done.returncode == 2
    assert "give one of them" in done.stderr
    assert not (tmp_path / "state").exists()


def test_there_is_nothing_to_remove_where_there_is_nothing(tmp_path: Path):
    done = journey(tmp_path / "state", "down")
    assert (done.returncode, done.stdout) == (0, "There is nothing to remove.\n")


def test_down_leaves_a_folder_that_is_not_ours_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").touch()
    done = journey(tmp_path, "down")
    assert done.returncode == 1
    assert "was not made by the stand-in" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "thesis.tex").exists()


def test_a_second_command_on_a_folder_waits_and_says_so(tmp_path: Path):
    home = Home(tmp_path / "state")
    home.create()
    with (home.root / "journey.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [sys.executable, "-m", "journey", "down"],
            cwd=ROOT,
            # Nothing to run: the second one only has to get its turn.
            env={**os.environ, "LOCAL_AZURE_DIR": str(home.root), "XDG_CACHE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert second.stdout
        limit = threading.Timer(60, second.kill)
        limit.start()
        line = second.stdout.readline()
        assert "Waiting for another command" in line
        assert "(process 4711)" in line
        assert second.poll() is None
    with second:
        second.communicate(timeout=60)
    limit.cancel()
    assert second.returncode == 0
    assert not home.root.exists()


@pytest.mark.parametrize(
    "room", ["journey", "local_azure", "scoring", "model_eval", "infra.review", "infra.drift"]
)
def test_outside_of_the_environment_one_line_says_which_one_to_use(room: str):
    done = subprocess.run(
        [sys.executable, "-IS", "-c", f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); "
         f"runpy.run_module({room!r}, run_name='__main__', alter_sys=True)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert f".venv/bin/python -m {room}" in done.stderr


@pytest.mark.parametrize("command", [[], ["up"], ["smoke"], ["down"], ["service-down"]])
def test_help_fits_sixty_columns_without_colours(tmp_path: Path, command: list[str]):
    done = journey(tmp_path, *command, "--help", COLUMNS="60", NO_COLOR="1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 60
    # An option's name is never cut.
    assert not re.search(r"--[a-z-]*…", done.stdout)
