"""What a running workflow offers; outside of one nothing of it happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.github import workflow


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    summary = tmp_path / "summary.md"
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SHA": "a" * 40,
        "GITHUB_STEP_SUMMARY": str(summary),
    }.items():
        monkeypatch.setenv(name, value)
    return summary


def test_the_run_and_its_files_have_addresses(running: Path) -> None:
    assert workflow.run_url() == "https://github.com/o/r/actions/runs/42"
    assert workflow.blob_url("a/b.json") == f"https://github.com/o/r/blob/{'a' * 40}/a/b.json"


@pytest.mark.parametrize("name", ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY"])
@pytest.mark.parametrize(
    "value", ["", "x) [y](http://evil.example", "javascript://o/r", "\u00f6/r"]
)
def test_an_address_that_is_none_is_left_out(
    running: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert workflow.run_url() == workflow.blob_url("a") == ""
    monkeypatch.delenv(name)
    assert workflow.run_url() == workflow.blob_url("a") == ""


@pytest.mark.parametrize("value", ["", "4 2", "x", "\u0664\u0662"])
def test_what_is_no_run_and_no_commit_has_no_address(
    running: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", value)
    monkeypatch.setenv("GITHUB_SHA", value)
    assert workflow.run_url() == workflow.blob_url("a") == ""
    monkeypatch.delenv("GITHUB_RUN_ID")
    monkeypatch.delenv("GITHUB_SHA")
    assert workflow.run_url() == workflow.blob_url("a") == ""


def test_the_summary_gets_every_report_and_no_more_than_github_takes(running: Path) -> None:
    assert workflow.summarize("one\n")
    assert workflow.summarize("line é\n" * 300_000)
    content = running.read_text()
    assert content.startswith("one\n\nline é\n")
    assert content.endswith("\nline é\n\nThe rest does not fit.\n")
    assert 990_000 < len(content.encode()) < 2**20


def test_a_summary_that_just_fits_is_whole(running: Path) -> None:
    text = "line\n" + "x" * (workflow.MOST_SUMMARY - len("line\n") - len("\n\n"))
    assert workflow.summarize(text)
    assert running.read_text() == f"{text}\n\n"
    running.unlink()
    assert workflow.summarize(f"{text}xx")
    assert running.read_text() == "line\n\nThe rest does not fit.\n"


def test_a_summary_that_cannot_be_written_stops_nothing(
    running: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert not workflow.summarize("one")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert not workflow.summarize("one")


def test_an_annotation_cannot_become_two_commands(
    running: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow.annotate("error", "a:b,c", "100 %\n::stop-commands::x\r")
    assert capsys.readouterr().out == ("::error title=a%3Ab%2Cc::100 %25%0A::stop-commands::x%0D\n")
    monkeypatch.delenv("GITHUB_ACTIONS")
    workflow.annotate("error", "a", "b")
    assert capsys.readouterr().out == ""
