"""The real program with the real CLI against the stand-in: what only the engine decides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import MODEL, ROOT, UP, Machine, deployed

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
GROUP = "scoring-group"
IMAGE_SETTINGS = ("image", "modelSha256", "modelVersion")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with deployed(tmp_path_factory.mktemp("program"), "a-key-for-the-door") as machine:
        yield machine


@pytest.fixture
def configured(machine: Machine) -> Iterator[Machine]:
    """The machine; the stack's configuration is put back afterwards."""
    before = machine.configuration.read_text()
    yield machine
    machine.configuration.write_text(before)


@pytest.fixture
def conditions(machine: Machine) -> Iterator[Path]:
    """What Azure is made to suffer from."""
    path = machine.folder / "conditions.json"
    yield path
    path.unlink(missing_ok=True)


def resources(machine: Machine) -> dict[str, Any]:
    """The state's resources by name."""
    state = json.loads(machine.inside("pulumi", "stack", "export").stdout)
    return {each["urn"].rsplit("::", 1)[1]: each for each in state["deployment"]["resources"]}


def without_group(machine: Machine) -> None:
    for key in IMAGE_SETTINGS:
        machine.inside("pulumi", "config", "rm", key)
    machine.inside(*UP)


def up_until(machine: Machine, said: str, condition: Path) -> str:
    """Run `pulumi up`, take the condition away once it has said something; all that it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local_azure", "exec", "--", *UP],
        cwd=ROOT,
        env={**os.environ, "LOCAL_AZURE_DIR": str(machine.folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    with process:
        for line in process.stdout or ():
            lines.append(line)
            if said in line:
                condition.unlink(missing_ok=True)
    output = "".join(lines)
    assert process.returncode == 0, output
    return output


def test_an_update_of_every_resource_names_the_same_image_and_registry(
    configured: Machine, tmp_path: Path
) -> None:
    configured.configure("tags.team=blue")
    file = tmp_path / "review.json"
    configured.inside("python", "-m", "infra.review", "--stack", "local", "--json", str(file))
    report = json.loads(file.read_text())
    assert "scoring-group" in {one["name"] for one in report["changes"]}
    # An image or a host that is not known yet would be one more.
    assert report["models"] == []
    assert {row["path"] for row in report["outputs"]} <= {"fqdn", "scoring_uri"}
    (group,) = [one for one in report["changes"] if one["name"] == GROUP]
    assert {row["path"] for row in group["rows"]} == {"tags.team"}


def test_another_prefix_is_refused_before_anything_is_touched(configured: Machine) -> None:
    """Its registry does not hold the image, which was noticed after ten deletions before."""
    configured.configure("prefix=other", "image=crother.azurecr.io/svc@sha256:" + "a" * 64)
    before = {name: each.get("id") for name, each in resources(configured).items()}
    done = configured.inside(*UP, good=False)
    assert done.returncode != 0
    assert "configuration sklearn-mnist-svc:image" in done.stdout + done.stderr
    assert {name: each.get("id") for name, each in resources(configured).items()} == before


def test_an_image_of_another_registry_with_a_port_is_refused(configured: Machine) -> None:
    image = configured.outputs()["image"]
    configured.configure("image=127.0.0.1:1/" + image.partition("/")[2])
    done = configured.inside("pulumi", "preview", good=False)
    assert done.returncode != 0
    assert "an image of the stack's own registry, 127.0.0.1:" in done.stdout


def test_what_is_protected_is_not_destroyed(configured: Machine) -> None:
    configured.configure("protect=true")
    configured.inside(*UP)
    try:
        done = configured.inside("pulumi", "destroy", "--yes", "--skip-preview", good=False)
        assert done.returncode != 0
        assert "protected" in done.stdout + done.stderr
        kept = {name for name, each in resources(configured).items() if each.get("protect")}
        assert kept == {"resource-group", "registry", "storage", "key-vault", "workspace"}
    finally:
        configured.configure("protect=false")
        configured.inside(*UP)
    assert not [name for name, each in resources(configured).items() if each.get("protect")]


def test_a_right_that_is_too_new_is_waited_for(machine: Machine, conditions: Path) -> None:
    before = machine.configuration.read_text()
    without_group(machine)
    machine.configuration.write_text(before)
    conditions.write_text('{"pullRightSeconds": 100000}')
    began = time.monotonic()
    said = up_until(machine, "retrying create due to on-error hook request", conditions)
    assert "retrying create" in said
    assert time.monotonic() - began > 9
    assert not resources(machine)[GROUP].get("initErrors")


def test_a_group_in_transition_is_waited_for(configured: Machine, conditions: Path) -> None:
    configured.configure("tags.colour=red")
    conditions.write_text('{"transitioningSeconds": 100000}')
    assert "retrying update" in up_until(configured, "retrying update", conditions)
    assert resources(configured)[GROUP]["inputs"]["tags"]["colour"] == "red"


def test_a_pull_that_fails_on_the_node_is_finished_by_the_next_update(
    machine: Machine, conditions: Path
) -> None:
    before = machine.configuration.read_text()
    without_group(machine)
    machine.configuration.write_text(before)
    conditions.write_text('{"pullRightSeconds": 100000, "pullFailsOnNode": true}')
    done = machine.inside(*UP, good=False)
    assert done.returncode != 0
    assert "retrying" not in done.stdout
    assert "the state has it: run `pulumi up` again" in done.stdout
    assert resources(machine)[GROUP]["initErrors"]
    conditions.unlink()
    machine.inside(*UP)
    assert not resources(machine)[GROUP].get("initErrors")
    sha256 = json.loads((MODEL / "manifest.json").read_text())["sha256"]
    assert machine.outputs()["model_sha256"] == sha256


def test_a_cli_that_is_too_old_is_told_by_the_project_itself(machine: Machine) -> None:
    project = (ROOT / "Pulumi.yaml").read_text()
    folder = machine.folder / "project"
    folder.mkdir()
    text = project.replace('">=3.245.0"', '">=99.0.0"')
    assert text != project
    (folder / "Pulumi.yaml").write_text(text)
    done = machine.inside("pulumi", "-C", str(folder), "preview", good=False)
    assert done.returncode != 0
    assert "99.0.0" in done.stdout + done.stderr
