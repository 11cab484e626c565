"""The properties of one resource that change, and which of them force a replacement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra import azure_facts
from infra.preview import paths
from infra.preview.paths import MISSING, Difference, Path
from infra.preview.plan import Op, Step


def of(step: Step) -> list[Difference]:
    """The changed properties of a step, by path.

    The inputs tell most of it. What they cannot tell is whether a secret changed, since both sides
    are only marked: that the provider's own difference says.
    """
    old = step.old.inputs if step.old else MISSING
    new = step.new.inputs if step.new else MISSING
    found = [one for one in paths.differences(old, new) if one.path not in step.unsettled]
    if step.op in {Op.UPDATE, Op.REPLACE}:
        found += _told_by_provider(step, old, new, [one.path for one in found])
    forcing = _forcing(step) if step.op is Op.REPLACE else []
    told = [replace(one, forces=any(related(one.path, path) for path in forcing)) for one in found]
    return sorted(told, key=lambda one: _order(one.path))


def _told_by_provider(step: Step, old: Any, new: Any, seen: list[Path]) -> Iterator[Difference]:
    told = [paths.parse(text) for text in sorted(step.kinds)]
    told += [(key,) for key in sorted(step.changed_keys | step.replace_keys)]
    for path in told:
        if path and not any(related(path, other) for other in seen):
            seen.append(path)
            yield Difference(path, paths.at(old, path), paths.at(new, path), _label(new, path))


def _label(tree: Any, path: Path) -> str:
    """The name of the nearest list element on the way that has one, or empty."""
    label = ""
    for part in path:
        tree = paths.at(tree, (part,))
        name = tree.get("name") if isinstance(tree, Mapping) else None
        label = name if isinstance(name, str) and isinstance(part, int) else label
    return label


def _forcing(step: Step) -> list[Path]:
    """The exact paths where the provider tells them, else the top-level properties."""
    exact = [paths.parse(text) for text, kind in step.kinds.items() if kind.endswith("-replace")]
    named = {path[0] for path in exact if path}
    return exact + [(key,) for key in sorted(step.replace_keys) if key not in named]


def related(one: Path, other: Path) -> bool:
    """Whether one path leads to, or through, the other."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def aci_immutable(path: Path) -> str:
    """The property of a container group that Azure refuses to change in place and that a path is,
    or leads into; empty for any other."""
    text = paths.pattern(path)
    return next(
        (
            each
            for each in azure_facts.ACI_IMMUTABLE
            if text == each or text.startswith((f"{each}.", f"{each}["))
        ),
        "",
    )


def _order(path: Path) -> tuple[Any, ...]:
    """Indices before names: the two cannot be compared."""
    return tuple((isinstance(part, str), part) for part in path)
