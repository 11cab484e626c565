"""The real Pulumi CLI in `exec`: no flags, nothing in the checkout, recovered when killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_azure.home import CHECKOUT, Home
from tests.support.engine import killed

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

Exec = Callable[..., subprocess.CompletedProcess[str]]

GOOD = """
import pulumi
pulumi.export("answer", 42)
"""
HANGS = """
import pathlib, time
pathlib.Path("hangs").touch()
time.sleep(300)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Pulumi project of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    (folder / "__main__.py").write_text(GOOD)
    return folder


@pytest.fixture
def environment(home: Home) -> dict[str, str]:
    return {**os.environ, "LOCAL_AZURE_DIR": str(home.root), "PYTHONPATH": str(CHECKOUT)}


@pytest.fixture
def run(project: Path, environment: dict[str, str]) -> Exec:
    """Runs `python -m local_azure ...` in the project."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local_azure", *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_pulumi_needs_no_flags_and_leaves_the_checkout_alone(run: Exec, project: Path, home: Home):
    assert run("exec", "--", "pulumi", "config", "set", "colour", "red").returncode == 0
    assert run("exec", "--", "pulumi", "config", "set", "--secret", "key", "s3cret").returncode == 0
    up = run("exec", "--", "pulumi", "up", "--yes", "--non-interactive")
    assert up.returncode == 0, up.stderr + up.stdout
    assert run("exec", "--", "pulumi", "stack", "output", "answer").stdout == "42\n"
    assert sorted(each.name for each in project.iterdir() if each.name != "__pycache__") == [
        "Pulumi.yaml",
        "__main__.py",
    ]
    kept = (home.projects / "small" / "Pulumi.local.yaml").read_text()
    assert "red" in kept
    assert "s3cret" not in kept


def test_a_lost_configuration_is_made_anew(run: Exec, home: Home):
    assert run("exec", "--", "pulumi", "config", "set", "colour", "red").returncode == 0
    (home.projects / "small" / "Pulumi.local.yaml").unlink()
    assert run("exec", "--", "pulumi", "config", "set", "--secret", "key", "v").returncode == 0
    assert run("exec", "--", "pulumi", "config", "get", "key").stdout == "v\n"


def test_the_commands_own_exit_code_comes_back(run: Exec):
    assert run("exec", "--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7


def test_a_missing_command_is_one_line(run: Exec):
    failed = run("exec", "--", "no-such-command")
    assert (failed.returncode, failed.stderr) == (
        1,
        "error: the command 'no-such-command' is not on PATH\n",
    )


def test_what_a_killed_pulumi_left_is_recovered(
    run: Exec, project: Path, environment: dict[str, str], home: Home
):
    (project / "__main__.py").write_text(HANGS)
    with subprocess.Popen(
        [sys.executable, "-m", "local_azure", "exec", "--", "pulumi", "up", "--yes"],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        deadline = time.monotonic() + 300
        while not (project / "hangs").exists():
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        in_use = run("recover")
        assert in_use.returncode == 1
        assert f"is in use by pulumi (process {running.pid})" in in_use.stderr
        with killed(running.pid):
            running.wait(10)

    (project / "__main__.py").write_text(GOOD)
    locked = run("exec", "--", "pulumi", "up", "--yes", "--non-interactive")
    assert locked.returncode != 0
    assert "lock" in locked.stderr + locked.stdout
    assert run("recover").stdout == "removed the lock of a pulumi that no longer runs\n"
    assert run("exec", "--", "pulumi", "up", "--yes", "--non-interactive").returncode == 0
    assert run("recover").stdout == "There is nothing to recover.\n"


def test_pending_operations_are_dropped(run: Exec, home: Home):
    assert run("exec", "--", "pulumi", "up", "--yes", "--non-interactive").returncode == 0
    file = home.backend / ".pulumi" / "stacks" / "small" / "local.json"
    state = json.loads(file.read_text())
    urn = "urn:pulumi:local::small::pkg:index:Type::name"
    resource = {"urn": urn, "type": "pkg:index:Type", "custom": False}
    latest = state["checkpoint"]["latest"]
    latest["pending_operations"] = [{"resource": resource, "type": "creating"}]
    file.write_text(json.dumps(state))

    assert run("recover").stdout == f"dropped the interrupted creating of {urn}\n"
    again = json.loads(run("exec", "--", "pulumi", "stack", "export").stdout)
    assert not again["deployment"].get("pending_operations")
    assert [each["urn"] for each in again["deployment"]["resources"]] == [
        each["urn"] for each in latest["resources"]
    ]


def test_recovering_nothing_is_no_error(run: Exec):
    assert run("recover").stdout == "There is nothing to recover.\n"
