"""The program under Pulumi's mocks: what it registers is recorded, and asserted on at the end."""

from __future__ import annotations

import asyncio
import json
import runpy
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.rpc import UNKNOWN

from local_azure.certificates import Certificates
from tests.support import program_loop

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "sklearn-mnist-svc"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
KINDS = ("azure-native:", "kubernetes:", "pulumi:providers:kubernetes")
"""What is recorded of what is registered."""
KNOWN_IN_A_PREVIEW = {"name", "location"}
"""Outputs of a resource that is updated which azure-native knows in a preview; no other is."""


@dataclass
class Recorded:
    """What the program registered.

    Attributes:
        inputs: By type token: the inputs of each resource.
        requests: By type token: the whole registration.
        outputs: The stack's outputs.
        components: By URN: the outputs of each component, and of the stack.
        hooks: By name: what is asked when something fails.
    """

    inputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: dict[str, list[Any]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    components: dict[str, Any] = field(default_factory=dict)
    hooks: dict[str, Any] = field(default_factory=dict)

    def one(self, token: str) -> dict[str, Any]:
        (found,) = self.inputs[f"azure-native:{token}"]
        return found

    def object(self, kind: str) -> dict[str, Any]:
        """The one Kubernetes object of a kind such as `apps/v1:Deployment`."""
        (found,) = self.inputs[f"kubernetes:{kind}"]
        return found

    def request(self, token: str) -> Any:
        (found,) = self.requests[f"azure-native:{token}"]
        return found

    @property
    def group(self) -> dict[str, Any]:
        return self.one("containerinstance:ContainerGroup")

    @property
    def container(self) -> dict[str, Any]:
        (found,) = self.group["containers"]
        return found


class _Azure(Mocks):
    """Azure's answers; in the preview of an update of everything most are unknown."""

    def __init__(
        self, login_server: str | None, *, updating: bool, given: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.login_server = login_server
        self.updating = updating
        self.given = given

    def call(self, args: MockCallArgs) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if args.token in self.given:
            return dict(self.given[args.token])
        if args.token == "azure-native:containerservice:listManagedClusterUserCredentials":
            return {"kubeconfigs": [{"name": "clusterUser", "value": "e30="}]}
        assert args.token == "azure-native:authorization:getClientConfig"
        return {
            "clientId": "client",
            "objectId": "object",
            "subscriptionId": SUBSCRIPTION,
            "tenantId": "00000000-0000-0000-0000-000000000002",
        }

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        outputs = {**args.inputs, "name": args.name}
        if args.typ == "azure-native:containerregistry:Registry":
            name = args.inputs["registryName"]
            outputs["loginServer"] = self.login_server or f"{name}.azurecr.io"
        if args.typ == "azure-native:managedidentity:UserAssignedIdentity":
            outputs["principalId"] = "principal"
        if args.typ == "azure-native:containerinstance:ContainerGroup":
            # Azure answers a map where the SDK takes a list.
            outputs["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {}}
            outputs["ipAddress"] = {**args.inputs["ipAddress"], "fqdn": "mnist.example"}
        if args.typ == "azure-native:containerservice:ManagedCluster":
            outputs["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {}}
        if args.typ == "kubernetes:core/v1:Service":
            outputs["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
        outputs |= self.given.get(args.typ, {})
        if self.updating:
            outputs = {
                key: value if key in KNOWN_IN_A_PREVIEW else UNKNOWN
                for key, value in outputs.items()
            }
        return f"/id/{args.name}", outputs


class _Monitor(MockMonitor):
    def __init__(self, mocks: Mocks, recorded: Recorded) -> None:
        super().__init__(mocks)
        self.recorded = recorded

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        with _own_loop():
            return super().Invoke(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        with _own_loop():
            answer = super().RegisterResource(request)
        if request.custom and request.type.startswith(KINDS):
            inputs = json_format.MessageToDict(request.object)
            self.recorded.inputs.setdefault(request.type, []).append(inputs)
            self.recorded.requests.setdefault(request.type, []).append(request)
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        self.recorded.components[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)


@contextmanager
def _own_loop() -> Iterator[None]:
    """An event loop for a worker thread's call: the mocks make one a thread and close none."""
    if threading.current_thread() is threading.main_thread():
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _cli_of(version: str) -> Callable[[Any], None]:
    """What an engine of a version answers; the mocks' engine does not know the question."""

    def answer(request: Any) -> None:
        oldest = request.pulumi_version_range.removeprefix(">=")
        if tuple(map(int, version.split("."))) < tuple(map(int, oldest.split("."))):
            raise RuntimeError(f"Pulumi CLI version {version} does not satisfy >={oldest}")

    return answer


class _Callbacks:
    """Where the program registers its hooks; the mocks have no such place of their own."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        self._recorded.hooks[hook.name] = hook.callback

    async def shutdown(self) -> None:
        pass


Run = Callable[..., Recorded]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run the program with configuration values; secret ones are named.

    With `updating` it is a preview in which every resource is updated; `given` are other answers
    of Azure's, by type or function.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # What fails is raised; every output that waited for it would say so once more.
    loop.set_exception_handler(lambda *_: None)
    # A URN for every name that a type ever had: nine tenths of a run, and nobody reads them, for
    # the mocks take aliases as they are.
    monkeypatch.setattr(pulumi.resource, "collapse_alias_to_urn", lambda *_: None)

    def program(
        config: Mapping[str, Any] | None = None,
        *,
        location: str | None = "westeurope",
        secrets: tuple[str, ...] = (),
        login_server: str | None = None,
        updating: bool = False,
        cli: str = "3.259.0",
        given: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Recorded:
        recorded = Recorded()
        mocks = _Azure(login_server, updating=updating, given=given or {})
        set_mocks(mocks, PROJECT, "test", preview=updating, monitor=_Monitor(mocks, recorded))
        engine = cast("Any", pulumi.runtime.settings.get_engine())
        engine.RequirePulumiVersion = _cli_of(cli)
        pulumi.runtime.settings.SETTINGS.callbacks = _Callbacks(recorded)  # pyright: ignore[reportAttributeAccessIssue]
        values = {
            f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in (config or {}).items()
        }
        if location:
            values["azure-native:location"] = location
        hidden = [f"{PROJECT}:{key}" for key in secrets]
        pulumi.runtime.set_all_config(values, hidden)

        stack = cast("Any", pulumi.runtime.settings.get_root_resource())
        stack.outputs.clear()

        @pulumi.runtime.test
        def go() -> pulumi.Output[None]:
            runpy.run_path(str(ROOT / "infra" / "__main__.py"))
            outputs = pulumi.Output.all(**stack.outputs)
            return outputs.apply(recorded.outputs.update, run_with_unknowns=True)

        go()
        return recorded

    yield program
    program_loop.end(loop)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """What a test's own server shows over TLS, and whom its clients trust."""
    made = Certificates.at(tmp_path_factory.mktemp("tls"))
    made.ensure()
    return made
