"""What a group's makers run into on Azure: a right that is too new, a node that fails, a wait."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError

from local_azure.arm.conditions import FILE

VERSION = {"api-version": "2024-05-01-preview"}

Set = Callable[..., None]


@pytest.fixture
def conditions(stand_in: Any) -> Iterator[Set]:
    path: Path = stand_in.home.root / FILE

    def write(**said: Any) -> None:
        path.write_text(json.dumps(said))

    yield write
    path.unlink(missing_ok=True)


def put(groups: Any, body: dict[str, Any], name: str) -> Any:
    groups.made.append(name)
    return groups.world.http.put(groups.path(name), params=VERSION, json=body)


def stranger(groups: Any) -> dict[str, Any]:
    body = groups.body()
    body["identity"]["userAssignedIdentities"] = {groups.world.stranger: {}}
    body["properties"]["imageRegistryCredentials"][0]["identity"] = groups.world.stranger
    return body


def test_a_pull_without_a_right_is_refused_in_the_answer_and_leaves_no_group(groups: Any):
    name = f"group-{uuid4().hex[:8]}"
    answer = put(groups, stranger(groups), name)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InaccessibleImage")
    assert groups.world.http.get(groups.path(name), params=VERSION).status_code == 404


def test_a_pull_that_fails_on_the_node_is_accepted_and_leaves_a_failed_group(
    groups: Any, conditions: Set
):
    conditions(pullFailsOnNode=True)
    name = f"group-{uuid4().hex[:8]}"
    answer = put(groups, stranger(groups), name)
    assert answer.status_code == 201
    where = answer.headers["azure-asyncoperation"]
    while (state := groups.world.http.get(where).json())["status"] == "Pending":
        time.sleep(0.05)
    assert (state["status"], state["error"]["code"]) == ("Failed", "InaccessibleImage")
    group = groups.world.http.get(groups.path(name), params=VERSION).json()
    assert group["properties"]["provisioningState"] == "Failed"


def test_a_new_right_works_when_it_has_propagated_and_not_before(groups: Any, conditions: Set):
    conditions(pullRightSeconds=3600)
    with pytest.raises(HttpResponseError, match="has it for less than 3600 s"):
        groups.put(groups.body())
    conditions(pullRightSeconds=0.001)
    assert groups.put(groups.body()).provisioning_state == "Succeeded"


def test_a_group_that_was_changed_is_transitioning_for_a_while(groups: Any, conditions: Set):
    made = groups.put(groups.body())
    conditions(transitioningSeconds=3600)
    answer = put(groups, groups.body(), made.name)
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        409,
        "ContainerGroupTransitioning",
    )
    groups.delete(made.name)
    assert put(groups, groups.body(), made.name).status_code == 409
    conditions(transitioningSeconds=0)
    assert groups.put(groups.body(), made.name).provisioning_state == "Succeeded"


@pytest.mark.parametrize(
    "said",
    ['{"pullRightSecond": 1}', '{"pullFailsOnNode": 1}', '{"pullRightSeconds": -1}', "[", "[]"],
)
def test_a_condition_that_would_be_ignored_is_an_error(groups: Any, stand_in: Any, said: str):
    path = stand_in.home.root / FILE
    path.write_text(said)
    try:
        answer = put(groups, groups.body(), "any")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "InvalidConditions")
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
