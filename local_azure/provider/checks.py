"""What is wrong with a program's inputs: found in the preview, before anything is sent to ARM.

As azure-native does it: missing and ill-typed inputs, lengths, patterns, minimum and maximum. Which
values a service takes is for ARM to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from local_azure.provider.values import UNKNOWN, Properties, without_unknown
from local_azure.types import ResourceType, Shape, UnsupportedError
from local_azure.types.schema import limited
from local_azure.types.shape import Entries, Identities, Items, Kind, Scalar

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def failures(kind: ResourceType, inputs: Properties) -> list[str]:
    """A sentence for each input that is missing, of a wrong type, or not supported.

    Args:
        kind: The resource's type.
        inputs: All of its inputs; what is not known yet is taken for right.
    """
    found = [
        f"missing required property '{name}'"
        for name in (kind.scope_input, *kind.parent_inputs, kind.name_input)
        if name and name not in inputs
    ]
    name, rule = inputs.get(kind.name_input), kind.name_rule
    if rule is None or not rule.provider or not isinstance(name, str) or name == UNKNOWN:
        pass
    elif not re.fullmatch(rule.pattern, name):
        found.append(f"'{kind.name_input}' ({name!r}) must be {rule.words}")
    found += _shape(kind.shape, inputs, "")
    if not found:
        try:
            kind.arm_inputs(without_unknown(inputs))
        except UnsupportedError as error:
            found.append(str(error))
    return found


def _shape(shape: Shape, inputs: Properties, path: str) -> Iterator[str]:
    for name, field in shape.fields().items():
        where = f"{path}{name}"
        if inputs.get(name) is not None:
            yield from _value(field.kind, inputs[name], where)
        elif field.required:
            yield f"missing required property '{where}'" + (
                "; set it, or for all resources: pulumi config set azure-native:location REGION"
                if where == "location"
                else ""
            )


def _value(kind: Kind, value: Any, path: str) -> Iterator[str]:
    if value == UNKNOWN:
        return
    match kind:
        case Scalar(type=None):
            pass
        case Scalar(type=type_, limits=limits) if type_:
            accepted = (int, float) if type_ is float else type_
            if not isinstance(value, accepted) or (isinstance(value, bool) and type_ is not bool):
                yield _wrong(path, _NAMES[type_], value)
            elif reason := limited(value, limits):
                yield f"'{path}' {reason}"
        case Shape() if isinstance(value, dict):
            yield from _shape(kind, value, f"{path}.")
        case Items(item=item) if isinstance(value, list):
            for index, each in enumerate(value):
                yield from _value(item, each, f"{path}[{index}]")
        case Entries(item=item) if isinstance(value, dict):
            for name, each in value.items():
                yield from _value(item, each, f"{path}.{name}")
        case Identities() if isinstance(value, list):
            pass
        case Items() | Identities():
            yield _wrong(path, "array", value)
        case _:
            yield _wrong(path, "object", value)


def _wrong(path: str, wanted: str, value: object) -> str:
    got = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return f"'{path}' should be of type '{wanted}' but got {got.get(type(value), 'object')}"
