"""What the command hands on, prints and writes, around a check that is given."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.drift import check, history, rendering
from infra.drift.baseline import Stale
from infra.drift.cli import app
from infra.drift.finding import Finding
from infra.drift.repair import Repair
from infra.drift.report import Report

Find = Callable[..., Finding]


@dataclass
class Check:
    """Answers with a report, and keeps what it was asked."""

    report: Report = field(default_factory=lambda: Report("dev"))
    asked: list[Any] = field(default_factory=list)

    def run(self, *asked: Any, say: Callable[[str], None]) -> Report:
        say("the state")
        self.asked += asked
        return self.report


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Check:
    made = Check()
    monkeypatch.setattr(check, "run", made.run)
    return made


def drift(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["--stack", "dev", *arguments])


def test_without_a_file_the_report_is_printed(checked: Check) -> None:
    done = drift()
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == rendering.markdown(checked.report) + "\n"


def test_the_check_is_told_what_the_options_say(checked: Check, tmp_path: Path) -> None:
    sample, baseline = tmp_path / "sample.json", tmp_path / "baseline.yaml"
    sample.write_text('{"rows": [[1]], "answers": [2]}')
    soon = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(1)
    baseline.write_text(f"- {{resource: r, accepts: x, reason: y, expires: {soon}}}")
    options = ("--cwd", str(tmp_path), "--sample", str(sample), "--baseline", str(baseline))
    assert drift(*options).exit_code == 0
    name, folder, asked, entries = checked.asked
    assert (name, folder) == ("dev", tmp_path)
    assert (asked.rows, asked.answers) == ([[1.0]], [2])
    assert [(one.resource, one.expires) for one in entries] == [("r", soon)]


def test_by_default_it_is_this_folder_the_own_sample_and_no_baseline(checked: Check) -> None:
    drift()
    name, folder, asked, entries = checked.asked
    assert (name, folder, asked.model, entries) == ("dev", Path(), "sklearn_mnist", ())


@pytest.mark.parametrize(
    ("option", "name"), [("--markdown", "d.md"), ("--json", "d.json"), ("--html", "d.html")]
)
def test_with_a_file_the_headline_alone_is_printed(
    checked: Check, tmp_path: Path, option: str, name: str
) -> None:
    file = tmp_path / name
    done = drift(option, str(file))
    assert done.exit_code == 0
    assert done.stdout == f"{checked.report.headline}\n"
    text = file.read_text()
    if name == "d.md":
        assert text == rendering.markdown(checked.report)
    elif name == "d.json":
        assert text == checked.report.json()
    else:
        assert "<!doctype html>" in text.lower()
        assert "Drift check of the stack dev" in text


def test_each_check_is_added_to_the_history(checked: Check, tmp_path: Path, finding: Find) -> None:
    file = tmp_path / "history.jsonl"
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    assert drift("--history", str(file)).exit_code == 0
    checked.report = Report("dev", (finding(),))
    page = tmp_path / "d.html"
    assert drift("--history", str(file), "--html", str(page)).exit_code == 7
    first, second = history.read(file)
    assert (first.code, second.code) == (0, 7)
    assert before <= first.at <= second.at
    assert "in 1 of the last 2 checks" in page.read_text()


def test_drift_is_said_last_and_is_seven(checked: Check, finding: Find) -> None:
    checked.report = Report("dev", (finding(),))
    done = drift()
    assert done.exit_code == 7
    assert done.stderr == "drift: 1 difference in 1 resource, 1 critical.\n"
    checked.report = Report("dev", stale=(Stale("r", "p", "matches nothing"),))
    done = drift()
    assert (done.exit_code, done.stderr) == (7, "drift: 1 stale baseline entry.\n")


def test_a_check_that_broke_is_said_last_and_is_one(checked: Check, finding: Find) -> None:
    checked.report = Report("dev", (finding(),), broken="Azure refused the login")
    done = drift()
    assert done.exit_code == 1
    assert done.stderr == "error: the check broke: Azure refused the login\n"
    assert "The check broke" in done.stdout


def test_a_fix_is_the_commands_and_nothing_else(checked: Check, finding: Find) -> None:
    repairs = (Repair("x", "pulumi up"), Repair("by hand"))
    checked.report = Report("dev", (finding(),), repair=repairs)
    done = drift("--fix")
    assert (done.exit_code, done.stdout) == (7, "pulumi up\n# by hand\n")
    checked.report = Report("dev")
    assert drift("--fix").stdout == "# nothing to repair\n"
    checked.report = Report("dev", broken="x")
    assert drift("--fix").stdout == ""


def test_what_becomes_of_the_issue_is_printed_beside_a_fix_as_well(
    checked: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Report, str]] = []

    def post(report: Report, repository: str) -> str:
        told.append((report, repository))
        return "Opened an issue: https://x"

    monkeypatch.setattr("infra.drift.issue.post", post)
    done = drift("--issue", "--repository", "o/r")
    assert done.stdout.endswith("Opened an issue: https://x\n")
    assert told == [(checked.report, "o/r")]
    done = drift("--issue", "--fix")
    assert (done.stdout, done.stderr) == ("# nothing to repair\n", "Opened an issue: https://x\n")


@pytest.mark.parametrize("option", ["--markdown", "--json", "--html", "--history"])
def test_a_file_that_cannot_be_written_is_one_line_without_secrets(
    checked: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "opensesame-1")
    done = drift(option, str(tmp_path / "opensesame-1" / "file"))
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: cannot write ")
    assert line.endswith("[hidden]/file: No such file or directory")


def test_the_report_is_written_before_the_page(checked: Check, tmp_path: Path) -> None:
    good = tmp_path / "d.json"
    done = drift("--json", str(good), "--html", str(tmp_path / "no" / "d.html"))
    assert done.exit_code == 1
    assert json.loads(good.read_text())["code"] == 0
