"""Resources that lie in the stack's resource groups and in no state: somebody made them by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.disclosure import allow_list, display
from infra.disclosure.mask import Mask
from infra.drift.finding import Finding, Kind, Question, Severity

MADE_BY_AZURE = frozenset(
    {
        # Application Insights makes both for itself: a rule "Failure Anomalies", and whom it tells.
        "microsoft.alertsmanagement/smartdetectoralertrules",
        "microsoft.insights/actiongroups",
    }
)
"""Types that Azure itself adds to a group; only with the names that it gives them."""

_NAMES_BY_AZURE = ("failure anomalies", "application insights smart detection")


def find(
    listed: Iterable[Mapping[str, Any]], known: Iterable[str], mask: Mask
) -> Iterator[Finding]:
    """Yield a finding for each such resource.

    Args:
        listed: What ARM lists in the stack's resource groups.
        known: The ids of what the state knows, and of what the program declares.
        mask: What may not be shown.
    """
    managed = {each.casefold() for each in known}
    for resource in listed:
        own = str(resource.get("id"))
        if own.casefold() not in managed and not _by_azure(resource):
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
                reason="it is neither declared nor in the state",
                id=own if allow_list.ARM_ID(own, mask) else "",
            )


def _by_azure(resource: Mapping[str, Any]) -> bool:
    kind, name = (str(resource.get(each)).casefold() for each in ("type", "name"))
    return kind in MADE_BY_AZURE and name.startswith(_NAMES_BY_AZURE)
