"""Every setting is changed: what the review says is what `pulumi up` then does.

One stack; each change is made on top of the ones before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import MODEL, Machine, deployed
from tests.support.portal import Portal

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
KEY = "the-first-door-key"
GROUP = "Microsoft.ContainerInstance/containerGroups/sklearn-mnist-svc"
EVENTS = ("env", "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true")

GROUP_ALONE = {"scoring-group"}
TAGGED = {
    *("application-insights", "key-vault", "log-analytics", "pull-identity", "registry"),
    *("resource-group", "scoring-group", "storage", "workspace"),
}
MADE_BEFORE_THE_SERVICE = (TAGGED - GROUP_ALONE) | {"pull-assignment"}

# setting and value; the resources that change, and how; what callers notice
CHANGES: list[tuple[str, set[str], str, str]] = [
    ("tags.team=blue", TAGGED, "update", "restarts"),
    ("tags.team=green", TAGGED, "update", "restarts"),
    ("registrySku=Standard", {"registry"}, "update", "untouched"),
    ("logRetentionDays=60", {"log-analytics"}, "update", "untouched"),
    ("description=Tells digits", GROUP_ALONE, "update", "restarts"),
    ("data=iris", GROUP_ALONE, "update", "restarts"),
    ("modelVersion=1.1", GROUP_ALONE, "update", "restarts"),
    ("dnsLabel=digits-for-all", GROUP_ALONE, "update", "restarts"),
    ("scoringKey=the-second-door-key", GROUP_ALONE, "update", "restarts"),
    ("scoringKey=", GROUP_ALONE, "update", "restarts"),
    ("scoringKey=the-third-door-key", GROUP_ALONE, "update", "restarts"),
    ("cpu=2", GROUP_ALONE, "replace", "interrupted"),
    ("memoryGb=1.5", GROUP_ALONE, "replace", "interrupted"),
    ("port=5002", GROUP_ALONE, "replace", "interrupted"),
    ("image=", GROUP_ALONE, "delete", "removed"),
]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with deployed(tmp_path_factory.mktemp("settings"), KEY) as machine:
        yield machine


@pytest.fixture(scope="module")
def portal(machine: Machine) -> Iterator[Portal]:
    with Portal(machine) as portal:
        yield portal


def configure(machine: Machine, setting: str) -> None:
    key, _, value = setting.partition("=")
    if not value:
        machine.inside("pulumi", "config", "rm", key)
    elif key == "scoringKey":
        machine.inside("pulumi", "config", "set", "--secret", key, value)
    else:
        machine.configure(setting)


def review(machine: Machine, folder: Path) -> dict[str, Any]:
    file = folder / "review.json"
    command = ["python", "-m", "infra.review", "--stack", "local", "--json", str(file)]
    machine.inside(*command, "--manifests", str(MODEL.parent), good=False)
    return json.loads(file.read_text())


def updated(machine: Machine) -> set[tuple[str, str]]:
    """(resource, operation) of everything that an update did, the provider's words."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--refresh", "--json"]
    done = machine.inside(*EVENTS, *command, "--non-interactive")
    said: set[tuple[str, str]] = set()
    for line in done.stdout.splitlines():
        step = json.loads(line).get("resOutputsEvent", {}).get("metadata")
        if step and step["op"] not in {"same", "refresh"} and "azure-native:" in step["type"]:
            operation = step["op"]
            if operation in {"replace", "create-replacement", "delete-replaced"}:
                operation = "replace"
            said.add((step["urn"].rsplit("::", 1)[-1], operation))
    return said


def started(portal: Portal) -> str | None:
    """When the container started that runs now."""
    try:
        group = portal.call("GET", GROUP, "2023-05-01")
    except AssertionError:
        return None
    view = group["properties"]["containers"][0]["properties"]["instanceView"]
    return view["currentState"]["startTime"]


@pytest.mark.parametrize(
    ("setting", "names", "operation", "endpoint"), CHANGES, ids=[each[0] for each in CHANGES]
)
def test_what_the_review_says_is_what_the_update_does(
    machine: Machine,
    portal: Portal,
    tmp_path: Path,
    setting: str,
    names: set[str],
    operation: str,
    endpoint: str,
) -> None:
    before = started(portal)
    configure(machine, setting)
    report = review(machine, tmp_path)
    said = {(one["name"], one["op"]) for one in report["changes"]}
    assert said == {(name, operation) for name in names}
    assert report["endpoint"] == endpoint
    assert updated(machine) == said
    assert (started(portal) == before) == (endpoint == "untouched")


def test_after_all_of_them_nothing_changes(machine: Machine, tmp_path: Path) -> None:
    report = review(machine, tmp_path)
    assert (report["changes"], report["outputs"]) == ([], [])


def test_another_prefix_replaces_everything_and_needs_no_name_that_is_held(
    machine: Machine, tmp_path: Path
) -> None:
    configure(machine, "prefix=digits")
    report = review(machine, tmp_path)
    said = {(one["name"], one["op"]) for one in report["changes"]}
    assert said == {(name, "replace") for name in MADE_BEFORE_THE_SERVICE}
    assert report["obstacles"] == []
    assert updated(machine) == said


def test_another_region_cannot_be_finished_as_the_review_says(
    machine: Machine, tmp_path: Path
) -> None:
    """Last: it leaves the stack half-way."""
    configure(machine, "azure-native:location=northeurope")
    report = review(machine, tmp_path)
    assert {one["name"] for one in report["changes"]} == MADE_BEFORE_THE_SERVICE
    held = {one["resource"]: one["name"] for one in report["obstacles"]}
    assert set(held) == {"key-vault", "workspace", "log-analytics"}
    done = machine.inside("pulumi", "up", "--yes", "--skip-preview", "--refresh", good=False)
    assert done.returncode != 0
    assert any(name in done.stdout + done.stderr for name in held.values())
