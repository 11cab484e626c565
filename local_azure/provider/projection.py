"""Between inputs and outputs of one resource: what a preview promises, what a refresh finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_azure.provider.values import UNKNOWN, Properties
from local_azure.types import Field, Shape
from local_azure.types.shape import Identities, Items


def promised(shape: Shape, inputs: Mapping[str, Any]) -> Properties:
    """The outputs after a change that is only previewed, as far as azure-native promises them.

    Whatever is not an input is unknown, at every depth: a nested member that were simply absent
    would reach the program as None. Secrets are no outputs.
    """
    return {
        name: _promised(each, inputs[name]) if name in inputs and not each.read_only else UNKNOWN
        for name, each in shape.fields().items()
        if not each.secret
    }


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
    if isinstance(old_inputs, list) and isinstance(old, list) and isinstance(new, list):
        both = zip(old_inputs, old, new, strict=False)
        return [*(refreshed(*each) for each in both), *new[min(len(old_inputs), len(old)) :]]
    return new


def _promised(each: Field, value: Any) -> Any:
    kind = each.kind
    if isinstance(kind, Shape) and isinstance(value, dict):
        return promised(kind, value)
    if isinstance(kind, Items) and isinstance(kind.item, Shape) and isinstance(value, list):
        return [promised(kind.item, item) if isinstance(item, dict) else item for item in value]
    if isinstance(kind, Identities):
        return UNKNOWN
    return value


def _as_input(each: Field, value: Any) -> Any:
    kind = each.kind
    if isinstance(kind, Shape) and isinstance(value, dict):
        return as_inputs(kind, value)
    if isinstance(kind, Items) and isinstance(kind.item, Shape) and isinstance(value, list):
        return [as_inputs(kind.item, item) if isinstance(item, dict) else item for item in value]
    if isinstance(kind, Identities) and isinstance(value, dict):
        return sorted(value)
    return value
