"""`infra/requirements.txt` alone runs the program, and every tool that asks about it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import environments
from tests.support.machine import ROOT, Machine, deployed

LOCK = ROOT / "infra" / "requirements.txt"
ROOMS = [
    "infra.preflight",
    "infra.review",
    "infra.drift",
    "model_eval",
    "scoring",
    "journey",
    "local_azure",
]
KEY = "a-key-for-the-door"


def versions(lock: Path) -> set[tuple[str, str]]:
    return set(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8")))


def test_the_program_has_a_fifth_of_the_projects_packages_in_the_same_versions():
    ours = versions(LOCK)
    assert {"pulumi", "azure-identity"} < {name for name, _ in ours}
    assert len(ours) <= 45
    assert ours <= versions(ROOT / "requirements.txt")


@pytest.mark.parametrize("room", ROOMS)
def test_a_command_without_its_packages_names_what_installs_them(
    room: str,
) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", room, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lock = "infra/requirements.txt" if room.startswith("infra.") else "requirements.txt"
    assert done.returncode == 1
    assert done.stdout == ""
    remedy = f"or install it: pip install --require-hashes -r {lock}"
    assert re.fullmatch(
        rf"error: this Python has no \w+; activate .venv, which make setup makes, {remedy}\n",
        done.stderr,
    )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with deployed(tmp_path_factory.mktemp("packages"), KEY) as machine:
        yield machine


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tracked, with the packages of the program alone in its `.venv`."""
    folder = tmp_path_factory.mktemp("checkout")
    tracked = ["Pulumi.yaml", "infra", "scoring", "pages", "model_eval"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", *tracked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(environments.installed(LOCK).parent)
    return folder


def alone(machine: Machine, checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command against the stand-in as in a checkout that has the program's packages alone."""
    programs = checkout / ".venv" / "bin"
    path = f"PATH={programs}{os.pathsep}{machine.environment()['PATH']}"
    where = ["env", "-C", str(checkout), path, f"VIRTUAL_ENV={programs.parent}"]
    return machine.inside(*where, *command, good=False)


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_packages_of_the_program_are_small_and_run_every_tool(
    machine: Machine, checkout: Path, tmp_path: Path
) -> None:
    site = next((checkout / ".venv" / "lib").glob("python*/site-packages"))
    files = [each for each in site.rglob("*") if each.suffix != ".pyc" and each.is_file()]
    assert sum(each.stat().st_size for each in files) <= 300 * 2**20
    assert not (site / "numpy").exists()

    previewed = alone(machine, checkout, "pulumi", "preview", "--expect-no-changes")
    assert previewed.returncode == 0, previewed.stdout + previewed.stderr
    report = tmp_path / "report.json"
    for tool, more in (("review", "--expect-no-changes"), ("drift", f"--html={tmp_path / 'page'}")):
        command = ["python", "-m", f"infra.{tool}", "--stack", "local", f"--json={report}", more]
        done = alone(machine, checkout, *command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(report.read_text())
        report.unlink()

    asked = alone(machine, checkout, "python", "-m", "infra.preflight", "--stack", "local")
    assert asked.returncode == 1, asked.stdout + asked.stderr
    assert "is there, for linux/amd64" in asked.stdout

    missing = alone(machine, checkout, "python", "-m", "model_eval", "validate")
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].endswith("--require-hashes -r requirements.txt")
    assert "Traceback" not in missing.stderr
