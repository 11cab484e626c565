"""How what Azure has and no state knows comes into the state; nothing happens to it there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from infra import azure_facts
from infra.preview.plan import State, Step


def listed_as(step: Step) -> tuple[str, str]:
    """(type, name) by which a resource group lists what a step declares, in one case of letters;
    empty names for what no group lists."""
    kind, name = azure_facts.NAMED.get(step.type, ("", ""))
    declared = step.new.inputs.get(name) if step.new else None
    return kind.casefold(), declared.casefold() if isinstance(declared, str) else ""


def by_name(listed: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """The ids of what a resource group lists, by what `listed_as` says of a step."""
    return {
        (str(one.get("type")).casefold(), str(one.get("name")).casefold()): str(one.get("id"))
        for one in listed
    }


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
