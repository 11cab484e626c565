"""A review of the real program with the real CLI against the stand-in, nothing recorded.

The container group really runs once; the changes are only previewed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"
OTHER_SHA256 = "c" * 64
OTHER_DIGEST = "sha256:" + "d" * 64
KEY = "the-first-door-key"
OTHER_KEY = "the-second-door-key"


@dataclass
class Machine:
    """A stand-in with a state folder of its own, and the stack on it."""

    folder: Path

    def inside(self, *command: str, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command against the stand-in."""
        return self.run("exec", "--", *command, good=good)

    def run(self, *arguments: str, good: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "local_azure", *arguments],
            cwd=ROOT,
            env={**os.environ, "LOCAL_AZURE_DIR": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not good, done.stdout + done.stderr
        return done

    def configure(self, *pairs: str) -> None:
        for pair in pairs:
            key, _, value = pair.partition("=")
            self.inside("pulumi", "config", "set", *(["--path"] if "." in key else []), key, value)

    def review(self, folder: Path, *more: str) -> tuple[int, dict[str, Any], str]:
        """(exit code, JSON report, everything that was written) of a review."""
        files = folder / "review.json", folder / "review.md"
        command = ["python", "-m", "infra.review", "--stack", "local", "--manifests", str(folder)]
        done = self.inside(
            *command, "--json", str(files[0]), "--markdown", str(files[1]), *more, good=False
        )
        written = [done.stdout, done.stderr, *(file.read_text() for file in files)]
        return done.returncode, json.loads(files[0].read_text()), "\n".join(written)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The stack deployed, with a key."""
    folder = tmp_path_factory.mktemp("review")
    machine = Machine(folder / "state")
    up = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    try:
        machine.configure("azure-native:location=westeurope")
        machine.inside(*up)
        image = ["--out", str(folder / "image")]
        machine.inside("python", "-m", "scoring", "build", "--model", str(MODEL), *image)
        outputs = json.loads(machine.inside("pulumi", "stack", "output", "--json").stdout)
        pushed = machine.inside(
            *["python", "-m", "scoring", "push", "--image", str(folder / "image")],
            *["--registry", outputs["login_server"], "--repository", "sklearn-mnist-svc"],
        )
        sha256 = json.loads((MODEL / "manifest.json").read_text())["sha256"]
        machine.configure(
            f"image={pushed.stdout.split()[-1]}", f"modelSha256={sha256}", "modelVersion=1"
        )
        machine.inside("pulumi", "config", "set", "--secret", "scoringKey", KEY)
        machine.inside(*up)
        yield machine
    finally:
        machine.inside("pulumi", "destroy", "--yes", "--skip-preview", good=False)
        machine.run("stop", good=False)


@pytest.fixture
def changed(machine: Machine) -> Iterator[Machine]:
    """The machine; the stack's configuration is put back afterwards."""
    (config,) = machine.folder.rglob("Pulumi.local.yaml")
    before = config.read_text()
    yield machine
    config.write_text(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The manifests of the deployed model and of one that takes more fives for threes."""
    manifest = json.loads((MODEL / "manifest.json").read_text())
    other = json.loads((MODEL / "manifest.json").read_text())
    other |= {"version": "2", "sha256": OTHER_SHA256}
    other["metrics"]["confusion_matrix"][5][5] -= 30
    other["metrics"]["confusion_matrix"][5][3] += 30
    other["metrics"]["accuracy"] -= 0.003
    for each in (manifest, other):
        place = tmp_path / each["version"]
        place.mkdir()
        (place / "manifest.json").write_text(json.dumps(each))
    return tmp_path


def group(report: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for one in report["changes"] if one["name"] == "scoring-group"]
    return found


def test_an_unchanged_stack_has_nothing_to_review(machine: Machine, folder: Path) -> None:
    code, report, written = machine.review(folder, "--expect-no-changes")
    assert (code, report["verdict"]) == (0, "Nothing changes.")
    assert report["undecided"] == 0
    assert [one for one in report["findings"] if one["mandatory"]] == []
    assert KEY not in written


def test_more_cores_are_a_replacement_with_an_interruption(changed: Machine, folder: Path) -> None:
    changed.configure("cpu=2")
    code, report, written = changed.review(folder, "--expect-no-changes")
    assert code == 7
    assert report["verdict"].startswith("1 replaced. The endpoint is interrupted")
    assert [row for row in group(report)["rows"] if row["forces"]] == [
        {
            "path": "containers[0].resources.requests.cpu",
            "label": "scoring",
            "before": "1",
            "after": "2",
            "forces": True,
        }
    ]
    assert "the host name (FQDN) is kept" in group(report)["notes"]
    assert report["models"] == []
    assert KEY not in written


def test_another_image_changes_in_place_and_shows_its_model(changed: Machine, folder: Path) -> None:
    outputs = json.loads(changed.inside("pulumi", "stack", "output", "--json").stdout)
    image = outputs["image"].partition("@")[0] + "@" + OTHER_DIGEST
    changed.configure(f"image={image}", f"modelSha256={OTHER_SHA256}", "modelVersion=2")
    code, report, written = changed.review(folder)
    assert code == 0
    assert group(report)["op"] == "update"
    assert report["endpoint"] == "restarts"
    (model,) = report["models"]
    assert [model[side]["version"] for side in ("old", "new")] == ["1", "2"]
    assert [model[side]["sha256"] for side in ("old", "new")] == [
        outputs["model_sha256"],
        OTHER_SHA256,
    ]
    assert model["new"]["images"] == [image]
    assert [(cell["true"], cell["predicted"]) for cell in model["worse"]] == [
        ("5", "3"),
        ("5", "5"),
    ]
    assert "Accuracy -0.0030." in written
    assert KEY not in written


def test_a_tag_changes_in_place(changed: Machine, folder: Path) -> None:
    changed.configure("tags.team=blue")
    _, report, written = changed.review(folder)
    assert group(report)["op"] == "update"
    assert ("tags.team", "blue") in [(row["path"], row["after"]) for row in group(report)["rows"]]
    # A preview of azure-native knows no output of what it updates, on Azure as here: the right to
    # pull seems to get another principal.
    (replaced,) = [one for one in report["changes"] if one["op"] == "replace"]
    assert [(row["path"], row["after"]) for row in replaced["rows"]] == [
        ("principalId", "(known after the update)")
    ]
    assert KEY not in written


def test_another_key_is_named_and_masked(changed: Machine, folder: Path) -> None:
    changed.inside("pulumi", "config", "set", "--secret", "scoringKey", OTHER_KEY)
    _, report, written = changed.review(folder)
    assert group(report)["op"] == "update"
    assert [(row["label"], row["before"], row["after"]) for row in group(report)["rows"]] == [
        ("SCORING_KEY", "[secret]", "[secret]")
    ]
    assert KEY not in written
    assert OTHER_KEY not in written


def test_a_key_that_leaks_into_a_tag_is_masked(changed: Machine, folder: Path) -> None:
    changed.configure(f"tags.hint=opens-with-{KEY}")
    _, report, written = changed.review(folder)
    assert "tags.hint" in [row["path"] for row in group(report)["rows"]]
    assert KEY not in written


def test_a_wrong_setting_is_a_failed_preview_that_says_why(changed: Machine, folder: Path) -> None:
    changed.configure("cpu=99")
    code, report, written = changed.review(folder)
    assert code == 1
    assert report["failed"]
    assert "allowed: 0.1 to 4 cores" in written


def test_nothing_secret_is_written_to_the_disk(changed: Machine, folder: Path) -> None:
    """The update plan holds the key in plain text: it must never become a file."""
    changed.inside("pulumi", "config", "set", "--secret", "scoringKey", OTHER_KEY)
    changed.review(folder)
    files = [file for file in [*folder.rglob("*"), *changed.folder.rglob("*")] if file.is_file()]
    found = [file for file in files if OTHER_KEY.encode() in file.read_bytes()]
    assert found == []


def test_a_stack_that_does_not_exist_is_a_one_line_error(machine: Machine) -> None:
    done = machine.inside("python", "-m", "infra.review", "--stack", "no-such", good=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no-such" in done.stderr
