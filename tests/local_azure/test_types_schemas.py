"""The overlay against Azure's own schemas: what it names is there, and what it adds is few."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from local_azure import types
from local_azure.types import ResourceType, schema

FOLDER = Path(types.__file__).parent / "schemas"


def named(kind: ResourceType) -> str:
    return kind.type


@pytest.fixture(params=types.all_types(), ids=named)
def kind(request: pytest.FixtureRequest) -> ResourceType:
    return request.param


@pytest.fixture
def definition(kind: ResourceType) -> Mapping[str, Any]:
    name = kind.type.replace("/", ".")
    return json.loads((FOLDER / f"{name}@{kind.api_versions[0]}.json").read_text())


def paths(node: Mapping[str, Any], definition: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every path of a schema."""
    while "$ref" in node:
        node = definition["$defs"][node["$ref"].removeprefix("#/$defs/")]
    yield path
    if "items" in node:
        yield from paths(node["items"], definition, f"{path}[]")
    for name, inner in node.get("properties", {}).items():
        yield from paths(inner, definition, f"{path}.{name}" if path else name)


def test_every_schema_is_one_and_says_where_it_is_from(definition: Mapping[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(definition)
    assert "Azure/bicep-types-az (MIT)" in definition["$comment"]
    source = (FOLDER / "SOURCE.md").read_text()
    assert "https://github.com/Azure/bicep-types-az" in source
    assert "MIT License" in source


def test_no_schema_is_kept_that_no_type_has() -> None:
    wanted = {f"{k.type.replace('/', '.')}@{k.api_versions[0]}.json" for k in types.all_types()}
    assert {each.name for each in FOLDER.glob("*.json")} == wanted


def test_what_the_overlay_names_is_in_azures_schema(
    kind: ResourceType, definition: Mapping[str, Any]
) -> None:
    known = set(paths(definition, definition))
    over = kind.overlay
    said = {*over.flat, *over.required, *over.limits, *over.unsupported, *over.secret}
    said |= {each for each in over.defaults if each not in over.read_only}
    said |= {each for each in over.renames if each not in over.read_only}
    said |= {*kind.immutable, *kind.irreversible}
    assert said <= known


def test_a_default_fits_the_schema_that_it_belongs_to(kind: ResourceType) -> None:
    for path, value in kind.overlay.defaults.items():
        node = kind.schema
        for name in path.replace("[]", ".[]").split("."):
            node = node["items"] if name == "[]" else node["properties"][name]
        assert list(schema.violations(node, value)) == [], path


def test_an_unsupported_member_is_refused(kind: ResourceType) -> None:
    for path in kind.overlay.unsupported:
        top, _, inner = path.partition(".")
        if "." in inner or "[]" in path:
            continue
        said, unsaid = ({top: {inner: v}} if inner else {top: v} for v in ({"a": 1}, {"a": None}))
        assert path in {each.target for each in kind.check(said)}
        assert path not in {each.target for each in kind.check(unsaid)}
