"""Findings of the two questions that Pulumi answers: cloud and program, each against the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra import azure_facts
from infra.disclosure import display
from infra.disclosure.mask import Mask
from infra.drift import false_drift, severity
from infra.drift.finding import Finding, Kind, Question
from infra.preview import changes, paths
from infra.preview.paths import MISSING, Difference
from infra.preview.plan import Op, Plan, State, Step
from infra.preview.secret_lists import OPENED
from infra.preview.untold import UNKNOWN

DEPLOYED = "deployed"
DECLARED = "declared"
NOTHING = display.NOTHING


def of_cloud(plan: Plan, mask: Mask) -> Iterator[Finding]:
    """Yield how the cloud differs from the state, from a previewed refresh."""
    for step in plan.steps:
        if not step.custom or step.op is Op.SAME:
            continue
        if step.op is Op.DELETE:
            yield _resource(step, Question.CLOUD, Kind.MISSING, mask)
        elif step.old and step.new:
            found = [one for one in changes.of(step) if _told(step, one.path)]
            yield from _properties(step, step.old, found, Question.CLOUD, mask)


def of_program(plan: Plan, mask: Mask) -> Iterator[Finding]:
    """Yield how the state differs from the program, from a preview.

    What only follows from another change, a value known after the update, is left out.
    """
    for step in plan.steps:
        if not step.custom or step.op is Op.SAME:
            continue
        if step.op is Op.CREATE:
            yield _resource(step, Question.PROGRAM, Kind.MISSING, mask)
        elif step.op is Op.DELETE:
            yield _resource(step, Question.PROGRAM, Kind.UNEXPECTED, mask)
        elif step.old and step.new:
            found = [
                replace(one, old=one.new, new=one.old)
                for one in changes.of(step)
                if one.new is not UNKNOWN
            ]
            yield from _properties(step, step.new, found, Question.PROGRAM, mask)


def _told(step: Step, path: paths.Path) -> bool:
    """Whether the provider named the property, where the inputs alone cannot say.

    A list that was opened has on the actual side what Azure answers, with more than was declared.
    """
    if path[0] not in OPENED.get(step.type, ()) or not step.kinds:
        return True
    return any(changes.related(path, paths.parse(text)) for text in step.kinds)


def _properties(
    step: Step, declared: State, found: list[Difference], question: Question, mask: Mask
) -> Iterator[Finding]:
    for one in false_drift.without(step.type, found):
        # Such a property of a container group is brought back by replacing it.
        fixed = step.type == azure_facts.CONTAINER_GROUP and bool(changes.aci_immutable(one.path))
        replaces = step.op is Op.REPLACE or fixed
        yield replace(of_property(step, question, declared.inputs, one, mask), replaces=replaces)


def of_property(
    step: Step, question: Question, inputs: Mapping[str, Any], one: Difference, mask: Mask
) -> Finding:
    """The finding that one property is not as declared.

    Args:
        step: Of the resource.
        question: Which comparison found it.
        inputs: What is declared of the resource.
        one: The property; `old` is what should be there.
        mask: What may not be shown.
    """
    level, reason = severity.of_property(step.type, inputs, one.path, one.new)
    return Finding(
        question=question,
        resource=display.name(step.name, mask),
        type=step.type,
        path=display.path(one.path, mask),
        label=display.key(one.label, mask),
        declared=display.property_value(step.type, one.path, one.label, one.old, mask),
        actual=display.property_value(step.type, one.path, one.label, one.new, mask),
        kind=_kind(one),
        severity=level,
        reason=reason,
        urn=step.urn,
    )


def _kind(one: Difference) -> Kind:
    if one.old is MISSING:
        return Kind.UNEXPECTED
    return Kind.MISSING if one.new is MISSING else Kind.CHANGED


def _resource(step: Step, question: Question, kind: Kind, mask: Mask) -> Finding:
    level, reason = severity.of_resource(step.type, question, kind)
    present = DEPLOYED if question is Question.CLOUD else DECLARED
    missing = kind is Kind.MISSING
    return Finding(
        question=question,
        resource=display.name(step.name, mask),
        type=step.type,
        declared=present if missing else NOTHING,
        actual=NOTHING if missing else DEPLOYED,
        kind=kind,
        severity=level,
        reason=reason,
        urn=step.urn,
    )
