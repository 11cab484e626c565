"""The command where it cannot do its work: one line that says why, and never a 7."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.drift import check
from infra.drift.cli import app
from infra.drift.finding import Finding
from infra.drift.report import Report

ROOT = Path(__file__).resolve().parents[3]
EMPTY = {"version": 3, "deployment": {"resources": []}}


def drift(
    *arguments: str, folder: Path, answers: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command with a `pulumi` on PATH that only knows the given answers."""
    path = folder / "bin"
    path.mkdir()
    if answers is not None:
        for name, text in answers.items():
            (path / f"{name}.json").write_text(text)
        script = path / "pulumi"
        script.write_text(
            f'#!/bin/sh\ncat "{path}/$1.json" 2>/dev/null && exit 0\n'
            'echo "error: no answer to $1" >&2\nexit 255\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return subprocess.run(
        [sys.executable, "-m", "infra.drift", *arguments],
        cwd=ROOT,
        env={"PATH": f"{path}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "Missing option '--stack'"),
        (["--stack", "dev", "--expect-no-drift"], "No such option"),
        (["--stack", "dev", "--baseline"], "requires an argument"),
    ],
)
def test_a_mistyped_flag_is_wrong_usage(arguments: list[str], named: str, tmp_path: Path) -> None:
    done = drift(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert named in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "answers", "last"),
    [
        ([], None, "`pulumi` is not on PATH"),
        (["--cwd", "/no/such"], None, "there is no folder /no/such"),
        (["--baseline", "/no/such.yaml"], None, "cannot read the baseline"),
        (["--sample", "/no/such.json"], None, "cannot read the sample"),
        ([], {}, "`pulumi stack` failed: no answer to stack"),
        ([], {"stack": json.dumps(EMPTY)}, "the stack dev is empty; deploy it first"),
        (["--markdown", "/no/such/drift.md"], {"stack": json.dumps(EMPTY)}, "cannot write"),
    ],
)
def test_a_check_that_breaks_says_so_in_its_last_line(
    arguments: list[str], answers: dict[str, str] | None, last: str, tmp_path: Path
) -> None:
    done = drift("--stack", "dev", *arguments, folder=tmp_path, answers=answers)
    assert done.returncode == 1, done.stdout + done.stderr
    assert last in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stdout + done.stderr


def test_a_broken_check_writes_reports_that_say_so(tmp_path: Path) -> None:
    files = tmp_path / "drift.json", tmp_path / "drift.md"
    files[1].write_text("In sync.")
    done = drift(
        *("--stack", "dev", "--json", str(files[0]), "--markdown", str(files[1]), "--issue"),
        folder=tmp_path,
    )
    assert done.returncode == 1
    assert json.loads(files[0].read_text())["code"] == 1
    assert "The check broke" in files[1].read_text()
    assert "In sync" not in files[1].read_text()
    assert "Left the issue as it is" in done.stdout


def test_a_broken_check_prints_nothing_that_repairs(tmp_path: Path) -> None:
    done = drift("--stack", "dev", "--fix", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(("found", "code"), [(True, 7), (False, 1)])
def test_drift_stays_drift_when_github_refuses_the_issue(
    found: bool,
    code: int,
    finding: Callable[..., Finding],
    report: Callable[..., Report],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    made = report(*[finding()] * found)
    monkeypatch.setattr(check, "run", lambda *_, **__: made)
    done = CliRunner().invoke(app, ["--stack", "dev", "--issue", "--repository", "o/r"])
    assert done.exit_code == code
    last = done.stderr.splitlines()[-1]
    assert "the issue was not written: GITHUB_TOKEN is not set" in last
    assert ("1 difference in 1 resource" if found else "In sync") in last


def test_help_names_the_exit_codes(tmp_path: Path) -> None:
    done = drift("--help", folder=tmp_path)
    assert done.returncode == 0
    assert "7 drift" in " ".join(done.stdout.split())


def test_secrets_of_the_environment_are_not_in_errors(tmp_path: Path) -> None:
    environment = {**os.environ, "MY_PASSWORD": "opensesame-1", "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "infra.drift", "--stack", "d", "--cwd", "/no/opensesame-1"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "opensesame-1" not in done.stdout + done.stderr
