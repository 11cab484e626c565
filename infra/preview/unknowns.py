"""What a preview calls unknown, held against what was there before.

azure-native makes all outputs of a resource that is updated unknown, but for its name and location.
So a tag on a registry makes the host of its images unknown, and a role that depends on it is
planned to be replaced; the update then changes the tag and nothing else. Unknown is not changed:

- an unknown input that was, before, exactly an output of a resource that stays, and of a property
  that stays, is what it was;
- any other unknown input, of resources that stay, is neither changed nor unchanged: it forces no
  replacement, and nothing is said of its value;
- what depends on a resource that is made, deleted or really replaced is as the engine says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from infra.preview import paths
from infra.preview.changes import related
from infra.preview.paths import MISSING, Difference, Path
from infra.preview.plan import Op, Plan, Step
from infra.preview.untold import UNKNOWN

Sources = Mapping[str, Mapping[str, frozenset[str]]]
"""URNs of the resources that each top-level input of each resource comes from."""

Given = Mapping[str, Mapping[str, list[bool]]]

_MOVED = frozenset({Op.CREATE, Op.DELETE, Op.REPLACE})
_LEAST_PART = 6
"""A shorter output is found in too many texts to say where they come from."""


def settle(plan: Plan, sources: Sources) -> Plan:
    """The plan with everything unknown settled as far as it can be.

    Args:
        plan: The plan; its secret lists opened where they can be.
        sources: Where inputs come from; a resource that is not in it may depend on all others.
    """
    steps = {step.urn: step for step in plan.steps}
    given = _given(steps)
    moved: frozenset[str] = frozenset()
    while True:
        around = _Around(moved, given)
        settled = {urn: _settle(step, around, sources.get(urn)) for urn, step in steps.items()}
        # Each round finds more that is really replaced, never less: it ends.
        found = frozenset(urn for urn, step in settled.items() if step.op in _MOVED)
        if found == moved:
            break
        moved = found
    after = plan.outputs_after
    if after is not None:
        after = {
            name: around.output(plan.outputs_before.get(name, MISSING), each)
            for name, each in after.items()
        }
    return replace(plan, steps=tuple(settled.values()), outputs_after=after)


@dataclass(frozen=True)
class _Around:
    """Which resources are made, deleted or replaced, and what each one gave before."""

    moved: frozenset[str]
    given: Given

    def stays(self, urns: frozenset[str] | None, own: str) -> bool:
        """Whether these stay; None is everything but the resource itself."""
        return not (self.moved - {own} if urns is None else self.moved & urns)

    def gave(self, value: Any, urns: frozenset[str] | None, own: str) -> bool:
        """Whether a value was an output of one of these, at a property that does not change."""
        if not isinstance(value, str):
            return False
        found = self.given.get(value.lower(), {})
        return any(
            any(stays) and (urn != own if urns is None else urn in urns)
            for urn, stays in found.items()
        )

    def output(self, before: Any, after: Any) -> Any:
        """An output of the stack: what it is made of stays, or it is as the engine says."""
        if after is not UNKNOWN or not isinstance(before, str) or self.moved:
            return after
        whole = before.lower()
        parts = [
            all(all(stays) for stays in by_urn.values())
            for leaf, by_urn in self.given.items()
            if len(leaf) >= _LEAST_PART and leaf in whole
        ]
        return before if parts and all(parts) else after


def _given(steps: Mapping[str, Step]) -> Given:
    """By an output's text, without its case: who gave it, and whether each such property stays.

    Azure writes the letters of an id in one case here and in another there.
    """
    found: dict[str, dict[str, list[bool]]] = {}
    for urn, step in steps.items():
        changed = _changed(step)
        for name, tree in (step.old.outputs if step.old else {}).items():
            for leaf in paths.leaves(tree):
                if isinstance(leaf, str):
                    known = found.setdefault(leaf.lower(), {}).setdefault(urn, [])
                    known.append(name not in changed)
    return found


def _settle(step: Step, around: _Around, sources: Mapping[str, frozenset[str]] | None) -> Step:
    if step.op not in {Op.UPDATE, Op.REPLACE} or step.old is None or step.new is None:
        return step

    def of(name: str) -> frozenset[str] | None:
        return None if sources is None else sources.get(name, frozenset())

    before, raw = step.old.inputs, step.new.inputs
    unknown = {
        name
        for name, each in raw.items()
        if _has_unknown(each) and around.stays(of(name), step.urn)
    }
    if not unknown:
        return step
    inputs = {
        name: _hold(before.get(name, MISSING), each, around, of(name), step.urn)
        if name in unknown
        else each
        for name, each in raw.items()
    }
    found = list(paths.differences(before, inputs))
    open_paths = frozenset(
        one.path for one in found if one.new is UNKNOWN and one.path[0] in unknown
    )
    real = [one for one in found if one.path not in open_paths]

    def told(path: Path) -> bool:
        """Whether the provider's word on a path rests on more than that it is unknown."""
        return (
            path[0] not in unknown
            or not _has_unknown(paths.at(raw, path))
            or any(related(path, one.path) for one in real)
        )

    kinds = {text: kind for text, kind in step.kinds.items() if told(paths.parse(text))}
    keys = frozenset(key for key in step.changed_keys if told((key,)))
    forcing = frozenset(key for key in step.replace_keys if _forces(key, kinds, real, step))
    op = step.op
    if op is Op.REPLACE and not forcing and not any(map(_is_forcing, kinds.values())):
        op = Op.UPDATE if step.replace_keys or step.kinds else op
    if op is Op.UPDATE and not (kinds or keys or real):
        op = Op.SAME
    return replace(
        step,
        op=op,
        new=replace(step.new, inputs=inputs),
        kinds=kinds,
        changed_keys=keys,
        replace_keys=forcing,
        unsettled=open_paths,
    )


def _forces(key: str, kinds: Mapping[str, str], real: list[Difference], step: Step) -> bool:
    """Whether a top-level property still forces a replacement."""
    exact = [
        paths.parse(text)
        for text, kind in step.kinds.items()
        if _is_forcing(kind) and paths.parse(text)[0] == key
    ]
    if exact:
        return any(paths.show(path) in kinds for path in exact)
    new = step.new.inputs.get(key) if step.new else None
    return any(one.path[0] == key for one in real) or not _has_unknown(new)


def _is_forcing(kind: str) -> bool:
    return kind.endswith("-replace")


def _hold(old: Any, new: Any, around: _Around, urns: frozenset[str] | None, own: str) -> Any:
    """The new value, with what was unknown and is known to stay as it was."""
    if new is UNKNOWN:
        return old if old is not MISSING and around.gave(old, urns, own) else new
    if isinstance(new, Mapping):
        inner = old if isinstance(old, Mapping) else {}
        return {
            name: _hold(inner.get(name, MISSING), each, around, urns, own)
            for name, each in new.items()
        }
    if isinstance(new, list):
        pairs = paths.pairs(old if isinstance(old, list) else [], new)
        return [_hold(was, will_be, around, urns, own) for was, will_be in pairs]
    return new


def _has_unknown(value: Any) -> bool:
    return any(leaf is UNKNOWN for leaf in paths.leaves(value))


def _changed(step: Step) -> frozenset[str]:
    """The top-level properties of a resource that really differ."""
    if step.old is None or step.new is None:
        return frozenset()
    found = paths.differences(step.old.inputs, step.new.inputs)
    return frozenset(str(one.path[0]) for one in found if one.new is not UNKNOWN)
