"""Runs the program without an engine, a cloud or an identity, and says what it declares.

A process of its own: it loads the provider's SDK and changes Pulumi's runtime.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks

from infra import azure_facts
from infra.image_reference import ImageReference
from infra.naming import Names

PROGRAM = Path(__file__).resolve().parents[1] / "__main__.py"
NOBODY = "00000000-0000-0000-0000-000000000000"
PLACEHOLDER = "stands-for-a-secret-that-is-not-read"
"""Takes the place of every encrypted value: nothing is decrypted, and no key is needed."""

NO_CLUSTER = json.dumps(
    {
        "current-context": "none",
        "contexts": [{"name": "none", "context": {"cluster": "none"}}],
        "clusters": [{"name": "none", "cluster": {"server": "https://cluster.invalid"}}],
    }
)
"""Takes the place of an encrypted kubeconfig, which the settings look into."""


class _Cloud(Mocks):
    """Answers as a cloud would that makes everything as it is declared."""

    def __init__(self, server: str) -> None:
        self._server = server

    def call(self, args: MockCallArgs) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if args.token.endswith(":listManagedClusterUserCredentials"):
            return {"kubeconfigs": [{"name": "nobody", "value": ""}]}
        names = ("clientId", "objectId", "subscriptionId", "tenantId")
        return dict.fromkeys(names, NOBODY)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        outputs = {**args.inputs, "name": args.name, "principalId": NOBODY}
        if args.typ == azure_facts.REGISTRY:
            outputs["loginServer"] = self._server
        if args.typ in {azure_facts.CONTAINER_GROUP, azure_facts.MANAGED_CLUSTER}:
            outputs["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {}}
        if args.typ == azure_facts.SERVICE:
            outputs["status"] = {"loadBalancer": {"ingress": [{"hostname": "host.invalid"}]}}
        if args.typ == azure_facts.CONTAINER_GROUP:
            outputs["ipAddress"] = {**args.inputs["ipAddress"], "fqdn": "host.invalid"}
        return f"/subscriptions/{NOBODY}/{args.name}", outputs


class _Monitor(MockMonitor):
    """Records what is registered."""

    def __init__(self, mocks: Mocks, found: list[dict[str, Any]]) -> None:
        super().__init__(mocks)
        self._found = found

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  gRPC's name
        answer = super().RegisterResource(request)
        if request.custom:
            inputs = json_format.MessageToDict(request.object)
            self._found.append({"type": request.type, "name": request.name, "inputs": inputs})
        return answer


class _Callbacks:
    """Takes the program's hooks, which only an engine would call."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

    async def shutdown(self) -> None:
        """End."""


def run(project: str, stack: str, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resources that the program declares with a configuration.

    Raises:
        Exception: Whatever the program raises.
    """
    values, secrets = _plain(config)
    image = ImageReference.parse(values.get(f"{project}:image", ""))
    server = image.server if image and image.server else "registry.invalid"
    # The registry's name has the subscription in it, which is not known here: it is taken to be
    # the one that the image names.
    Names.registry = property(lambda _: server.partition(".")[0])  # pyright: ignore[reportAttributeAccessIssue]
    pulumi.require_pulumi_version = lambda *_: None
    # A URN for every name that a type ever had: for engines that take no aliases as they are.
    cast("Any", pulumi.resource).collapse_alias_to_urn = lambda *_: None
    found: list[dict[str, Any]] = []
    asyncio.set_event_loop(asyncio.new_event_loop())
    cloud = _Cloud(server)
    set_mocks(cloud, project, stack, preview=False, monitor=_Monitor(cloud, found))
    pulumi.runtime.settings.SETTINGS.callbacks = _Callbacks()  # pyright: ignore[reportAttributeAccessIssue]
    pulumi.runtime.set_all_config(values, secrets)
    root = cast("Any", pulumi.runtime.settings.get_root_resource())

    @pulumi.runtime.test
    def go() -> pulumi.Output[Any]:
        runpy.run_path(str(PROGRAM))
        return pulumi.Output.all(**root.outputs)

    go()
    return found


def _plain(config: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """(values as the engine hands them over, the keys that are secret)."""
    values: dict[str, str] = {}
    secrets: list[str] = []
    for key, value in config.items():
        opened = _opened(value)
        if opened != value:
            secrets.append(key)
            opened = NO_CLUSTER if key.endswith(":kubeconfig") else opened
        if isinstance(opened, bool):
            opened = "true" if opened else "false"
        values[key] = opened if isinstance(opened, str) else json.dumps(opened)
    return values, secrets


def _opened(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return PLACEHOLDER
        return {name: _opened(each) for name, each in value.items()}
    return [_opened(each) for each in value] if isinstance(value, list) else value


def main() -> None:
    """`python -m infra.review.offline_program PROJECT STACK FILE`: JSON on the standard output."""
    project, stack, file = sys.argv[1:]
    try:
        content = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
        found = run(project, stack, content.get("config") or {})
    except Exception as error:  # whatever the program raises is what the reviewer is told
        sys.stdout.write(json.dumps({"error": f"{error}" or type(error).__name__}))
    else:
        sys.stdout.write(json.dumps({"resources": found}))


if __name__ == "__main__":
    main()
