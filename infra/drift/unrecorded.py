"""Resources that the program declares and Azure has, but that are in no state.

A creation that was cut off leaves one, and so does a vault that was recovered. The next update
would try to create it and fail; taken into the state, nothing happens to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra import azure_facts
from infra.arm.client import ASSIGNMENTS, LISTING, Arm
from infra.disclosure import allow_list, display
from infra.disclosure.mask import Mask
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.stack import Stack
from infra.preview import importing
from infra.preview.plan import Op, Plan, Step

REASON = "it exists and is declared, but is in no state: an update would fail to create it again"


def groups(stack: Stack, plan: Plan) -> list[str]:
    """The ids of the stack's resource groups: those of the state, and those to be created."""
    new = filter(None, (_group(stack, step) for step in _new(plan)))
    return sorted({*stack.ids(azure_facts.RESOURCE_GROUP), *new})


def find(
    arm: Arm, stack: Stack, plan: Plan, listed: list[dict[str, Any]], mask: Mask
) -> Iterator[tuple[str, Finding]]:
    """Yield the id, which may not be shown, and the finding of each such resource.

    Args:
        arm: Where role assignments and resource groups are read, which no group lists.
        stack: The state.
        plan: The preview of the program.
        listed: What ARM lists in the stack's resource groups.
        mask: What may not be shown.

    Raises:
        ArmError: Azure was not reached, or refused.
    """
    ids = importing.listed(_new(plan), listed)
    for step in _new(plan):
        own = ids.get(step.urn) or _read(arm, stack, step)
        if own and step.new:
            yield (
                own,
                Finding(
                    question=Question.GROUP,
                    resource=display.name(step.name, mask),
                    type=step.type,
                    declared="declared",
                    actual="deployed",
                    kind=Kind.UNRECORDED,
                    severity=Severity.MAJOR,
                    reason=REASON,
                    id=own if allow_list.ARM_ID(own, mask) else "",
                    urn=step.urn,
                    parent=step.new.parent,
                    protected=step.new.protected,
                ),
            )


def _new(plan: Plan) -> Iterator[Step]:
    yield from (step for step in plan.steps if step.custom and step.op is Op.CREATE)


def _group(stack: Stack, step: Step) -> str:
    """The id of a resource group that is to be created, or empty."""
    name = step.new.inputs.get("resourceGroupName") if step.new else None
    subscription = stack.outputs.get("subscription_id")
    if step.type != azure_facts.RESOURCE_GROUP or not isinstance(name, str):
        return ""
    return f"/subscriptions/{subscription}/resourceGroups/{name}" if subscription else ""


def _read(arm: Arm, stack: Stack, step: Step) -> str:
    """The id of what no group lists, if it is there: the group itself, and role assignments."""
    own, version = _group(stack, step), LISTING
    inputs = step.new.inputs if step.new else {}
    scope, name = inputs.get("scope"), inputs.get("roleAssignmentName")
    if step.type == azure_facts.ROLE_ASSIGNMENT and isinstance(scope, str):
        own = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
        version = ASSIGNMENTS
    if not own.startswith("/"):
        return ""
    found = arm.get(own, version)
    return str(found.get("id") or own) if found else ""
