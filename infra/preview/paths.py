"""Paths to nested properties, and the differences between two trees of properties."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|\.?([^.\[\]]+)')


class Missing:
    """Stands for a property that is not there."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(frozen=True)
class Difference:
    """A leaf that is not the same in two trees.

    Attributes:
        path: Where; an index is the new tree's, or the old one's for what is gone.
        old: The leaf before, or `MISSING`.
        new: The leaf after, or `MISSING`.
        label: The `name` of the nearest list element on the way that has one, or empty.
    """

    path: Path
    old: Any
    new: Any
    label: str = ""


def parse(text: str) -> Path:
    """The steps of a path such as `containers[0].tags["a.b"]`, as Pulumi writes them."""
    path: list[str | int] = []
    for quoted, index, name in _STEP.findall(text):
        if index:
            path.append(int(index) if index != "*" else "*")
        else:
            path.append(re.sub(r"\\(.)", r"\1", quoted) if quoted else name)
    return tuple(path)


def show(path: Path) -> str:
    """A path as text; `parse` gives it back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def at(tree: Any, path: Path) -> Any:
    """The value at a path, or `MISSING`."""
    for step in path:
        if isinstance(tree, Mapping):
            tree = tree.get(step, MISSING)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return MISSING
    return tree


def differences(old: Any, new: Any, path: Path = (), label: str = "") -> Iterator[Difference]:
    """Yield every leaf that differs, in the order of the paths' own names and indices.

    Elements of lists are matched by their `name` where all have one, so that a variable put in
    front of others is one difference; else by index.
    """
    if isinstance(old, Mapping | Missing) and isinstance(new, Mapping | Missing):
        names = sorted({**_mapping(old), **_mapping(new)})
        for name in names:
            inner_old, inner_new = at(old, (name,)), at(new, (name,))
            yield from differences(inner_old, inner_new, (*path, name), label)
        if names:
            return
    if isinstance(old, list | Missing) and isinstance(new, list | Missing):
        pairs = list(_pairs(_sequence(old), _sequence(new)))
        for index, inner_old, inner_new in pairs:
            named = _name(inner_new) or _name(inner_old) or label
            yield from differences(inner_old, inner_new, (*path, index), named)
        if pairs:
            return
    if not _same(old, new):
        yield from _leaf(old, new, path, label)


def pairs(old: list[Any], new: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Each element of a new list with what it was before, or `MISSING`."""
    for _, was, will_be in _pairs(old, new):
        if will_be is not MISSING:
            yield was, will_be


def _leaf(old: Any, new: Any, path: Path, label: str) -> Iterator[Difference]:
    """A leaf that became a tree, or the reverse, is one leaf gone and others come."""
    if isinstance(old, Mapping | list) and old and not isinstance(new, Missing):
        yield from differences(old, MISSING, path, label)
        yield Difference(path, MISSING, new, label)
    elif isinstance(new, Mapping | list) and new and not isinstance(old, Missing):
        yield Difference(path, old, MISSING, label)
        yield from differences(MISSING, new, path, label)
    else:
        yield Difference(path, old, new, label)


def _same(old: Any, new: Any) -> bool:
    return (type(old) is type(new) and old == new) or _equal_numbers(old, new)


def _equal_numbers(old: Any, new: Any) -> bool:
    """1 and 1.0 are one number on the wire; True is none."""
    numbers = (int, float)
    return type(old) in numbers and type(new) in numbers and old == new


def _mapping(tree: Any) -> Mapping[str, Any]:
    return tree if isinstance(tree, Mapping) else {}


def _sequence(tree: Any) -> list[Any]:
    return tree if isinstance(tree, list) else []


def _name(element: Any) -> str:
    name = element.get("name") if isinstance(element, Mapping) else None
    return name if isinstance(name, str) else ""


def _pairs(old: list[Any], new: list[Any]) -> Iterator[tuple[int, Any, Any]]:
    if _all_named(old) and _all_named(new):
        before = {_name(element): (index, element) for index, element in enumerate(old)}
        kept = {_name(element) for element in new}
        for index, element in enumerate(new):
            yield index, before.get(_name(element), (0, MISSING))[1], element
        for name, (index, element) in before.items():
            if name not in kept:
                yield index, element, MISSING
        return
    for index in range(max(len(old), len(new))):
        yield index, _item(old, index), _item(new, index)


def _all_named(elements: Sequence[Any]) -> bool:
    names = [_name(element) for element in elements]
    return all(names) and len(set(names)) == len(names)


def _item(elements: list[Any], index: int) -> Any:
    return elements[index] if index < len(elements) else MISSING
