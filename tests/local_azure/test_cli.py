"""The commands, as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local_azure import process
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.home import Home

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(home: Home) -> Command:
    """Runs `python -m local_azure ...` on the test's own state folder."""

    def run(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local_azure", *arguments],
            env={**os.environ, "LOCAL_AZURE_DIR": str(home.root), **changed},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_life_of_a_stand_in(command: Command, home: Home, tmp_path: Path):
    report = tmp_path / "status.json"
    down = command("status", "--json", str(report))
    assert (down.returncode, json.loads(report.read_text())["running"]) == (1, False)

    assert command("start").stdout.startswith("The local Azure stand-in answers at https://127")
    up = command("status", "--json", str(report))
    assert up.returncode == 0
    shown = json.loads(report.read_text())
    assert shown["running"]
    assert shown["url"] in up.stdout

    assert command("stop").stdout == "Stopped.\n"
    assert command("stop").stdout == "It was not running.\n"
    assert command("reset").returncode == 0
    assert not home.root.exists()
    assert command("reset").stdout == "There is nothing to forget.\n"


def test_rest_changes_what_a_program_made_behind_its_back(command: Command, home: Home):
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/by-hand?api-version=2024-03-01"
    made = command("rest", "put", group, "--body", '{"location": "westeurope"}')
    assert (made.returncode, json.loads(made.stdout)["name"]) == (0, "by-hand"), made.stderr
    changed = command("rest", "PATCH", group, "--body", '{"tags": {"team": "blue"}}')
    assert json.loads(changed.stdout)["tags"] == {"team": "blue"}
    assert command("stop").stdout == "Stopped.\n"


def test_what_arm_refuses_is_one_line(command: Command):
    refused = command(
        "rest", "GET", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/no?api-version=2024-03-01"
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ResourceGroupNotFound: ")
    assert refused.stderr.count("\n") == 1
    assert command("stop").returncode == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("GET", "subscriptions?api-version=2022-12-01"), "is no path"),
        (("GET", "/subscriptions"), "api-version=2022-12-01"),
        (("PUT", "/subscriptions?api-version=2022-12-01", "--body", "{"), "is no JSON"),
    ],
)
def test_rest_says_what_it_takes(command: Command, words: tuple[str, ...], named: str):
    refused = command("rest", *words)
    assert refused.returncode == 2
    assert named in " ".join(refused.stderr.split())


def test_reset_stops_a_running_stand_in_first(command: Command, home: Home):
    running = process.start(home)
    assert command("reset").returncode == 0
    assert running.process() is None
    assert not home.root.exists()


def test_reset_leaves_a_folder_that_is_not_ours_alone(command: Command, tmp_path: Path):
    (tmp_path / "thesis.tex").touch()
    refused = command("reset", LOCAL_AZURE_DIR=str(tmp_path))
    assert refused.returncode == 1
    assert "was not made by the stand-in" in refused.stderr
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize("arguments", [["start"], ["status"], ["stop"], ["reset"], ["serve"]])
def test_a_state_folder_that_is_a_file_is_one_line(
    command: Command, tmp_path: Path, arguments: list[str]
):
    file = tmp_path / "file"
    file.touch()
    failed = command(*arguments, LOCAL_AZURE_DIR=str(file))
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1


def test_wrong_usage_is_told_from_failure(command: Command):
    assert command("launch").returncode == 2
    assert command("status", "--jsn", "x").returncode == 2
