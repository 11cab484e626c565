"""What earlier checks found, kept in a file."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.drift import history
from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Question
from infra.drift.history import Check
from infra.drift.report import Report
from tests.infra.drift.test_page import DAY, FIRST, checked

Make = Callable[..., Report]
Find = Callable[..., Finding]


def test_a_check_is_kept_with_what_it_found_to_the_second(report: Make, finding: Find) -> None:
    found = finding(question=Question.GROUP, path="a.b", label="l")
    made = report(found, endpoint="x")
    at = FIRST.replace(microsecond=7)
    (check,) = history.extended((), made, at)
    assert check == Check(
        at=FIRST,
        stack="dev",
        code=7,
        verdict="1 difference in 1 resource, 1 critical.",
        found=frozenset(
            {(
                "resource group against state",
                "azure-native:containerregistry:Registry",
                "registry",
                "a.b",
                "l",
            )}
        ),
    )  # fmt: skip


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path, report: Make) -> None:
    with pytest.raises(DriftError, match=r"cannot read the history .*: .*Is a directory"):
        history.read(tmp_path)
    (binary := tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(DriftError, match=r"cannot read the history .*binary"):
        history.read(binary)
    with pytest.raises(DriftError, match=r"cannot write the history .*: No such file"):
        history.write(tmp_path / "no" / "such", checked(report()))


def test_a_history_that_cannot_be_written_is_as_it_was(tmp_path: Path, report: Make) -> None:
    file = tmp_path / "history"
    history.write(file, checked(report()))
    (tmp_path / ".history.draft").mkdir()
    with pytest.raises(DriftError, match="cannot write the history"):
        history.write(file, ())
    assert len(history.read(file)) == 1


def test_the_checks_of_all_stacks_are_kept_in_one_file(tmp_path: Path, report: Make) -> None:
    one = history.extended((), Report("prod"), FIRST)
    both = history.extended(one, report(), FIRST + DAY)
    assert [check.stack for check in both] == ["prod", "dev"]
    assert both[1].at - both[0].at == datetime.timedelta(1)


def test_a_history_comes_back_from_its_file(tmp_path: Path, report: Make, finding: Find) -> None:
    file = tmp_path / "history.jsonl"
    assert history.read(file) == ()
    checks = checked(report(finding()), report())
    history.write(file, checks)
    assert history.read(file) == checks
    assert list(tmp_path.iterdir()) == [file]


def test_a_history_keeps_its_last_hundred_checks(report: Make) -> None:
    checks = checked(*[report()] * 120)
    assert len(checks) == 100
    assert checks[-1].at == FIRST + 119 * DAY


def test_a_file_of_somebody_else_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine\n")
    with pytest.raises(DriftError, match="line 1, is none that --history wrote"):
        history.read(file)
    assert file.read_text() == "mine\n"


def test_a_line_with_more_than_this_command_writes_is_refused(tmp_path: Path, report: Make) -> None:
    file = tmp_path / "history.jsonl"
    (check,) = checked(report())
    line = check.model_dump_json()
    file.write_text(f'{line}\n{line[:-1]}, "more": 1}}\n')
    with pytest.raises(DriftError, match="line 2, is none that --history wrote"):
        history.read(file)
