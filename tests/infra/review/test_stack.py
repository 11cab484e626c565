"""A review of the real program with the real CLI against the stand-in, nothing recorded.

The container group really runs once; the changes are only previewed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.github_markdown import holds
from tests.support.machine import MODEL, UP, Machine, deployed
from tests.support.portal import Portal

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
GROUP = "Microsoft.ContainerInstance/containerGroups/sklearn-mnist-svc"
OTHER_SHA256 = "c" * 64
OTHER_DIGEST = "sha256:" + "d" * 64
KEY = "the-first-door-key"
OTHER_KEY = "the-second-door-key"


def review(machine: Machine, folder: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, JSON report, everything that was written) of a review."""
    files = folder / "review.json", folder / "review.md"
    command = ["python", "-m", "infra.review", "--stack", "local", "--manifests", str(folder)]
    done = machine.inside(
        *command, "--json", str(files[0]), "--markdown", str(files[1]), *more, good=False
    )
    written = [done.stdout, done.stderr, *(file.read_text() for file in files)]
    holds(files[1].read_text())
    return done.returncode, json.loads(files[0].read_text()), "\n".join(written)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with deployed(tmp_path_factory.mktemp("review"), KEY) as machine:
        yield machine


@pytest.fixture
def changed(machine: Machine) -> Iterator[Machine]:
    """The machine; the stack's configuration is put back afterwards."""
    before = machine.configuration.read_text()
    yield machine
    machine.configuration.write_text(before)


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
    code, report, written = review(machine, folder, "--expect-no-changes")
    assert (code, report["verdict"]) == (0, "Nothing changes.")
    assert report["undecided"] == []
    assert [one for one in report["findings"] if one["mandatory"]] == []
    assert KEY not in written


def test_more_cores_are_a_replacement_with_an_interruption(changed: Machine, folder: Path) -> None:
    changed.configure("cpu=2")
    code, report, written = review(changed, folder, "--expect-no-changes")
    assert code == 7
    assert report["verdict"].splitlines()[1].startswith("1 replaced. The endpoint is inter")
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
    outputs = changed.outputs()
    image = outputs["image"].partition("@")[0] + "@" + OTHER_DIGEST
    changed.configure(f"image={image}", f"modelSha256={OTHER_SHA256}", "modelVersion=2")
    code, report, written = review(changed, folder)
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
    _, report, written = review(changed, folder)
    assert group(report)["op"] == "update"
    assert ("tags.team", "blue") in [(row["path"], row["after"]) for row in group(report)["rows"]]
    # A preview of azure-native knows no output of what it updates, on Azure as here.
    assert {one["op"] for one in report["changes"]} == {"update"}
    assert "pull-assignment" in report["unchanged"]
    assert report["models"] == []
    assert report["outputs"] == []
    assert "(known after the update)" not in written
    assert KEY not in written


def test_a_deleted_group_is_reviewed_as_what_the_update_makes_of_it(
    machine: Machine, folder: Path
) -> None:
    """The update refreshes; a review that did not would say that nothing changes."""
    with Portal(machine) as portal:
        portal.call("DELETE", GROUP, "2023-05-01")
    try:
        code, report, _ = review(machine, folder)
        assert code == 0
        assert [(one["name"], one["op"]) for one in report["changes"]] == [
            ("scoring-group", "create")
        ]
        assert report["endpoint"] == "starts"
    finally:
        machine.inside(*UP, "--refresh")


def test_a_deleted_vault_is_brought_back_as_the_review_says_and_nothing_is_made_again(
    machine: Machine, folder: Path
) -> None:
    """Azure keeps the name; an update would take the vault out of the state, and stop."""
    state = json.loads(machine.inside("pulumi", "stack", "export").stdout)
    (vault,) = [
        one["id"].partition("/providers/")[2]
        for one in state["deployment"]["resources"]
        if one["type"].endswith("keyvault:Vault")
    ]
    name = vault.rsplit("/", 1)[-1]
    with Portal(machine) as portal:
        body = portal.call("GET", vault, "2023-02-01")
        portal.call("DELETE", vault, "2023-02-01")
        code, report, written = review(machine, folder)
        portal.recover(vault, body)
    assert code == 1
    assert report["verdict"].startswith(f"**This update cannot finish**: `key-vault`: `{name}`:")
    assert f"`az keyvault recover --name {name}`" in written
    code, report, _ = review(machine, folder, "--expect-no-changes")
    assert (code, report["verdict"]) == (0, "Nothing changes.")


