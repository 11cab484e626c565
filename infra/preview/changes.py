"""The properties of one resource that change, and which of them force a replacement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.preview import paths
from infra.preview.paths import MISSING, Difference, Path
from infra.preview.plan import Op, Step


@dataclass(frozen=True)
class Change:
    """A property that changes.

    Attributes:
        path: Where it is.
        old: Its value, or `MISSING`.
        new: Its value, or `MISSING`.
        label: The name of the list element it belongs to, or empty.
        forces: Whether the provider says that it forces a replacement.
    """

    path: Path
    old: Any
    new: Any
    label: str
    forces: bool


def of(step: Step) -> list[Change]:
    """The changed properties of a step, by path.

    The inputs tell most of it. What they cannot tell is whether a secret changed, since both sides
    are only marked: that the provider's own difference says.
    """
    old = step.old.inputs if step.old else MISSING
    new = step.new.inputs if step.new else MISSING
    found = [one for one in paths.differences(old, new) if one.path not in step.unsettled]
    if step.op in {Op.UPDATE, Op.REPLACE}:
        found += _told_by_provider(step, found)
    forcing = _forcing(step) if step.op is Op.REPLACE else []
    changes = [
        Change(
            one.path,
            one.old,
            one.new,
            one.label,
            any(related(one.path, path) for path in forcing),
        )
        for one in found
    ]
    return sorted(changes, key=lambda one: _order(one.path))


def _told_by_provider(step: Step, found: list[Difference]) -> Iterator[Difference]:
    told = [paths.parse(text) for text in sorted(step.kinds)]
    told += [(key,) for key in sorted(step.changed_keys | step.replace_keys)]
    seen = [one.path for one in found]
    for path in told:
        if path and not any(related(path, other) for other in seen):
            seen.append(path)
            old = paths.at(step.old.inputs if step.old else {}, path)
            new = paths.at(step.new.inputs if step.new else {}, path)
            yield Difference(path, old, new, _label(step, path))


def _label(step: Step, path: Path) -> str:
    state = step.new or step.old
    label = ""
    for length in range(1, len(path) + 1):
        element = paths.at(state.inputs if state else {}, path[:length])
        name = element.get("name") if isinstance(element, dict) else None
        label = name if isinstance(name, str) and isinstance(path[length - 1], int) else label
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


def _order(path: Path) -> tuple[tuple[bool, int, str], ...]:
    return tuple(
        (isinstance(part, str), part if isinstance(part, int) else 0, str(part)) for part in path
    )
