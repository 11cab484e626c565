"""Inputs of a resource with something else in them."""

from __future__ import annotations

import copy
from typing import Any

from infra.preview.paths import parse


def changed(inputs: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A copy with other values by path, in which `__` stands for a dot; None takes one out."""
    copied = copy.deepcopy(inputs)
    for path, value in values.items():
        *way, last = parse(path.replace("__", "."))
        inner: Any = copied
        for part in way:
            inner = inner[part]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return copied
