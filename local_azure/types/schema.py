"""Azure's schemas, with an overlay laid on: what a body may be, and the tree that translates it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_azure.types.shape import (
    Entries,
    Field,
    Identities,
    Items,
    Kind,
    Scalar,
    Shape,
    folded,
)

FOLDER = Path(__file__).parent / "schemas"
"""One JSON Schema for each type, in the version that azure-native sends; see its SOURCE.md."""

FRACTIONS = frozenset({"cpu", "memoryInGB", "dailyQuotaGb", "SamplingPercentage"})
"""The numbers that need not be whole: Azure's types say `number` for all of them."""

GUID = "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
IDENTITY = "(?i)/microsoft.managedidentity/userassignedidentities/"
_LIMITS = ("const", "pattern", "minLength", "maxLength", "minimum", "maximum")

Node = dict[str, Any]


@dataclass(frozen=True)
class Overlay:
    """What a type's schema does not say. Paths are Azure's: `properties.containers[].name`.

    Attributes:
        nested: Whether the SDK keeps `properties` as Azure has it, instead of flat.
        flat: Paths of further objects whose `properties` the SDK keeps flat.
        renames: The SDK's name of a member, where it is another than Azure's.
        required: What the service does not go without, beside what the schema requires.
        limits: JSON Schema's words for what the service demands of a value.
        unsupported: What would be accepted and have no effect here.
        read_only: What only Azure sets. The schemas leave it out.
        secret: What is written and never answered.
        hidden: What of `read_only` azure-native's SDK does not know.
        defaults: What Azure answers with where a request says nothing. An object makes its parent
            and is merged into it; a plain value needs a parent that is there.
    """

    nested: bool = False
    flat: Sequence[str] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    required: Sequence[str] = ()
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unsupported: Sequence[str] = ()
    read_only: Sequence[str] = ()
    secret: Sequence[str] = ()
    hidden: Sequence[str] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Violation:
    """What is wrong with a body: Azure's error code, a sentence, the path."""

    code: str
    target: str
    message: str


def load(type_name: str, version: str, overlay: Overlay) -> Node:
    """A type's schema without references, with the overlay's demands, its open lists closed.

    Azure's types end a list of values with "or any string"; its services accept the list alone.
    """
    file = FOLDER / f"{type_name.replace('/', '.')}@{version}.json"
    document = json.loads(file.read_text())
    return _inlined({"$ref": document["$ref"]}, document["$defs"], overlay, "")


def _inlined(node: Node, definitions: Mapping[str, Node], overlay: Overlay, path: str) -> Node:
    while "$ref" in node:
        node = definitions[node["$ref"].removeprefix("#/$defs/")]
    demanded = overlay.limits.get(path, {})
    listed = [each["const"] for each in (node, *node.get("anyOf", ())) if "const" in each]
    listed += node.get("enum", ())
    if listed:
        return {"type": "string", "enum": listed}
    node = {**node, **demanded}
    if node.get("type") == "number" and path.rpartition(".")[2] not in FRACTIONS:
        node["type"] = "integer"
    if "items" in node:
        node["items"] = _inlined(node["items"], definitions, overlay, f"{path}[]")
    if path.endswith("userAssignedIdentities"):
        return {"type": "object", "propertyNames": {"pattern": IDENTITY}}
    if isinstance(node.get("additionalProperties"), dict):
        inner = node["additionalProperties"]
        node["additionalProperties"] = _inlined(inner, definitions, overlay, f"{path}{{}}")
    if node.get("properties"):
        members = {name: _join(path, name) for name in node["properties"]}
        node["properties"] = {
            name: _inlined(node["properties"][name], definitions, overlay, where)
            for name, where in members.items()
            if where not in overlay.unsupported and where not in overlay.read_only
        }
        needed = [name for name in node.get("required", ()) if name in node["properties"]]
        more = [name for name, where in members.items() if where in overlay.required]
        node["required"] = [*needed, *(name for name in more if name not in needed)]
    return node


def tree(schema: Node, overlay: Overlay) -> Shape:
    """The tree of a whole body."""
    return _shape(schema, overlay, "", flat=not overlay.nested)


def _kind(node: Node, overlay: Overlay, path: str) -> Kind:
    if path.endswith("userAssignedIdentities"):
        return Identities()
    match node.get("type"):
        case "array":
            return Items(_kind(node["items"], overlay, f"{path}[]"))
        case "object" if node.get("properties"):
            return _shape(node, overlay, path, flat=path in overlay.flat)
        case "object" if isinstance(node.get("additionalProperties"), dict):
            return Entries(_kind(node["additionalProperties"], overlay, f"{path}{{}}"))
        case "string" | "number" | "integer" | "boolean" as name:
            types = {"string": str, "number": float, "integer": int, "boolean": bool}
            limits = {word: node[word] for word in _LIMITS if word in node}
            return Scalar(types[name], tuple(node.get("enum", ())), limits)
        case _:
            return Scalar()


