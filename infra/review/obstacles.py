"""Why an update would stop half-way: said before anything is destroyed.

Sources: "Azure Key Vault soft-delete overview" (a vault's name is held until it is purged, and
purge protection forbids that), "Recover workspace data while soft deleted" (14 days), "Delete and
recover Azure Log Analytics workspace" (14 days; the name is held in its old place).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra import azure_facts
from infra.preview.plan import Op, Plan, State

_WORKSPACE = "the deleted workspace stays soft-deleted and holds its name for 14 days"
_HELD = {
    azure_facts.VAULT: "the deleted vault stays soft-deleted and holds its name for up to 90 days",
    azure_facts.ML_WORKSPACE: _WORKSPACE,
    azure_facts.LOG_ANALYTICS: _WORKSPACE,
}
"""Types whose names a deleted resource holds, and why."""

_GONE = {
    azure_facts.VAULT: (
        "it was deleted and stays soft-deleted, so Azure refuses another one of its name, and the "
        "update would stop there",
        "bring it back first: `az keyvault recover --name {name}`; the stack still knows it, so "
        "the next review finds nothing to do. If its days are over, `pulumi refresh` takes it out "
        "of the state, and it is made anew",
    ),
    azure_facts.ML_WORKSPACE: (
        "it was deleted and stays soft-deleted for 14 days, so Azure refuses another one of its "
        "name, and the update would stop there",
        "bring {name} back first, with its models: in the portal, Azure Machine Learning, Recently "
        "deleted; the stack still knows it, so the next review finds nothing to do. If it was "
        "purged, or its days are over, `pulumi refresh` takes it out of the state, and it is made "
        "anew, without models",
    ),
}
"""What somebody deleted and the update would make again: what is in the way, what to do."""

_ASIDE = (
    "put the setting back that forces it (location or prefix); to move, make a stack of another "
    "name, whose resources have other names, move what must be kept, and destroy this one last"
)
_PROTECTED = (
    "put the setting back that forces it; if it shall really be destroyed, set "
    "`protect: false`, deploy that alone, and back up what is in it first"
)

_REFUSED = re.compile(
    r'(?:unable to (replace|delete) )?resource "(urn:[^"]+)"[^.]*? (?:for protection|is protected)'
)
"""How the engine refuses, of what is protected, already in a preview."""


@dataclass(frozen=True)
class Obstacle:
    """Why an update cannot finish.

    Attributes:
        resource: The name of the resource it fails at.
        name: The name it needs and cannot have, or empty.
        why: What is in the way, a sentence's end.
        remedy: What to do instead.
        first: Whether Pulumi refuses before anything is touched.
    """

    resource: str
    name: str
    why: str
    remedy: str
    first: bool = False


def obstacles(plan: Plan) -> Iterator[Obstacle]:
    """Everything that would stop an update: what stopped the preview first."""
    yield from (
        Obstacle(urn.rpartition("::")[2], "", _protected(op or "delete"), _PROTECTED, first=True)
        for one in plan.diagnostics
        for op, urn in _REFUSED.findall(one.message)
    )
    steps = [step for step in plan.steps if step.custom]
    held = {
        (step.type, name.lower())
        for step in steps
        if step.op in {Op.DELETE, Op.REPLACE}
        for name in [_name(step.type, step.old)]
        if name
    }
    for step in steps:
        name = _name(step.type, step.new)
        if step.op is Op.CREATE and step.vanished and step.type in _GONE:
            why, remedy = _GONE[step.type]
            yield Obstacle(step.name, name, why, remedy.format(name=name or "NAME"))
            continue
        destroyed = step.op in {Op.DELETE, Op.REPLACE}
        if destroyed and step.old and step.old.protected:
            yield Obstacle(step.name, "", _protected(step.op), _PROTECTED, first=True)
        if step.op in {Op.CREATE, Op.REPLACE} and (step.type, name.lower()) in held:
            yield Obstacle(step.name, name, _HELD[step.type], _ASIDE)


def _protected(op: str) -> str:
    return f"it is protected and would be {op}d"


def _name(kind: str, state: State | None) -> str:
    """The name of a resource that would hold it; empty for any other, and where it is not known."""
    if kind not in _HELD or state is None:
        return ""
    _, key = azure_facts.NAMED[kind]
    name = state.inputs.get(key)
    return name if isinstance(name, str) else ""
