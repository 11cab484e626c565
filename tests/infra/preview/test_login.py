"""A refused login is one line, and not the same error of every resource."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.preview.plan import Diagnostic, Plan

ROOT = Path(__file__).resolve().parents[3]


def review(tmp_path: Path, *messages: str) -> subprocess.CompletedProcess[str]:
    urn = "urn:pulumi:dev::p::azure-native:storage:StorageAccount::storage"
    said = [{"severity": "error", "urn": urn, "message": message} for message in messages]
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"steps": [], "diagnostics": said}))
    return subprocess.run(
        [sys.executable, "-m", "infra.review", "--stack", "dev", "--plan", str(plan)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    "message",
    [
        "Preview failed: Operation returned an invalid status 'Unauthorized'",
        "AzureCLICredential: ERROR: The refresh token has expired.\nRun az login again.",
        "ClientSecretCredential authentication failed.\nPOST https://login.example/token",
        "invalid_client: AADSTS7000222: The provided client secret keys are expired.",
        'Status=401 Code="ExpiredAuthenticationToken" Message="The access token expired."',
    ],
)
def test_a_refused_login_is_one_line_that_says_how_to_sign_in(tmp_path, message):
    done = review(tmp_path, "the engine could not go on", message, message)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Azure refused the login: ")
    assert "sign in again (az login)" in line


@pytest.mark.parametrize(("length", "more"), [(200, 0), (201, 1), (5000, 4800)])
def test_what_azure_said_is_one_line_of_at_most_200_characters(length: int, more: int) -> None:
    message = "AADSTS1:\n" + "x" * (length - 9)
    told = Diagnostic("warning", "", "AADSTS2"), Diagnostic("error", "", message)
    found = Plan(diagnostics=told).refused_login
    kept = " ".join(message.split())[: length - more]
    assert found == (f"{kept}..." if more else kept)


@pytest.mark.parametrize("message", ["Code=AuthorizationFailed", "port 4010 is taken"])
def test_another_failure_is_in_the_report(tmp_path, message):
    done = review(tmp_path, message)
    assert done.returncode == 1
    assert "Azure refused the login" not in done.stderr
    assert message in done.stdout