def _shape(node: Node, overlay: Overlay, path: str, *, flat: bool) -> Shape:
    top = _fields(node, overlay, path)
    if not flat:
        return Shape(top)
    inner = node["properties"].get("properties", {"properties": {}})
    top.pop("properties", None)
    return Shape(top, _fields(inner, overlay, _join(path, "properties")))


def _fields(node: Node, overlay: Overlay, path: str) -> dict[str, Field]:
    prefix = f"{path}." if path else ""
    added = [
        where.removeprefix(prefix)
        for where in overlay.read_only
        if where.startswith(prefix) and "." not in where.removeprefix(prefix)
    ]
    result: dict[str, Field] = {}
    for name, inner in [*node["properties"].items(), *((each, None) for each in added)]:
        where = f"{prefix}{name}"
        sdk = overlay.renames.get(where) or _camel(name)
        result[sdk] = Field(
            Scalar() if inner is None else _kind(inner, overlay, where),
            arm=name if name != sdk else "",
            required=name in node.get("required", ()),
            read_only=inner is None,
            secret=where in (*overlay.secret, *overlay.hidden),
            default=overlay.defaults.get(where),
        )
    return result


def _camel(name: str) -> str:
    """Application Insights is older than the rule that names begin in lower case."""
    return f"{name[0].lower()}{name[1:].replace('_', '')}" if name[0].isupper() else name


def violations(schema: Node, body: Any) -> Iterator[Violation]:
    """Everything that is wrong with a body, in the words of ARM.

    Args:
        schema: From `load`.
        body: Without nulls and read-only members.
    """
    for error in _dialect()(schema).iter_errors(body):
        path = "".join(
            f"[{each}]" if isinstance(each, int) else f".{each}" for each in error.absolute_path
        ).removeprefix(".")
        yield from _said(error, path)


@functools.cache
def _dialect() -> Any:
    # It takes 80 ms to import, and whoever only translates has no use for it.
    import jsonschema
    from jsonschema import validators

    def enum(_: Any, allowed: list[str], value: Any, __: Any) -> Iterator[Any]:
        if folded(value) not in {folded(each) for each in allowed}:
            yield jsonschema.ValidationError("not allowed")

    return validators.extend(jsonschema.Draft202012Validator, {"enum": enum})


def _said(error: Any, path: str) -> Iterator[Violation]:
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = ", ".join(sorted(error.schema.get("properties", ())))
            for name in [each for each in value if each not in error.schema["properties"]]:
                where = _join(path, name)
                yield Violation(
                    "InvalidRequestContent",
                    where,
                    f"Could not find member '{name}'. Path '{where}'. The stand-in knows: {known}.",
                )
        case "required":
            # One error for each name; it stands first in the message, quoted.
            name = next(each for each in wanted if error.message.startswith(f"{each!r} "))
            where = _join(path, name)
            yield Violation(
                "InvalidRequestContent",
                where,
                f"Required property '{name}' not found. Path '{where}'.",
            )
        case "type" if wanted in ("object", "array"):
            yield Violation("InvalidRequestContent", path, f"'{path}' must be a JSON {wanted}.")
        case "type":
            yield Violation(
                "InvalidRequestContent",
                path,
                f"Error converting value {value!r} to type '{wanted}'. Path '{path}'.",
            )
        case "const":
            name = path.rpartition(".")[2]
            yield Violation(
                "BadRequest",
                path,
                f'The property "{name}" cannot be set to {json.dumps(value)}: it is irreversible. '
                "Leave it out instead.",
            )
        case "enum":
            yield Violation(
                "InvalidParameter",
                path,
                f"The value {value!r} of '{path}' is not allowed; allowed: {', '.join(wanted)}.",
            )
        case "pattern" if error.parent is not None or wanted == IDENTITY:
            yield Violation(
                "InvalidParameter", path, f"'{value}' is no id of a user-assigned identity."
            )
        case word:
            yield Violation(
                "InvalidParameter", path, f"The value of '{path}' {limited(value, {word: wanted})}."
            )


def limited(value: Any, limits: Mapping[str, Any]) -> str:
    """How a value breaks its limits, as the end of a sentence; "" when it keeps them."""
    if isinstance(value, str):
        if len(value) < limits.get("minLength", 0):
            return f"is too short ({len(value)}): at least {limits['minLength']} required"
        if len(value) > limits.get("maxLength", len(value)):
            return f"is too long ({len(value)}): at most {limits['maxLength']} allowed"
        pattern = limits.get("pattern")
        if pattern == GUID and not re.search(GUID, value):
            return f"({value!r}) is not a GUID, such as 00000000-0000-0000-0000-000000000000"
        if pattern and not re.search(pattern, value):
            return f"({value!r}) does not match the expression {pattern}"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value < limits.get("minimum", value):
            return f"is {value}: at least {limits['minimum']} required"
        if value > limits.get("maximum", value):
            return f"is {value}: at most {limits['maximum']} allowed"
    return ""


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
