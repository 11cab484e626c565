"""How bad a difference is.

Critical is what makes the actual resource break a mandatory policy that the declared one keeps,
what opens it to the public, and an endpoint that is gone. A tag is minor. All else is major.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra import azure_facts
from infra.drift import azure_defaults
from infra.drift.finding import Kind, Question, Severity
from infra.policy.evaluate import evaluate
from infra.policy.resource import Resource
from infra.preview.paths import MISSING, Path, pattern

_SERVING = frozenset(
    {
        *(azure_facts.CONTAINER_GROUP, azure_facts.MANAGED_CLUSTER, azure_facts.NAMESPACE),
        *(azure_facts.DEPLOYMENT, azure_facts.SERVICE, azure_facts.GATEWAY, azure_facts.ROUTE),
    }
)
"""What the endpoint goes away with."""


def of_property(
    kind: str, inputs: Mapping[str, Any], path: Path, actual: Any
) -> tuple[Severity, str]:
    """(severity, reason) of one property that is not as declared.

    Args:
        kind: The resource's type token.
        inputs: The declared inputs.
        path: The property.
        actual: Its value, or `MISSING`.
    """
    if path[:1] == ("tags",):
        return Severity.MINOR, ""
    broken = _broken(kind, _with(inputs, path, actual)) - _broken(kind, inputs)
    if broken:
        return Severity.CRITICAL, f"breaks the policy {', '.join(sorted(broken))}"
    if azure_defaults.opens(kind, pattern(path), actual):
        return Severity.CRITICAL, "lets more people in than declared"
    return Severity.MAJOR, ""


def of_resource(kind: str, question: Question, difference: Kind) -> tuple[Severity, str]:
    """(severity, reason) of a resource that is missing or that nobody declared."""
    if kind in _SERVING and difference is Kind.MISSING:
        return Severity.CRITICAL, "without it there is no endpoint"
    days = azure_facts.RECOVERABLE_DAYS.get(kind)
    if days and question is Question.CLOUD and difference is Kind.MISSING:
        return Severity.CRITICAL, f"what is in it can be brought back for {days} days at most"
    return Severity.MAJOR, ""


def _broken(kind: str, inputs: Mapping[str, Any]) -> set[str]:
    return {
        one.rule.name for one in evaluate(Resource(kind, inputs)) if one.decided and one.mandatory
    }


def _with(inputs: Any, path: Path, value: Any) -> Any:
    """The inputs with one property as it is; where the path leads nowhere, as they were."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(inputs, Mapping):
        inner = _with(inputs.get(str(step), {}), rest, value)
        changed = {**inputs, str(step): inner}
        if inner is MISSING:
            del changed[str(step)]
        return changed
    if isinstance(inputs, list) and isinstance(step, int) and step <= len(inputs):
        inner = _with(inputs[step] if step < len(inputs) else {}, rest, value)
        return inputs[:step] + ([] if inner is MISSING else [inner]) + inputs[step + 1 :]
    return inputs
