"""What the update would create although Azure has it: a creation that was cut off leaves one."""

from __future__ import annotations

from collections.abc import Mapping

from infra import azure_facts
from infra.arm.client import LISTING, Arm
from infra.preflight.line import Answer, good, refused
from infra.preflight.planned import Planned
from infra.preview import importing
from infra.preview.plan import Op


def find(arm: Arm, planned: Planned) -> Mapping[str, str]:
    """By the provider's type, the id of what is declared, exists, and is in no state.

    Raises:
        ArmError: Azure was not reached, or refused.
    """
    created = {kind: step for kind, step in planned.steps.items() if step.op is Op.CREATE}
    if not created:
        return {}
    ids = importing.listed(created.values(), arm.resources(planned.group))
    found = {kind: ids[step.urn] for kind, step in created.items() if step.urn in ids}
    group = azure_facts.RESOURCE_GROUP
    if group in created and arm.get(planned.group, LISTING):
        found = {group: planned.group, **found}
    return found


def answer(planned: Planned) -> Answer:
    """An update would fail at what is there; taken into the state, nothing happens to it."""
    if not planned.left:
        return good("nothing that the update creates is there already")
    left = [(planned.steps[kind], own) for kind, own in planned.left.items()]
    names = ", ".join(step.name for step, _ in left)
    commands = [importing.of(step, own, planned.config.stack) for step, own in left]
    return refused(f"{names}: declared and there, but in no state", "\n".join(commands))
