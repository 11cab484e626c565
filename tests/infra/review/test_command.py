"""The command itself, on plans recorded from the real CLI, and its errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
RECORDED = Path(__file__).with_name("recorded")
"""A change of cpu, a tag and the scoring key, previewed by Pulumi 3.259.0 on the local stand-in."""

Make = Callable[..., Any]


def review(*arguments: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "GITHUB" not in name}
    environment |= {"COLUMNS": "200"}
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [sys.executable, "-m", "infra.review", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["events.jsonl", "document.json"])
def test_a_recorded_preview_becomes_a_report(tmp_path: Path, name: str) -> None:
    files = tmp_path / "r.md", tmp_path / "r.json"
    done = review(
        "--stack", "dev", "--plan", RECORDED / name, "--markdown", files[0], "--json", files[1]
    )
    assert (done.returncode, done.stderr) == (0, "")
    cause, consequence = done.stdout.splitlines()
    assert cause.startswith("`containers[0].resources.requests.cpu` changes, in a way that is not")
    assert "; `tags.team` `(none)` -> `blue` on 2 resources; " in cause
    assert consequence.startswith("1 replaced, 1 changed in place. The endpoint is interrupted")
    content = json.loads(files[1].read_text())
    group = content["changes"][0]
    assert (group["op"], group["planned"]) == ("replace", "replace")
    assert [row["path"] for row in group["rows"] if row["forces"]] == [
        "containers[0].resources.requests.cpu"
    ]
    assert "| `tags.team` | `(none)` | `blue` |" in files[0].read_text()
    assert "the host name (FQDN) is kept" in group["notes"]


def test_the_events_tell_the_outputs_of_the_stack(tmp_path: Path) -> None:
    done = review("--stack", "dev", "--plan", RECORDED / "events.jsonl")
    assert "| `scoring_uri` | `http://127.156.103.113:5001/score` | `(known after" in done.stdout


def test_changes_that_were_not_expected_give_seven() -> None:
    done = review("--stack", "dev", "--plan", RECORDED / "events.jsonl", "--expect-no-changes")
    assert done.returncode == 7
    assert done.stderr.splitlines()[-1].startswith("error: changes were found")


def test_a_mandatory_policy_gives_one_and_names_it(tmp_path: Path, step: Make, text: Make) -> None:
    kind, inputs = "azure-native:containerregistry:Registry", {"adminUserEnabled": True}
    plan = tmp_path / "plan.jsonl"
    plan.write_text(text(step("same", "registry", kind, old=inputs, new=inputs)))
    done = review("--stack", "dev", "--plan", plan)
    assert done.returncode == 1
    assert done.stderr == "error: mandatory policies are violated: no-admin-account\n"
    assert "Nothing changes.  \n**1 mandatory policy violation**: `no-admin-acc" in done.stdout


def test_limits_of_ones_own_decide(tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("locations: [eastus]\ntags: []\n")
    plan = RECORDED / "events.jsonl"
    done = review("--stack", "dev", "--plan", plan, "--limits", limits)
    assert done.returncode == 1
    assert done.stderr.endswith("violated: allowed-location\n")


def test_a_failed_preview_gives_one_and_its_report_shows_why(tmp_path: Path, text: Make) -> None:
    plan = tmp_path / "plan.jsonl"
    event = {"diagnosticEvent": {"severity": "error", "message": "configuration cpu is '9'"}}
    plan.write_text(text(event, result="failed"))
    done = review("--stack", "dev", "--plan", plan)
    assert done.returncode == 1
    assert "configuration cpu is '9'" in done.stdout
    assert done.stderr == "error: the preview failed; the report shows its errors\n"


def test_events_that_stop_in_the_middle_are_a_failed_preview(tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    plan.write_text("".join((RECORDED / "events.jsonl").read_text().splitlines(True)[:-2]))
    assert review("--stack", "dev", "--plan", plan).returncode == 1


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("nonsense", "line 1"),
        ('{"steps": []}\n{', "line 2"),
        ("[1]", "line 1"),
        ('{"steps": [1]}', "is not what `pulumi preview --json` writes"),
        ('{"resourcePreEvent": {}}', "is not what `pulumi preview --json` writes"),
    ],
)
def test_a_file_that_is_no_plan_is_a_one_line_error(
    tmp_path: Path, content: str, word: str
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(content)
    done = review("--stack", "dev", "--plan", plan)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert word in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--plan", "nothing.json"], "cannot read the plan nothing.json"),
        (["--plan", RECORDED / "events.jsonl", "--limits", "no.yaml"], "cannot read the limits"),
        (["--plan", RECORDED / "events.jsonl", "--json", "no/such/r.json"], "cannot write"),
        (["--plan", RECORDED / "events.jsonl", "--post"], "--pull-request"),
        (["--plan", RECORDED / "events.jsonl", "--post", "--pull-request", "1"], "GITHUB_TOKEN"),
        (["--cwd", "no/such/folder"], "no folder no/such/folder"),
        ([], "`pulumi` is not on PATH"),
    ],
)
def test_what_is_missing_is_a_one_line_error(arguments: list[str | Path], word: str) -> None:
    done = review("--stack", "dev", *arguments, path="/nowhere")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert word in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--stack"], ["--stack", "dev", "--such-option"]])
def test_a_mistyped_option_is_wrong_usage(arguments: list[str]) -> None:
    assert review(*arguments).returncode == 2


@pytest.mark.parametrize("secret", ["plain-words-in-the-environment", "x" * 5000])
def test_a_secret_of_the_environment_is_masked(
    tmp_path: Path, step: Make, text: Make, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", secret)
    plan = tmp_path / "plan.jsonl"
    plan.write_text(text(step("create", "a", "a:b:C", new={"location": f"at {secret}"})))
    done = review("--stack", "dev", "--plan", plan)
    assert (done.returncode, done.stderr) == (0, "")
    assert secret[:30] not in done.stdout


def test_the_same_plan_gives_the_same_bytes() -> None:
    runs = {review("--stack", "dev", "--plan", RECORDED / "events.jsonl").stdout for _ in range(2)}
    assert len(runs) == 1


def test_the_review_does_not_load_the_program_or_the_sdk() -> None:
    script = (
        "import sys, infra.review.cli; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('pulumi', 'pulumi_azure_native', 'sklearn', 'azureml')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