def test_an_update_that_is_not_as_it_was_reviewed_is_refused_and_says_what_moved(
    changed: Machine, folder: Path
) -> None:
    changed.configure("tags.team=blue")
    code, _, _ = review(changed, folder)
    assert code == 0
    agreed = folder / "agreed.json"
    agreed.write_text((folder / "review.json").read_text())
    assert review(changed, folder, "--expect", str(agreed))[0] == 0
    with Portal(changed) as portal:
        portal.call("DELETE", GROUP, "2023-05-01")
    try:
        code, _, written = review(changed, folder, "--expect", str(agreed))
        assert code == 7
        assert (
            "moved: `containerinstance:ContainerGroup scoring-group`: **update** was reviewed, "
            "now **create**"
        ) in written
        assert "the world moved since the review; nothing was touched" in written
    finally:
        changed.inside("pulumi", "config", "rm", "--path", "tags.team")
        changed.inside(*UP, "--refresh")


def test_another_key_since_the_review_is_noticed_and_not_shown(
    changed: Machine, folder: Path
) -> None:
    changed.configure("tags.team=blue")
    review(changed, folder)
    agreed = folder / "agreed.json"
    agreed.write_text((folder / "review.json").read_text())
    changed.inside("pulumi", "config", "set", "--secret", "scoringKey", OTHER_KEY)
    code, _, written = review(changed, folder, "--expect", str(agreed))
    assert code == 7
    assert OTHER_KEY not in written
    assert KEY not in written + agreed.read_text()


def test_a_refused_login_is_one_line(machine: Machine) -> None:
    command = ("python", "-m", "infra.review", "--stack", "local")
    done = machine.inside("env", "ARM_CLIENT_SECRET=wrong", *command, good=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Azure refused the login: ")


def test_another_region_is_refused_before_anything_is_destroyed(
    changed: Machine, folder: Path
) -> None:
    changed.inside("pulumi", "config", "set", "azure-native:location", "northeurope")
    code, report, written = review(changed, folder)
    assert code == 1
    assert "This update cannot" in report["verdict"]
    assert "`location` `westeurope` -> `northeurope`" in written
    assert "put the setting back that forces it" in written


def test_a_secret_of_the_configuration_that_no_resource_has_is_masked(
    changed: Machine, folder: Path
) -> None:
    changed.inside("pulumi", "config", "set", "--secret", "elsewhere:token", "plain-words-only")
    changed.configure("tags.hint=see-plain-words-only")
    _, report, written = review(changed, folder)
    assert "tags.hint" in [row["path"] for row in group(report)["rows"]]
    assert "plain-words-only" not in written


def test_another_key_is_named_and_masked(changed: Machine, folder: Path) -> None:
    changed.inside("pulumi", "config", "set", "--secret", "scoringKey", OTHER_KEY)
    _, report, written = review(changed, folder)
    assert group(report)["op"] == "update"
    assert [(row["label"], row["before"], row["after"]) for row in group(report)["rows"]] == [
        ("SCORING_KEY", "[secret]", "[secret]")
    ]
    assert KEY not in written
    assert OTHER_KEY not in written


def test_a_key_that_leaks_into_a_tag_is_masked(changed: Machine, folder: Path) -> None:
    changed.configure(f"tags.hint=opens-with-{KEY}")
    _, report, written = review(changed, folder)
    assert "tags.hint" in [row["path"] for row in group(report)["rows"]]
    assert KEY not in written


def test_a_wrong_setting_is_a_failed_preview_that_says_why(changed: Machine, folder: Path) -> None:
    changed.configure("cpu=99")
    code, report, _ = review(changed, folder)
    assert code == 1
    assert report["failed"]
    assert "allowed: 1 to 4 cores" in report["verdict"].splitlines()[0]


def test_nothing_secret_is_written_to_the_disk(changed: Machine, folder: Path) -> None:
    """The update plan holds the key in plain text: it must never become a file."""
    changed.inside("pulumi", "config", "set", "--secret", "scoringKey", OTHER_KEY)
    review(changed, folder)
    files = [file for file in [*folder.rglob("*"), *changed.folder.rglob("*")] if file.is_file()]
    found = [file for file in files if OTHER_KEY.encode() in file.read_bytes()]
    assert found == []


def test_a_stack_that_does_not_exist_is_a_one_line_error(machine: Machine) -> None:
    done = machine.inside("python", "-m", "infra.review", "--stack", "no-such", good=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no-such" in done.stderr
