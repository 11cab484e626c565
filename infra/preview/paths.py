"""Paths to nested properties, and the differences between two trees of properties."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from infra.preview.untold import MISSING

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|\.?([^.\[\]]+)')


@dataclass(frozen=True)
class Difference:
    """A leaf that is not the same in two trees.

    Attributes:
        path: Where; an index is the new tree's, or the old one's for what is gone.
        old: The leaf before, or `MISSING`.
        new: The leaf after, or `MISSING`.
        label: The `name` of the nearest list element on the way that has one, or empty.
        forces: Whether the provider says that it forces a replacement.
    """

    path: Path
    old: Any
    new: Any
    label: str = ""
    forces: bool = False


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


def pattern(path: Path) -> str:
    """A path as text, with every index as `[*]`."""
    text = ""
    for step in path:
        text += "[*]" if isinstance(step, int) else f".{step}" if text else step
    return text


def at(tree: Any, path: Path) -> Any:
    """The value at a path, or `MISSING`."""
    for step in path:
        if isinstance(tree, Mapping):
            tree = tree.get(step, MISSING)
        elif isinstance(step, int) and _is_list(tree) and step < len(tree):
            tree = tree[step]
        else:
            return MISSING
    return tree


def leaves(tree: Any) -> Iterator[Any]:
    """Yield everything in a tree that is no mapping and no list."""
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if not isinstance(tree, list):
        yield tree
        return
    for each in tree:
        yield from leaves(each)


def differences(old: Any, new: Any, path: Path = (), label: str = "") -> Iterator[Difference]:
    """Yield every leaf that differs, in the order of the paths' own names and indices.

    Elements of lists are matched by their `name` where all have one, so that a variable put in
    front of others is one difference; else by index.
    """
    there = [each for each in (old, new) if each is not MISSING]
    if all(isinstance(each, Mapping) for each in there):
        names = sorted({name for each in there for name in each})
        for name in names:
            inner_old, inner_new = at(old, (name,)), at(new, (name,))
            yield from differences(inner_old, inner_new, (*path, name), label)
        if names:
            return
    if all(isinstance(each, list) for each in there):
        pairs = list(_pairs(*([] if each is MISSING else each for each in (old, new))))
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
    if isinstance(old, Mapping | list) and old and new is not MISSING:
        yield from differences(old, MISSING, path, label)
        yield Difference(path, MISSING, new, label)
    elif isinstance(new, Mapping | list) and new and old is not MISSING:
        yield Difference(path, old, MISSING, label)
        yield from differences(MISSING, new, path, label)
    else:
        yield Difference(path, old, new, label)


def _is_list(tree: Any) -> bool:
    """Also what stands for a list in a policy pack."""
    return isinstance(tree, Sequence) and not isinstance(tree, str)


def _same(old: Any, new: Any) -> bool:
    """1 and 1.0 are one number on the wire; True is none."""
    kinds = {type(old), type(new)}
    return old == new and (len(kinds) == 1 or kinds == {int, float})


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
    for index, (was, will_be) in enumerate(zip_longest(old, new, fillvalue=MISSING)):
        yield index, was, will_be


def _all_named(elements: Sequence[Any]) -> bool:
    names = [_name(element) for element in elements]
    return all(names) and len(set(names)) == len(names)
