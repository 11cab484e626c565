"""A resource type: its schema, its versions, its rules, and how the Pulumi SDK names it.

What is said of each is data, in `overlays/`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from local_azure.types import outputs, schema
from local_azure.types.convention import Convention
from local_azure.types.schema import Node, Overlay, Violation
from local_azure.types.shape import Shape, merge

Body = dict[str, Any]

LeftOut = Literal["default", "kept", "unknown"]
"""What becomes of a property that a PUT leaves out, by the documentation of the service."""

_OF_THE_PROVIDER = ("azureApiVersion", "__createBeforeDelete")
"""Inputs that azure-native adds to every resource for its own use."""

_VERSION = re.compile(r"(\d{4}-\d\d-\d\d)(-[a-z]+)?")


@dataclass(frozen=True)
class NameRule:
    """What Azure takes for a name ("Naming rules and restrictions for Azure resources").

    Attributes:
        pattern: The whole name.
        words: The same for people.
        code: The error's code.
        provider: Whether azure-native's Check knows the rule, too.
    """

    pattern: str
    words: str
    code: str = "InvalidResourceName"
    provider: bool = True


@dataclass(frozen=True)
class ResourceType:
    """One type of resource.

    Attributes:
        type: `Namespace/type`.
        token: The type's token in the azure-native SDK.
        api_versions: The first is the one that azure-native sends, and that the schema is of.
            Clients may use any that is not older than the oldest of these.
        overlay: What the schema does not say.
        name_input: The SDK's input for the resource's name.
        name_rule: What the name may be, beside ARM's own rule.
        parent_inputs: The SDK's inputs for the names of what it is a part of, the outermost first.
        scope_input: The SDK's input for what the resource lives in; "" for a resource group.
        new_on: SDK inputs, beside name and scope, for which azure-native plans a new resource: its
            own list, and what Azure's definitions let a client set at creation only. For the rest
            it plans an update, also where the service will refuse that.
        immutable: Paths in the ARM body that the service refuses to change.
        irreversible: Paths of flags under `properties` that stay on once they are on.
        left_out: What becomes of a member of `properties` that an update leaves out.
        restored: SDK inputs whose default azure-native sends by itself when a program declares them
            no more.
        guid_name: Whether the name must be a GUID.
        missing: The code of the 404 for a resource that does not exist.
        convention: How Azure answers.
        outputs: What Azure adds: a partial body of templates, see `outputs`.
    """

    type: str
    token: str
    api_versions: Sequence[str]
    overlay: Overlay
    name_input: str
    name_rule: NameRule | None = None
    parent_inputs: Sequence[str] = ()
    scope_input: str = "resourceGroupName"
    new_on: Sequence[str] = ("location",)
    immutable: Sequence[str] = ()
    irreversible: Sequence[str] = ()
    left_out: LeftOut = "unknown"
    restored: Sequence[str] = ()
    guid_name: bool = False
    missing: str = "ResourceNotFound"
    convention: Convention = field(default_factory=Convention)
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> ResourceType:
        """The type that an overlay describes, in the names of this class."""
        said = tomllib.loads(file.read_text())
        if rule := said.get("name_rule"):
            said["name_rule"] = NameRule(**rule)
        said["overlay"] = Overlay(**said.get("overlay", {}))
        said["convention"] = Convention(**said.get("convention", {}))
        return cls(**said)

    @cached_property
    def schema(self) -> Node:
        """Azure's schema of the body, with the overlay."""
        return schema.load(self.type, self.api_versions[0], self.overlay)

    @cached_property
    def shape(self) -> Shape:
        """The same as a tree."""
        return schema.tree(self.schema, self.overlay)

    def accepts(self, version: str) -> bool:
        """Whether a client may use this API version: clients are newer than programs."""
        oldest = min(each[:10] for each in self.api_versions)
        found = _VERSION.fullmatch(version)
        return found is not None and found[1] >= oldest

    def check(self, body: Body) -> list[Violation]:
        """Everything that is wrong with a request's body."""
        return list(schema.violations(self.schema, self.shape.settable(body)))

    def complete(
        self, resource_id: str, body: Body, previous: Body | None, *, keep_unknown: bool = False
    ) -> Body:
        """The stored body: what the request sets, what it leaves out, and what Azure adds.

        Args:
            resource_id: The resource's id.
            body: A checked request.
            previous: What is stored, or None.
            keep_unknown: Whether a type of which nobody wrote it down keeps what is left out.
        """
        before = (self.shape.settable(previous) if previous else {}).get("properties") or {}
        if self.left_out == "kept" or (self.left_out == "unknown" and keep_unknown):
            kept = before
        else:
            names = {each.removeprefix("properties.") for each in self.irreversible}
            kept = {name: value for name, value in before.items() if name in names}
        if kept:
            said = {k: v for k, v in (body.get("properties") or {}).items() if v is not None}
            body = {**body, "properties": {**kept, **said}}
        completed = self.shape.complete(body)
        return merge(completed, outputs.added(self.type, self.outputs, resource_id, completed))

    def resource_id(self, subscription: str, inputs: Mapping[str, Any]) -> str:
        """The ARM id of the resource that the SDK's inputs describe."""
        name = inputs[self.name_input]
        if not self.scope_input:
            return f"/subscriptions/{subscription}/resourceGroups/{name}"
        scope = str(inputs[self.scope_input])
        if self.scope_input == "resourceGroupName":
            scope = f"/subscriptions/{subscription}/resourceGroups/{scope}"
        namespace, *kinds = self.type.split("/")
        names = [*(inputs[each] for each in self.parent_inputs), name]
        path = "/".join(f"{kind}/{one}" for kind, one in zip(kinds, names, strict=True))
        return f"{scope.rstrip('/')}/providers/{namespace}/{path}"

    def arm_inputs(self, inputs: Mapping[str, Any]) -> Body:
        """The body of the PUT for the SDK's inputs.

        Raises:
            UnsupportedError: An input that the stand-in does not know.
        """
        named = {self.name_input, self.scope_input, *self.parent_inputs}
        outside = {*named, *_OF_THE_PROVIDER}
        return self.shape.to_arm({k: v for k, v in inputs.items() if k not in outside})

    def sdk_outputs(self, resource: Body) -> dict[str, Any]:
        """The SDK's outputs for a GET's answer."""
        identity = {key: resource[key] for key in ("id", "name", "type") if key in resource}
        return self.shape.to_sdk(resource) | identity | {"azureApiVersion": self.api_versions[0]}
