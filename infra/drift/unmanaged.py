"""Resources that lie in the stack's resource groups and in no state: somebody made them by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra import azure_facts
from infra.disclosure import allow_list, display
from infra.disclosure.mask import Mask
from infra.drift.arm import Arm
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.stack import Stack

MADE_BY_AZURE = frozenset(
    {
        # Application Insights makes both for itself: a rule "Failure Anomalies", and whom it tells.
        "microsoft.alertsmanagement/smartdetectoralertrules",
        "microsoft.insights/actiongroups",
    }
)
"""Types that Azure itself adds to a group; only with the names that it gives them."""

_NAMES_BY_AZURE = ("failure anomalies", "application insights smart detection")


def find(arm: Arm, stack: Stack, mask: Mask) -> Iterator[Finding]:
    """Yield a finding for each such resource.

    Raises:
        DriftError: Azure was not reached, or refused.
    """
    known = {each.id.casefold() for each in stack.resources}
    groups = [each.id for each in stack.resources if each.type == azure_facts.RESOURCE_GROUP]
    for group in sorted(groups):
        for resource in arm.resources(group):
            own = str(resource.get("id", ""))
            if own.casefold() not in known and not _by_azure(resource):
                yield Finding(
                    question=Question.GROUP,
                    resource=display.name(str(resource.get("name", "")), mask),
                    type=display.name(str(resource.get("type", "")), mask),
                    path="",
                    label="",
                    declared=display.NOTHING,
                    actual="deployed",
                    kind=Kind.UNEXPECTED,
                    severity=Severity.MAJOR,
                    reason="it is in no state of Pulumi's",
                    id=own if allow_list.ARM_ID(own, mask) else "",
                )


def _by_azure(resource: Mapping[str, Any]) -> bool:
    name = str(resource.get("name", "")).casefold()
    return str(resource.get("type", "")).casefold() in MADE_BY_AZURE and name.startswith(
        _NAMES_BY_AZURE
    )
