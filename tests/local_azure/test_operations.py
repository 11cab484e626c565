"""Asynchronous operations, with a service behind them that waits, fails or breaks when told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.routing import BaseRoute

if TYPE_CHECKING:
    from conftest import Serve

from local_azure.arm.app import create_app
from local_azure.arm.errors import ArmError
from local_azure.arm.service import Body, Resource
from local_azure.arm.store import Store
from local_azure.arm.subscriptions import SUBSCRIPTION, TENANT
from local_azure.arm.tokens import Identity, Tokens

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
PATH = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/logs"
VERSION = {"api-version": "2025-12-01"}
BODY: Body = {"location": "westeurope", "properties": {}}


@dataclass
class Workspaces:
    """A service that does what a tag of the resource says, and keeps a record."""

    type: str = "Microsoft.MachineLearningServices/workspaces"
    calls: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        self.calls.append("put")
        match resource.body.get("tags", {}).get("do"):
            case "wait":
                while not self.release.is_set():
                    await asyncio.sleep(0.01)
            case "fail":
                raise ArmError(409, "NoCapacity", "The region is full.", "properties.sku")
            case "break":
                raise ZeroDivisionError("a defect")
        return resource.body

    async def delete(self, resource: Resource) -> None:
        self.calls.append("delete")

    async def show(self, resource: Resource) -> Body:
        return {name: value for name, value in resource.body.items() if name != "tags"}

    async def resume(self, resource: Resource) -> Body:
        self.calls.append(f"resume {resource.name}")
        if resource.body["tags"]["do"] == "break later":
            raise ZeroDivisionError("a defect")
        return resource.body

    def actions(self) -> Sequence[BaseRoute]:
        return []

    async def close(self) -> None:
        self.calls.append("close")


@dataclass(frozen=True)
class Arm:
    """A stand-in in this process, on a socket."""

    client: httpx.Client
    service: Workspaces
    store: Store
    stop: Callable[[], None]

    def put(self, do: str, path: str = PATH) -> httpx.Response:
        return self.client.put(path, params=VERSION, json=BODY | {"tags": {"do": do}})

    def state(self) -> str:
        answer = self.client.get(PATH, params=VERSION)
        assert answer.status_code == 200
        return answer.json()["properties"]["provisioningState"]

    def outcome(self, accepted: httpx.Response) -> dict[str, Any]:
        """What the operation says when it has ended."""
        deadline = time.monotonic() + 10
        while True:
            shown = self.client.get(accepted.headers["azure-asyncoperation"]).json()
            if shown["status"] != "InProgress":
                return shown
            assert time.monotonic() < deadline


Run = Callable[[], Arm]


@pytest.fixture
def run(tmp_path: Path, serve: Serve) -> Iterator[Run]:
    """Starts the application on the same state again and again."""
    arms: list[Arm] = []
    who = Identity("client", "secret", "object", TENANT)
    tokens = Tokens("a signing key of at least 32 bytes, for HS256", who, ("https://arm",))

    def stop() -> None:
        arm = arms.pop()
        arm.stop()
        arm.store.close()

    def start() -> Arm:
        if arms:
            stop()
        service = Workspaces()
        store = Store(tmp_path / "state.sqlite3")
        client, ended = serve(create_app("", store, tokens, [service], {}))
        client.headers["Authorization"] = f"Bearer {tokens.issue('https://arm')}"
        client.put(GROUP, params={"api-version": "2024-03-01"}, json={"location": "westeurope"})
        arms.append(Arm(client, service, store, ended))
        return arms[-1]

    yield start
    stop()


def test_a_put_is_answered_before_its_work_is_done(run: Run):
    arm = run()
    accepted = arm.put("wait")
    assert accepted.status_code == 201
    assert accepted.json()["properties"]["provisioningState"] == "Creating"
    assert arm.state() == "Creating"
    location = arm.client.get(accepted.headers["location"])
    assert location.status_code == 202
    arm.service.release.set()
    assert arm.outcome(accepted)["status"] == "Succeeded"
    assert arm.state() == "Succeeded"
    assert arm.client.get(accepted.headers["location"]).json()["name"] == "logs"


def test_what_is_being_made_is_left_alone_until_it_is(run: Run):
    arm = run()
    accepted = arm.put("wait")
    for answer in (arm.put(""), arm.client.delete(PATH, params=VERSION)):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "AnotherOperationInProgress"
    arm.service.release.set()
    arm.outcome(accepted)
    assert arm.put("").status_code == 200


def test_a_failed_creation_is_kept_as_failed_and_says_why(run: Run):
    arm = run()
    accepted = arm.put("fail")
    assert accepted.status_code == 201
    outcome = arm.outcome(accepted)
    assert outcome["status"] == "Failed"
    assert outcome["error"] == {
        "code": "NoCapacity",
        "message": "The region is full.",
        "target": "properties.sku",
    }
    assert arm.state() == "Failed"
    assert arm.client.get(accepted.headers["location"]).status_code == 409
    assert arm.outcome(arm.put(""))["status"] == "Succeeded"


def test_a_failed_change_keeps_what_was_there(run: Run):
    arm = run()
    arm.outcome(arm.put(""))
    assert arm.outcome(arm.put("fail"))["status"] == "Failed"
    assert arm.state() == "Succeeded"
    kept = arm.store.get(PATH)
    assert kept
    assert kept.body["tags"] == {"do": ""}


def test_a_defect_of_a_service_is_an_error_not_a_success(run: Run):
    arm = run()
    outcome = arm.outcome(arm.put("break"))
    assert outcome["error"]["code"] == "InternalServerError"
    assert "ZeroDivision" not in str(outcome)
    assert arm.state() == "Failed"


def test_a_service_decides_what_is_shown(run: Run):
    arm = run()
    accepted = arm.put("")
    assert "tags" not in accepted.json()
    arm.outcome(accepted)
    assert "tags" not in arm.client.get(PATH, params=VERSION).json()
    listed = arm.client.get(PATH.rpartition("/")[0], params=VERSION).json()["value"]
    assert "tags" not in listed[0]


def test_deleting_a_group_deletes_through_the_service(run: Run):
    arm = run()
    arm.outcome(arm.put(""))
    accepted = arm.client.delete(GROUP, params={"api-version": "2024-03-01"})
    assert accepted.status_code == 202
    assert arm.outcome(accepted)["status"] == "Succeeded"
    assert arm.service.calls == ["put", "delete"]
    assert arm.client.get(accepted.headers["location"]).status_code == 204


def test_a_restart_brings_resources_back_through_the_service(run: Run):
    arm = run()
    arm.outcome(arm.put(""))
    again = run()
    assert arm.service.calls[-1] == "close"
    assert again.service.calls == ["resume logs"]
    assert again.state() == "Succeeded"


def test_a_resource_that_cannot_come_back_is_failed_and_the_stand_in_is_up(run: Run):
    arm = run()
    arm.outcome(arm.put("break later"))
    again = run()
    assert again.service.calls == ["resume logs"]
    assert again.state() == "Failed"


def test_an_operation_that_a_stop_cut_off_has_failed(run: Run):
    arm = run()
    accepted = arm.put("wait")
    again = run()
    outcome = again.outcome(accepted)
    assert outcome["status"] == "Failed"
    assert outcome["error"]["code"] == "OperationPreempted"
    assert again.state() == "Failed"
    assert again.outcome(again.put(""))["status"] == "Succeeded"


def test_an_unknown_operation_is_not_found(run: Run):
    arm = run()
    known = arm.put("").headers["azure-asyncoperation"]
    answer = arm.client.get(known.replace("OperationsStatus/", "OperationsStatus/x"))
    assert answer.json()["error"]["code"] == "OperationNotFound"
