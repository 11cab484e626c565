"""Between inputs and outputs of one resource: what a preview promises, what a refresh finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_azure.provider.values import UNKNOWN, Properties
from local_azure.types import Field, Shape
from local_azure.types.shape import Identities, Items


def promised(
    shape: Shape, inputs: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> Properties:
    """The outputs of a resource after a change that is only previewed, as far as they are known.

    Whatever Azure will add is unknown, at every depth: a nested member that were simply absent
    would reach the program as None.

    Args:
        shape: Of the resource, or of an object in it.
        inputs: What the program gives, unknown values included.
        known: The present outputs, for an update: what Azure added stays, except in a nested object
            that changes.
    """
    before = known or {}
    result: Properties = dict(inputs)
    for name, each in shape.fields().items():
        if each.secret:
            result.pop(name, None)
        elif each.read_only:
            result[name] = before.get(name, UNKNOWN)
        elif name in inputs:
            result[name] = _promised(each, inputs[name], before.get(name))
        elif each.computed:
            result[name] = before.get(name, UNKNOWN)
    return result


def as_inputs(shape: Shape, outputs: Mapping[str, Any]) -> Properties:
    """Outputs in the form of inputs: without what only Azure sets."""
    return {
        name: _as_input(each, outputs[name])
        for name, each in shape.fields().items()
        if not each.read_only and not each.secret and name in outputs
    }


def refreshed(old_inputs: Any, old: Any, new: Any) -> Any:
    """Old inputs with the difference between old and new outputs moved in, and nothing else.

    Args:
        old_inputs: What the program last gave; secrets and all.
        old: The last known outputs, as inputs.
        new: The outputs that were just read, as inputs.
    """
    if old == new:
        return old_inputs
    if isinstance(old_inputs, dict) and isinstance(old, dict) and isinstance(new, dict):
        result = dict(old_inputs)
        for name in {*old, *new}:
            if old.get(name) == new.get(name):
                continue
            if name not in new:
                result.pop(name, None)
            else:
                result[name] = refreshed(old_inputs.get(name), old.get(name), new[name])
        return result
    if (
        isinstance(old_inputs, list)
        and isinstance(old, list)
        and isinstance(new, list)
        and len(old_inputs) == len(old) == len(new)
    ):
        return [refreshed(*each) for each in zip(old_inputs, old, new, strict=True)]
    return new


def _promised(each: Field, value: Any, known: Any) -> Any:
    kind = each.kind
    if isinstance(kind, Shape) and isinstance(value, dict):
        return promised(kind, value, _if_unchanged(kind, value, known))
    if isinstance(kind, Items) and isinstance(kind.item, Shape) and isinstance(value, list):
        item = kind.item
        same = isinstance(known, list) and len(known) == len(value)
        pairs = zip(value, known if same else [None] * len(value), strict=True)
        return [
            promised(item, new, _if_unchanged(item, new, old)) if isinstance(new, dict) else new
            for new, old in pairs
        ]
    if isinstance(kind, Identities):
        same = isinstance(known, dict) and isinstance(value, list) and set(known) == set(value)
        return known if same else UNKNOWN
    return value


def _if_unchanged(shape: Shape, value: Mapping[str, Any], known: Any) -> Mapping[str, Any] | None:
    """The outputs of an object whose inputs stay as they are; None if it changes."""
    if not isinstance(known, dict):
        return None
    before = as_inputs(shape, known)
    fields = shape.fields().items()
    now = {name: value[name] for name, each in fields if name in value and not each.secret}
    return known if all(before.get(name) == each for name, each in now.items()) else None


def _as_input(each: Field, value: Any) -> Any:
    kind = each.kind
    if isinstance(kind, Shape) and isinstance(value, dict):
        return as_inputs(kind, value)
    if isinstance(kind, Items) and isinstance(kind.item, Shape) and isinstance(value, list):
        return [as_inputs(kind.item, item) if isinstance(item, dict) else item for item in value]
    if isinstance(kind, Identities) and isinstance(value, dict):
        return sorted(value)
    return value
