"""JSON schemas of what the routes take and answer, tight enough to generate requests from."""

from __future__ import annotations

from typing import Any

from scoring.manifest import Manifest
from scoring.routes.limits import Limits
from scoring.routes.tensors import DTYPES, LARGEST

Schema = dict[str, Any]
# As a double, which is what a reader makes of any number: the whole number above it is the same
# double, and read. FP64's is what a reader takes "double" for.
_LARGEST_FP32 = float(LARGEST["FP32"])
_NUMBERS: dict[str, Schema] = {
    "FP64": {"type": "number", "format": "double"},
    "FP32": {"type": "number", "minimum": -_LARGEST_FP32, "maximum": _LARGEST_FP32},
    "UINT8": {"type": "integer", "minimum": 0, "maximum": 255},
}
# No schema can tie the length of `data` to the rows in `shape`: for so few each is written out.
DESCRIBED_ROWS = 2

ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}
V2_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
BYTES: Schema = {"type": "string", "format": "binary"}


def _list(items: Schema, least: int, most: int | None = None) -> Schema:
    schema = {"type": "array", "items": items, "minItems": least}
    return schema if most is None else {**schema, "maxItems": most}


def score_request(manifest: Manifest, methods: tuple[str, ...], limits: Limits) -> Schema:
    """`{"data": [[...], ...], "method": ...}`."""
    row = _list(_NUMBERS["FP64"], manifest.features, manifest.features)
    return {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {
                **_list(row, 1),
                "description": f"At most {limits.most_rows(8)} rows (413 beyond).",
            },
            "method": {"type": "string", "enum": list(methods), "default": "predict"},
        },
        "additionalProperties": False,
    }


def score_answer() -> Schema:
    """One entry a row: a label or value, or the probabilities of all classes."""
    number = {"type": "number", "nullable": True, "description": "null where it is not finite"}
    return _list({"anyOf": [number, {"type": "string"}, {"type": "boolean"}, _list(number, 1)]}, 1)


def infer_request(manifest: Manifest, methods: tuple[str, ...], limits: Limits) -> Schema:
    """A V2 request whose values are in the JSON."""
    output = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": list(methods)},
            "parameters": _optional("object", binary_data=_optional("boolean")),
        },
    }
    tensors = [
        _tensor(kind, rows, manifest.features)
        for kind in DTYPES
        for rows in range(1, DESCRIBED_ROWS + 1)
    ]
    tensors += [_any_tensor(kind, manifest.features, limits) for kind in DTYPES]
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": _optional("string"),
            "parameters": _optional("object", binary_data_output=_optional("boolean")),
            "inputs": _list({"anyOf": tensors}, 1, 1),
            "outputs": {**_list(output, 1, len(methods)), "nullable": True},
        },
    }


def _optional(kind: str, **properties: Schema) -> Schema:
    """A member that may be absent, or null, which means the same."""
    schema: Schema = {"type": kind, "nullable": True}
    return {**schema, "properties": properties} if properties else schema


def _tensor(kind: str, rows: int, features: int) -> Schema:
    """A tensor of so many rows, neither more nor less."""
    number = _NUMBERS[kind]
    flat = _list(number, rows * features, rows * features)
    nested = _list(_list(number, features, features), rows, rows)
    shape = {"type": "array", "items": {"type": "integer"}, "enum": [[rows, features]]}
    return _tensor_of(kind, shape, flat, nested)


def _any_tensor(kind: str, features: int, limits: Limits) -> Schema:
    """A tensor of more rows, as many as are taken; `data` has those that `shape` says."""
    number, least = _NUMBERS[kind], DESCRIBED_ROWS + 1
    most = max(least, limits.most_rows(DTYPES[kind].itemsize))
    size: Schema = {"type": "integer", "minimum": min(least, features)}
    shape = _list({**size, "maximum": max(most, features)}, 2, 2)
    flat = _list(number, least * features, most * features)
    nested = _list(_list(number, features, features), least, most)
    return _tensor_of(kind, shape, flat, nested)


def _tensor_of(kind: str, shape: Schema, flat: Schema, nested: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string", "enum": ["input"]},
            "shape": shape,
            "datatype": {"type": "string", "enum": [kind]},
            "data": {"anyOf": [flat, nested]},
        },
    }


def infer_answer() -> Schema:
    """A V2 answer whose values are in the JSON."""
    output = {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"type": "string"},
            "shape": _list({"type": "integer", "minimum": 1}, 1, 2),
            "datatype": {"type": "string", "enum": ["BOOL", "INT64", "FP64", "BYTES"]},
            "data": {"type": "array", "items": {}},
            "parameters": {"type": "object"},
        },
    }
    return {
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": _list(output, 1),
        },
    }


def flags(*names: str, kind: str = "boolean") -> Schema:
    """An object that has these keys, each of one type."""
    return {
        "type": "object",
        "required": list(names),
        "properties": {name: {"type": kind} for name in names},
    }


def model_metadata() -> Schema:
    """The answer of GET /v2/models/NAME."""
    tensor = {
        "type": "object",
        "required": ["name", "datatype", "shape"],
        "properties": {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": _list({"type": "integer"}, 1, 2),
        },
    }
    schema = flags("name", "platform", kind="string")
    schema["required"] += ["versions", "inputs", "outputs"]
    schema["properties"] |= {
        "versions": _list({"type": "string"}, 1),
        "inputs": _list(tensor, 1, 1),
        "outputs": _list(tensor, 1),
    }
    return schema
