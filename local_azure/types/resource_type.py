"""A resource type: its shape, its versions, and how the Pulumi SDK names it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_azure.types.shape import Field, Shape, Violation, read_only, text

Body = dict[str, Any]
Outputs = Callable[[str, Body], Body]
"""Read-only members of a resource from its id and its completed body, as a partial body."""

_OF_THE_PROVIDER = ("azureApiVersion", "__createBeforeDelete")
"""Inputs that azure-native adds to every resource for its own use."""

_NAMESPACE = uuid.UUID("d2c6f7a0-4a5b-4e43-8a39-0f1c6d0b9f11")


def _nothing(_id: str, _body: Body) -> Body:
    return {}


@dataclass(frozen=True)
class ResourceType:
    """One type of resource.

    Attributes:
        type: `Namespace/type`.
        token: The type's token in the azure-native SDK.
        api_versions: What is accepted; the first is the one that azure-native sends.
        shape: The body.
        name_input: The SDK's input for the resource's name.
        scope_input: The SDK's input for what the resource lives in; "" for a resource group.
        new_on: SDK inputs, beside name and scope, for which azure-native plans a new resource: its
            own list, and what Azure's definitions let a client set at creation only. For the rest
            it plans an update, also where the service will refuse that.
        immutable: Paths in the ARM body that the service refuses to change.
        guid_name: Whether the name must be a GUID.
        long_running: Whether a PUT is finished by polling.
        outputs: What Azure adds.
    """

    type: str
    token: str
    api_versions: tuple[str, ...]
    shape: Shape
    name_input: str
    scope_input: str = "resourceGroupName"
    new_on: tuple[str, ...] = ("location",)
    immutable: tuple[str, ...] = ()
    guid_name: bool = False
    long_running: bool = True
    outputs: Outputs = field(default=_nothing)

    def check(self, body: Body) -> list[Violation]:
        """Everything that is wrong with a request's body."""
        return list(self.shape.check(body))

    def complete(self, resource_id: str, body: Body, previous: Body | None) -> Body:
        """The stored body: what the request sets, defaults, and what Azure adds.

        What a request leaves out goes back to its default, also where `previous` had set it.
        """
        completed = self.shape.complete(body)
        return merge(completed, self.outputs(resource_id, completed))

    def resource_id(self, subscription: str, inputs: Mapping[str, Any]) -> str:
        """The ARM id of the resource that the SDK's inputs describe."""
        name = inputs[self.name_input]
        if not self.scope_input:
            return f"/subscriptions/{subscription}/resourceGroups/{name}"
        scope = str(inputs[self.scope_input])
        if self.scope_input == "resourceGroupName":
            scope = f"/subscriptions/{subscription}/resourceGroups/{scope}"
        return f"{scope.rstrip('/')}/providers/{self.type}/{name}"

    def arm_inputs(self, inputs: Mapping[str, Any]) -> Body:
        """The body of the PUT for the SDK's inputs.

        Raises:
            UnsupportedError: An input that the stand-in does not know.
        """
        outside = {self.name_input, self.scope_input, *_OF_THE_PROVIDER}
        return self.shape.to_arm({k: v for k, v in inputs.items() if k not in outside})

    def sdk_outputs(self, resource: Body) -> dict[str, Any]:
        """The SDK's outputs for a GET's answer."""
        identity = {key: resource[key] for key in ("id", "name", "type") if key in resource}
        return self.shape.to_sdk(resource) | identity | {"azureApiVersion": self.api_versions[0]}


def merge(body: Body, more: Body) -> Body:
    """`body` with the members of `more` added, objects member by member."""
    result = dict(body)
    for name, value in more.items():
        here = result.get(name)
        both = isinstance(here, dict) and isinstance(value, dict)
        result[name] = merge(here, value) if both else value  # pyright: ignore[reportArgumentType]
    return result


def stable_guid(resource_id: str, purpose: str) -> str:
    """A GUID that is always the same for the same resource and purpose."""
    return str(uuid.uuid5(_NAMESPACE, f"{resource_id.lower()}#{purpose}"))


STATE: dict[str, Field] = {"provisioningState": read_only(text())}
"""The field that nearly every type has."""


def succeeded(_id: str, _body: Body) -> Body:
    """The state that the server moves through Creating and Updating to Succeeded."""
    return {"properties": {"provisioningState": "Succeeded"}}
