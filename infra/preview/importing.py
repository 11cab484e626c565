"""How what Azure has and no state knows comes into the state; nothing happens to it there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from infra import azure_facts
from infra.preview.plan import State, Step


def listed(steps: Iterable[Step], in_group: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By URN, the ids of what steps declare and a resource group lists, in whatever case."""
    by_name = {
        (str(one.get("type")).casefold(), str(one.get("name")).casefold()): str(one.get("id"))
        for one in in_group
    }
    found: dict[str, str] = {}
    for step in steps:
        kind, key = azure_facts.NAMED.get(step.type, ("", ""))
        name = step.new.inputs.get(key) if step.new else None
        own = by_name.get((kind.casefold(), name.casefold())) if isinstance(name, str) else None
        if own:
            found[step.urn] = own
    return found


def command(
    kind: str, name: str, resource_id: str, stack: str, *, parent: str, protected: bool
) -> str:
    """What takes a resource into a stack's state.

    Args:
        kind: The provider's type token.
        name: Its name in the program.
        resource_id: Its id in Azure.
        stack: The stack's name.
        parent: The URN of what it belongs to; empty for the stack itself.
        protected: As the program declares it.
    """
    words = ["pulumi", "import", kind, name, resource_id]
    if parent:
        # Pulumi looks first among what it imports: a resource is no parent of its namesake.
        words += ["--parent", f"parent={parent}"]
    words += [f"--protect={str(protected).lower()}", "--generate-code=false", "--yes"]
    return shlex.join([*words, "--stack", stack])


def of(step: Step, resource_id: str, stack: str) -> str:
    """What takes a resource into a stack's state as a step declares it."""
    new = step.new or State()
    return command(
        step.type, step.name, resource_id, stack, parent=new.parent, protected=new.protected
    )
