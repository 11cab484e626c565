"""Property values on the wire between engine and provider.

The provider tells the engine that it takes no secrets, so the engine unwraps them before a call and
marks the same members of the answer as secret again. What is left is JSON and one sentinel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is not known before the update (Pulumi's property serialisation)."""

CREATE_FIRST = "__createBeforeDelete"
"""azure-native's mark on the inputs of a resource that it named itself."""

Properties = dict[str, Any]


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Properties for the engine."""
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """The engine's properties: whole numbers as integers, without nulls and internal members."""
    return {
        name: value
        for name, value in _plain(json_format.MessageToDict(struct)).items()
        if not name.startswith("__") or name == CREATE_FIRST
    }


def has_unknown(value: object) -> bool:
    """Whether something in a value is not known yet."""
    return value == UNKNOWN or without_unknown(value) != value


def without_unknown(value: Any) -> Any:
    """The known part of a value: what is not known is left out."""
    if isinstance(value, dict):
        return {name: without_unknown(each) for name, each in value.items() if each != UNKNOWN}
    if isinstance(value, list):
        return [without_unknown(each) for each in value if each != UNKNOWN]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
