"""What the policies say of everything that will exist, and of the change itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.disclosure import display
from infra.disclosure.mask import Mask
from infra.policy.evaluate import evaluate
from infra.policy.limits import Limits
from infra.policy.resource import Resource
from infra.preview.plan import Step
from infra.review.key_change import KeyChange


@dataclass(frozen=True)
class Finding:
    """What a rule says about a resource.

    Attributes:
        rule: The rule's name.
        description: What it asks for.
        mandatory: Whether it stops the change.
        resource: The resource's name.
        message: What is wrong; where nothing is decided, why.
    """

    rule: str
    description: str
    mandatory: bool
    resource: str
    message: str


def judge(
    steps: Sequence[Step], limits: Limits, mask: Mask
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """(violations, undecided): the mandatory first, then by rule and resource."""
    violations: list[Finding] = []
    undecided: list[Finding] = []
    for step in steps:
        if step.new is None:
            continue
        for one in evaluate(Resource(step.type, step.new.inputs, limits)):
            finding = Finding(
                one.rule.name,
                one.rule.description,
                one.mandatory,
                display.name(step.name, mask),
                mask.text(one.message) if one.decided else one.message,
            )
            (violations if one.decided else undecided).append(finding)
    return _ordered(violations), _ordered(undecided)


def of_the_key(key: KeyChange, group: str, *, allowed: bool) -> Iterator[Finding]:
    """An endpoint that asked for a key and stops to: everybody may call it from then on."""
    if key is KeyChange.REMOVED:
        yield Finding(
            "endpoint-keeps-its-key",
            "An endpoint that asks for a key does not stop to.",
            not allowed,
            group,
            "scoringKey is removed: everybody who finds the endpoint may call it; set it again, "
            "or say --allow-open if that is meant",
        )


def _ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: (not one.mandatory, one.rule, one.resource)))
