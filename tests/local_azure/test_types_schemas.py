"""The tables against Azure's own type definitions, for the versions that azure-native sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local_azure import types
from local_azure.types import Field, ResourceType, Shape
from local_azure.types.shape import Entries, Identities, Items, Scalar

FOLDER = Path(types.__file__).parent / "schemas"
JSON_TYPES = {str: "string", int: "number", float: "number", bool: "boolean"}

STRICTER = {
    # Of containers by hand; these can come from a group's or a pool's profile, which is not known.
    "Microsoft.ContainerInstance/containerGroups:location",
    "Microsoft.ContainerInstance/containerGroups:properties.containers[].properties.image",
    "Microsoft.ContainerInstance/containerGroups:properties.containers[].properties.resources",
    "Microsoft.ContainerInstance/containerGroups:properties.osType",
    # ARM refuses any regional resource without a region.
    "Microsoft.MachineLearningServices/workspaces:location",
}
"""Required by the table because the service refuses to go without; optional in the definition."""

SETTABLE = {
    "Microsoft.KeyVault/vaults:properties.provisioningState",
    "Microsoft.KeyVault/vaults:properties.vaultUri",
    # An empty object.
    "Microsoft.Resources/resourceGroups:properties",
}
"""Read-only in the table and in the SDK; the definition lets a client set it."""


def named(kind: ResourceType) -> str:
    return kind.type


@pytest.fixture(params=types.all_types(), ids=named)
def kind(request: pytest.FixtureRequest) -> ResourceType:
    return request.param


@pytest.fixture
def definition(kind: ResourceType) -> Mapping[str, Any]:
    name = kind.type.replace("/", ".")
    return json.loads((FOLDER / f"{name}@{kind.api_versions[0]}.json").read_text())


def resolved(node: Mapping[str, Any], definition: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        node = definition["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node


def objects(
    shape: Shape, node: Mapping[str, Any], definition: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, Mapping[str, Field], Mapping[str, Any]]]:
    """Every object of a body: its path, the table's fields by Azure's names, the definition."""
    node = resolved(node, definition)
    groups = [(path, shape.top, node)]
    if shape.properties:
        # A type whose properties are all read-only has none in its definition.
        inner = resolved(node["properties"].get("properties", {"properties": {}}), definition)
        groups.append((f"{path}properties.", shape.properties, inner))
    for prefix, group, where in groups:
        fields = {field.arm or name: field for name, field in group.items()}
        yield prefix, fields, where
        for name, field in fields.items():
            found = resolved(where["properties"].get(name, {}), definition)
            if field.read_only or not found:
                continue
            if isinstance(field.kind, Shape):
                yield from objects(field.kind, found, definition, f"{prefix}{name}.")
            elif isinstance(field.kind, Items) and isinstance(field.kind.item, Shape):
                item = found["items"]
                yield from objects(field.kind.item, item, definition, f"{prefix}{name}[].")


def test_a_client_may_set_what_azure_lets_it_set_and_nothing_else(
    kind: ResourceType, definition: Mapping[str, Any]
) -> None:
    for path, fields, where in objects(kind.shape, definition, definition):
        settable = {name for name, field in fields.items() if not field.read_only}
        assert settable <= set(where["properties"]), path
        both = (set(fields) - settable) & set(where["properties"])
        assert {f"{kind.type}:{path}{name}" for name in both} <= SETTABLE


def test_what_azure_requires_is_required(kind: ResourceType, definition: Mapping[str, Any]) -> None:
    for path, fields, where in objects(kind.shape, definition, definition):
        needed = {name for name, field in fields.items() if field.required}
        demanded = set(where.get("required", ())) - {"properties"}
        assert demanded <= needed, path
        more = needed - demanded - {"properties"}
        assert {f"{kind.type}:{path}{name}" for name in more} <= STRICTER


def test_every_member_has_azures_json_type_and_values(
    kind: ResourceType, definition: Mapping[str, Any]
) -> None:
    for path, fields, where in objects(kind.shape, definition, definition):
        for name, field in fields.items():
            if not field.read_only:
                same_type(field.kind, where["properties"][name], definition, f"{path}{name}")


def same_type(
    kind: object, node: Mapping[str, Any], definition: Mapping[str, Any], path: str
) -> None:
    node = resolved(node, definition)
    match kind:
        case Scalar():
            texts = values(node)
            if texts is None:
                assert node.get("type") in (JSON_TYPES[kind.type], "integer"), path
            else:
                assert kind.type is str, path
                if kind.allowed and texts:
                    assert set(kind.allowed) <= texts, f"{path}: Azure has {sorted(texts)}"
        case Items():
            assert node["type"] == "array", path
            same_type(kind.item, node["items"], definition, path)
        case Entries():
            assert node["additionalProperties"], path
            same_type(kind.item, node["additionalProperties"], definition, path)
        case Identities():
            assert node["additionalProperties"], path
        case _:
            assert node["type"] == "object", path


def values(node: Mapping[str, Any]) -> set[str] | None:
    """The strings that a definition names: empty if it names none, None if it is no string."""
    if "const" in node:
        return {node["const"]}
    if "enum" in node:
        return set(node["enum"])
    if "anyOf" in node:
        return set().union(*(values(each) or set() for each in node["anyOf"]))
    return set() if node.get("type") == "string" else None
