"""What the command hands on, shows and writes, around a check that is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.preflight import check
from infra.preflight.cli import app
from infra.preflight.line import Line, good, refused

SOMEBODY = "11111111-0000-0000-0000-00000000000a"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the check was asked, which finds that one of two things refuses."""
    told: list[dict[str, Any]] = []

    def run(stack: str, folder: Path, say: Callable[[str], None], **more: Any) -> list[Line]:
        told.append({"stack": stack, "folder": folder, **more})
        say("the 3 questions")
        return [Line("quota", good("4 of 10")), Line("image", refused("it is gone", "push it"))]

    monkeypatch.setattr(check, "run", run)
    return told


def preflight(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(app, ["--stack", "dev", *arguments], env=environment)


def test_the_check_is_told_what_the_options_say(
    asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    options = ("--registrar", SOMEBODY, "--report", "r.json", "--min-accuracy", "0.95")
    assert preflight(*options, "--cwd", str(tmp_path)).exit_code == 1
    more = {"registrar": SOMEBODY, "report": Path("r.json"), "least": 0.95}
    assert asked == [{"stack": "dev", "folder": tmp_path, **more}]


def test_by_default_it_is_this_folder_the_report_of_make_validate_and_its_gate(
    asked: list[dict[str, Any]],
) -> None:
    preflight()
    more = {"registrar": "", "report": Path("out/report.json"), "least": 0.9}
    assert asked == [{"stack": "dev", "folder": Path(), **more}]


@pytest.mark.parametrize("share", ["-0.1", "1.1"])
def test_a_gate_is_a_share(asked: list[dict[str, Any]], share: str) -> None:
    assert preflight("--min-accuracy", share).exit_code == 2
    assert asked == []


def test_the_document_is_of_the_stack(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    preflight("--json", str(tmp_path / "r.json"))
    told = json.loads((tmp_path / "r.json").read_text())
    assert (told["stack"], told["headline"]) == ("dev", "dev is not ready: 1 of 2 refuse.")


def test_a_terminal_is_told_meanwhile_what_is_asked_beside_the_answer(
    asked: list[dict[str, Any]],
) -> None:
    done = preflight(FORCE_COLOR="1", COLUMNS="80")
    assert "Asking: the 3 questions" in done.stderr
    assert "Asking" not in done.stdout
    assert done.stdout.endswith("dev is not ready: 1 of 2 refuse.\n")


def test_without_a_terminal_nothing_is_said_meanwhile(asked: list[dict[str, Any]]) -> None:
    assert preflight(TERM="dumb").stderr == ""


def test_no_completion_is_offered_to_be_installed() -> None:
    assert "completion" not in preflight("--help").stdout
