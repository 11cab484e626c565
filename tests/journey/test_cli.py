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


def test_the_cache_is_cleaned_of_what_is_ours(tmp_path: Path):
    for name in ("sklearn-mnist-svc", "somebody-elses"):
        (tmp_path / name).mkdir()
    command = ["make", "--no-print-directory", "clean-cache"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True)
    assert (done.returncode, str(tmp_path) in done.stdout) == (0, True)
    assert [each.name for each in tmp_path.iterdir()] == ["somebody-elses"]


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


@pytest.mark.parametrize("command", [[], ["up"], ["smoke"], ["down"], ["service-down"]])
def test_help_fits_sixty_columns_without_colours(tmp_path: Path, command: list[str]):
    done = journey(tmp_path, *command, "--help", COLUMNS="60", NO_COLOR="1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 60
    # An option's name is never cut.
    assert not re.search(r"--[a-z-]*…", done.stdout)
