"""The plugin's own process, called as the engine calls it, when ARM breaks in the middle."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import uvicorn
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import provider_pb2, status_pb2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.certificates import Certificates
from local_azure.home import CHECKOUT

URN = "urn:pulumi:local::p::azure-native:managedidentity:UserAssignedIdentity::who"
INPUTS = {"resourceName": "who", "resourceGroupName": "g", "location": "westeurope"}
ID = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/who"
)


class Arm:
    """An ARM that accepts a PUT; what becomes of it is the test's to say.

    Attributes:
        operation: The answer to a look at the operation.
        resource: The answer to a GET of the resource, once it was accepted.
    """

    def __init__(self) -> None:
        self.operation: tuple[int, Any] = (200, {"status": "Succeeded"})
        self.resource: tuple[int, Any] = (200, {"id": ID, "location": "westeurope"})
        self.accepted = threading.Event()
        self.url = ""

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/t/oauth2/v2.0/token", self.token, methods=["POST"]),
                Route("/subscriptions/s", self.subscription),
                Route("/operation", self.look),
                Route(ID, self.put, methods=["PUT"]),
                Route(ID, self.get, methods=["GET"]),
            ]
        )

    async def token(self, request: Request) -> Response:
        return JSONResponse({"access_token": "any", "expires_in": 3600})

    async def subscription(self, request: Request) -> Response:
        return JSONResponse({"subscriptionId": "s"})

    async def put(self, request: Request) -> Response:
        self.accepted.set()
        body = {"id": ID, **await request.json(), "properties": {"provisioningState": "Creating"}}
        return JSONResponse(body, 201, {"Azure-AsyncOperation": f"{self.url}/operation"})

    async def look(self, request: Request) -> Response:
        return JSONResponse(self.operation[1], self.operation[0])

    async def get(self, request: Request) -> Response:
        status, body = self.resource
        if not self.accepted.is_set():
            status, body = 404, {"error": {"code": "ResourceNotFound", "message": "None."}}
        return JSONResponse(body, status)


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[Arm]:
    certificates = Certificates.at(tmp_path)
    certificates.ensure()
    arm = Arm()
    config = uvicorn.Config(
        arm.app,
        port=0,
        log_config=None,
        ssl_certfile=certificates.certificate,
        ssl_keyfile=certificates.key,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    arm.url = f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield arm
    server.should_exit = True
    thread.join(15)
    assert not thread.is_alive()


@pytest.fixture
def environment(arm: Arm, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "REQUESTS_CA_BUNDLE": str(Certificates.at(tmp_path).authority),
        "ARM_RESOURCE_MANAGER_ENDPOINT": arm.url,
        "ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST": arm.url,
        "ARM_TENANT_ID": "t",
        "ARM_CLIENT_ID": "c",
        "ARM_CLIENT_SECRET": "s3cret",
        "ARM_SUBSCRIPTION_ID": "s",
    }


@pytest.fixture
def plugin(started: Callable[..., Any], environment: dict[str, str]) -> Iterator[Any]:
    with started(environment) as stub:
        yield stub


def create(plugin: Any, *, seconds: float = 0) -> Any:
    plugin.Configure(provider_pb2.ConfigureRequest(), timeout=20)
    request = provider_pb2.CreateRequest(urn=URN, timeout=seconds)
    request.properties.update(INPUTS)
    return plugin.Create(request, timeout=30)


def trailers(error: Any) -> dict[str, bytes]:
    return dict(error.trailing_metadata())


def kept(error: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    """What the engine will keep in the state."""
    status = status_pb2.Status.FromString(trailers(error)["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return detail


def test_a_good_answer_becomes_outputs(plugin: Any) -> None:
    made = create(plugin)
    assert made.id == ID
    assert json_format.MessageToDict(made.properties)["location"] == "westeurope"


def test_an_operation_that_fails_keeps_the_resource_and_azures_reason(
    plugin: Any, arm: Arm
) -> None:
    reason = {"code": "NoRoom", "message": "There is none."}
    arm.operation = (200, {"status": "Failed", "error": reason})
    arm.resource = (200, {"id": ID, "location": "westeurope", "tags": {"as": "found"}})
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin)
    detail = kept(caught.value)
    assert detail.id == ID
    assert list(detail.reasons) == ["NoRoom: There is none."]
    assert json_format.MessageToDict(detail.properties)["tags"] == {"as": "found"}
    assert json_format.MessageToDict(detail.inputs) == INPUTS


def test_an_arm_that_breaks_after_it_accepted_keeps_the_resource_too(plugin: Any, arm: Arm) -> None:
    broken = (403, {"error": {"code": "Broken", "message": "No."}})
    arm.operation = arm.resource = broken
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin)
    detail = kept(caught.value)
    assert detail.id == ID
    assert list(detail.reasons) == ["Broken: No."]
    assert json_format.MessageToDict(detail.properties)["location"] == "westeurope"


def test_a_resource_that_failed_and_is_gone_is_not_kept(plugin: Any, arm: Arm) -> None:
    arm.operation = (200, {"status": "Failed", "error": {"code": "NoRoom", "message": "None."}})
    arm.resource = (404, {"error": {"code": "ResourceNotFound", "message": "Gone."}})
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin)
    assert "grpc-status-details-bin" not in trailers(caught.value)
    assert "NoRoom: None." in str(caught.value)


def test_a_cancelled_engine_does_not_wait_and_keeps_the_resource(plugin: Any, arm: Arm) -> None:
    arm.operation = (200, {"status": "InProgress"})

    def cancel() -> None:
        assert arm.accepted.wait(20)
        plugin.Cancel(empty_pb2.Empty(), timeout=10)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin)
    canceller.join(10)
    detail = kept(caught.value)
    assert detail.id == ID
    assert list(detail.reasons) == ["cancelled before it ended; Azure goes on with it"]


def test_a_custom_timeout_ends_the_wait_and_keeps_the_resource(plugin: Any, arm: Arm) -> None:
    arm.operation = (200, {"status": "InProgress"})
    with pytest.raises(grpc.RpcError) as caught:
        create(plugin, seconds=0.3)
    detail = kept(caught.value)
    assert list(detail.reasons) == ["it did not end within 0.3 s; Azure goes on with it"]


def test_without_the_stand_ins_variables_the_remedy_is_told(
    started: Callable[..., Any], environment: dict[str, str]
) -> None:
    del environment["ARM_CLIENT_SECRET"]
    with (
        started(environment) as stub,
        pytest.raises(grpc.RpcError, match=r"ARM_CLIENT_SECRET is not set; .* exec -- "),
    ):
        stub.Configure(provider_pb2.ConfigureRequest(), timeout=20)
