"""Opens lists that are secret as a whole because one of their members is.

azure-native takes no secrets from the engine, which then marks the whole of a list: with one secure
environment variable, everything about the containers is blinded in the preview, the image and the
cores too. The values come from the state and from the update plan instead; only the lists named
here are opened, secure values in them stay marks, and the allow-list decides about the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from infra import azure_facts
from infra.preview.events import SECRET_SIGNATURE, SIGNATURE, value
from infra.preview.plan import Op, Plan, State
from infra.preview.untold import SECRET

OPENED = {azure_facts.CONTAINER_GROUP: ("containers", "initContainers")}
"""The properties that are opened, by type."""

_SECURE = frozenset({"secureValue", "secureValueReference"})

Inputs = Mapping[str, Mapping[str, Any]]
"""Inputs of resources by URN, on the wire, secrets in plain text."""


@dataclass(frozen=True)
class Opened:
    """What is known beside the preview. It holds secrets: it is never written or shown.

    Attributes:
        before: Inputs in the state.
        after: Inputs that the update would have.
        secrets: Every secret text in either.
        sources: URNs of the resources that each top-level input comes from, by URN.
    """

    before: Inputs = field(default_factory=dict, repr=False)
    after: Inputs = field(default_factory=dict, repr=False)
    secrets: frozenset[str] = field(default_factory=frozenset, repr=False)
    sources: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)


def read(state: Mapping[str, Any], update: Mapping[str, Any]) -> Opened:
    """What `pulumi stack export --show-secrets` and an update plan tell together.

    Args:
        state: The exported stack.
        update: The update plan; empty where there is none.
    """
    resources = (state.get("deployment") or {}).get("resources") or []
    before = {each["urn"]: each.get("inputs") or {} for each in resources if not each.get("delete")}
    after: dict[str, Mapping[str, Any]] = {}
    for urn, planned in (update.get("resourcePlans") or {}).items():
        change = (planned.get("goal") or {}).get("inputDiff") or {}
        kept = {
            name: each
            for name, each in before.get(urn, {}).items()
            if name not in (change.get("deletes") or ())
        }
        after[urn] = {**kept, **(change.get("adds") or {}), **(change.get("updates") or {})}
    texts = {text for tree in (resources, update) for text in _secrets(tree)}
    sources = {each["urn"]: _sources(each) for each in resources if "propertyDependencies" in each}
    sources |= {
        urn: _sources(planned["goal"])
        for urn, planned in (update.get("resourcePlans") or {}).items()
        if (planned.get("goal") or {}).get("propertyDependencies") is not None
    }
    return Opened(before, after, frozenset(texts), sources)


def _sources(holder: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    told = holder.get("propertyDependencies") or {}
    return {name: frozenset(urns or ()) for name, urns in told.items()}


def open_lists(plan: Plan, known: Opened) -> Plan:
    """The plan with the named lists opened, and what vanished told from what is new."""
    return replace(
        plan,
        steps=tuple(
            replace(
                step,
                old=_open(step.type, step.old, known.before.get(step.urn, {})),
                new=_open(step.type, step.new, known.after.get(step.urn, {})),
                vanished=step.op is Op.CREATE and step.urn in known.before,
            )
            for step in plan.steps
        ),
    )


def _open(kind: str, state: State | None, plain: Mapping[str, Any]) -> State | None:
    if state is None:
        return None
    opened = {
        name: value(_without_secure(content))
        for name in OPENED.get(kind, ())
        if state.inputs.get(name) is SECRET and _is_secret(plain.get(name))
        for content in [revealed(plain.get(name))]
        if isinstance(content, list)
    }
    return replace(state, inputs={**state.inputs, **opened})


def _is_secret(wire: Any) -> bool:
    return isinstance(wire, Mapping) and wire.get(SIGNATURE) == SECRET_SIGNATURE


def revealed(wire: Any) -> Any:
    """What a secret on the wire holds, None where that is not told; anything else as it is."""
    if not _is_secret(wire):
        return wire
    try:
        return json.loads(wire["plaintext"])
    except (KeyError, ValueError):
        return None


def _without_secure(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {
            name: {SIGNATURE: SECRET_SIGNATURE} if name in _SECURE else _without_secure(each)
            for name, each in tree.items()
        }
    return [_without_secure(each) for each in tree] if isinstance(tree, list) else tree


def _secrets(tree: Any, *, inside: bool = False) -> Iterator[str]:
    """The texts that are secret: those of a text or an object marked so, and secure values.

    A list that is marked as a whole is so for one of its members: the rest of it is open.
    """
    if isinstance(tree, str):
        if inside:
            yield tree
    elif isinstance(tree, Mapping):
        if _is_secret(tree):
            content = revealed(tree)
            yield from _secrets(content, inside=isinstance(content, str | Mapping))
            return
        for name, each in tree.items():
            secure = name in _SECURE and isinstance(each, str)
            yield from _secrets(each, inside=inside or secure)
    elif isinstance(tree, list):
        for each in tree:
            yield from _secrets(each, inside=inside)
