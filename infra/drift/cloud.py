"""What one preview with a refresh tells, parted: cloud against state, and program against state.

`pulumi preview --refresh` reads every resource first and then compares the program with what it
read. One run asks both questions; what differs between program and state alone is found again by
putting the state in the place of what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from infra.azure_facts import SECRET
from infra.preview import changes, events, paths
from infra.preview.command import Preview, whole
from infra.preview.plan import Op, Plan, Step
from infra.preview.secret_lists import Opened, open_lists


@dataclass(frozen=True)
class Told:
    """Both plans.

    Attributes:
        cloud: What a refresh would change in the state.
        program: What an update would change in the state, were the cloud as the state says.
        answers: By URN, what Azure answers for each resource, in the provider's names; secrets are
            marks.
    """

    cloud: Plan
    program: Plan
    answers: Mapping[str, Mapping[str, Any]] = field(repr=False)


def part(told: Preview, opened: Opened) -> Told:
    """Part a preview that refreshed.

    Args:
        told: The preview.
        opened: What opens the lists that are secret as a whole, as the cloud has them.

    Raises:
        PreviewError: The events are none of Pulumi's, or the preview failed.
    """
    read = tuple(map(_by_names, events.refreshed(told.events)))
    cloud = open_lists(Plan(read), opened)
    program = whole(told.plan())
    by_urn = {step.urn: step for step in cloud.steps}
    steps = tuple(_against_state(step, by_urn.get(step.urn)) for step in program.steps)
    answers = {step.urn: step.new.outputs for step in read if step.custom and step.new}
    return Told(cloud, replace(program, steps=steps), answers)


def _by_names(step: Step) -> Step:
    """An object of Kubernetes with the elements of its lists matched by their names.

    The provider matches them by their places: a container put in front of the declared one would
    be the declared one with everything changed. What is not declared is told by who set it.
    """
    if step.op is not Op.UPDATE or not (step.old and step.new) or step.type == SECRET:
        return step
    if not step.type.startswith("kubernetes:"):
        return step
    inputs = _shaped(step.old.inputs, step.new.outputs)
    return replace(step, new=replace(step.new, inputs=inputs), kinds={}, changed_keys=frozenset())


def _shaped(declared: Any, live: Any) -> Any:
    """What the cluster has of what is declared."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return {name: _shaped(each, live[name]) for name, each in declared.items() if name in live}
    if isinstance(declared, list) and isinstance(live, list):
        pairs = paths.pairs(live, declared)
        return [_shaped(wanted, each) for each, wanted in pairs if each is not paths.MISSING]
    return live


def _against_state(step: Step, read: Step | None) -> Step:
    """A step of the update with the state in the place of what was read."""
    if read is None or read.old is None or step.new is None:
        return step
    moved = read.op is not Op.SAME
    found = replace(step, op=Op.UPDATE, old=read.old)
    if moved:
        # The provider compared with what was read: what it told is of another pair.
        found = replace(found, kinds={}, replace_keys=frozenset(), changed_keys=frozenset())
    if not changes.of(found):
        return replace(found, op=Op.SAME)
    return replace(found, op=Op.REPLACE) if step.op is Op.REPLACE and not moved else found
