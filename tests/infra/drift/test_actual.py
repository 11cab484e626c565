"""The container group as Azure answers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.drift import actual
from infra.drift.actual import Actual
from infra.drift.stack import Stack
from tests.support.told_azure import Told

PROBE = {"httpGet": {"path": "/"}}


def unasked() -> Any:
    pytest.fail("a preview says nothing of a container group")


def test_it_is_told_where_it_answers_whether_it_runs_and_what_is_in_it() -> None:
    container = {"image": "r/m", "livenessProbe": PROBE, "instanceView": {"restartCount": 3}}
    found = actual.of_group(
        {
            "properties": {
                "ipAddress": {"fqdn": "digits.example", "ip": "192.0.2.1"},
                "instanceView": {"state": "Running", "events": []},
                "containers": [{"name": "scoring", "properties": container}, {"name": "side"}],
            }
        }
    )
    assert found == Actual(
        "digits.example",
        "Running",
        [{"name": "scoring", "image": "r/m", "livenessProbe": PROBE}, {"name": "side"}],
        "its container group does not run",
        "",
    )


@pytest.mark.parametrize(
    ("properties", "host", "state"),
    [
        (None, "", ""),
        ({}, "", ""),
        ({"ipAddress": None, "instanceView": None, "containers": None}, "", ""),
        ({"ipAddress": {"ip": "192.0.2.1"}, "instanceView": {}}, "192.0.2.1", ""),
        ({"ipAddress": {"fqdn": None}, "instanceView": {"state": "Stopped"}}, "", "Stopped"),
    ],
)
def test_what_azure_does_not_say_is_empty(properties: Any, host: str, state: str) -> None:
    assert actual.of_group({"properties": properties}) == Actual(host, state, [])


@pytest.mark.parametrize(("version", "asked"), [("2024-05-01", "2024-05-01"), ("", "2023-05-01")])
def test_it_is_asked_with_the_version_that_it_was_deployed_with(version: str, asked: str) -> None:
    azure = Told(**{"/g": {"properties": {}}})
    group = {"urn": "urn:g", "type": azure_facts.CONTAINER_GROUP, "id": "/g", "custom": True}
    known = {**group, "outputs": {"azureApiVersion": version}}
    stack = Stack("dev", Path(), {"deployment": {"resources": [known]}})
    assert actual.read(azure, stack, unasked) == Actual("", "", [])
    assert azure.asked == [("/g", {"api-version": asked}, None)]
    assert actual.read(Told(), stack, unasked) is None
    assert actual.read(Told(), Stack("dev", Path(), {}), unasked) is None


def test_a_groups_text_shows_nothing_of_its_containers() -> None:
    """Their plain variables may hold what nobody meant to print."""
    assert "hunter2" not in repr(Actual("h", "Running", [{"name": "a", "key": "hunter2"}]))
