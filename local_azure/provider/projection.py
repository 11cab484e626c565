"""Between inputs and outputs of one resource: what a preview promises, what a refresh finds."""

from __future__ import annotations

from typing import Any

from local_azure.provider.values import UNKNOWN
from local_azure.types.shape import Identities, Kind, Shape


def promised(kind: Kind, value: Any) -> Any:
    """The outputs after a change that is only previewed, as far as azure-native promises them.

    Whatever is not an input is unknown, at every depth: a nested member that were simply absent
    would reach the program as None. Secrets are no outputs.
    """
    if isinstance(kind, Shape) and isinstance(value, dict):
        return {
            name: promised(each.kind, value[name])
            if name in value and not each.read_only
            else UNKNOWN
            for name, each in kind.fields().items()
            if not each.secret
        }
    if isinstance(kind, Identities):
        return UNKNOWN
    return kind.inside(value, lambda inner, part, _: promised(inner, part))


def as_inputs(kind: Kind, value: Any) -> Any:
    """Outputs in the form of inputs: without what only Azure sets."""
    if isinstance(kind, Shape) and isinstance(value, dict):
        return {
            name: as_inputs(each.kind, value[name])
            for name, each in kind.fields().items()
            if not each.read_only and not each.secret and name in value
        }
    if isinstance(kind, Identities) and isinstance(value, dict):
        return sorted(value)
    return kind.inside(value, lambda inner, part, _: as_inputs(inner, part))


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
