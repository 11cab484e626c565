"""What lies in the stack's groups and in no state."""

from __future__ import annotations

from typing import Any

import pytest

from infra.disclosure.mask import Mask
from infra.drift import strays
from infra.drift.finding import Finding, Kind, Question, Severity

GROUP = "/subscriptions/00000000-0000-0000-0000-00000000da7a/resourceGroups/rg"
KIND = "Microsoft.Network/virtualNetworks"
NET = f"{GROUP}/providers/{KIND}/vnet"


def found(*listed: dict[str, Any], known: tuple[str, ...] = (), mask: Mask | None = None) -> Any:
    return list(strays.resources(listed, known, mask or Mask()))


def of_type(kind: str, name: str) -> dict[str, Any]:
    return {"id": f"{GROUP}/providers/{kind}/{name}", "type": kind, "name": name}


def test_what_somebody_made_is_found_behind_what_is_known() -> None:
    kept = of_type("Microsoft.Storage/storageAccounts", "st")
    stray = of_type(KIND, "vnet")
    assert found(kept, stray, known=(str(kept["id"]).upper(),)) == [
        Finding(
            question=Question.GROUP,
            resource="vnet",
            type=KIND,
            path="",
            label="",
            declared="(none)",
            actual="deployed",
            kind=Kind.UNEXPECTED,
            severity=Severity.MAJOR,
            reason="it is neither declared nor in the state",
            id=NET,
        )
    ]


def test_a_secret_is_in_no_name_no_type_and_no_id() -> None:
    (one,) = found(of_type(KIND, "vnet"), mask=Mask.of(["vnet", "virtualNetworks"]))
    assert (one.resource, one.type, one.id) == ("[hidden]", "Microsoft.Network/[hidden]", "")


def test_one_of_which_azure_says_nothing_is_still_found() -> None:
    (one,) = found({})
    assert (one.resource, one.type, one.id) == ("", "", "")


@pytest.mark.parametrize(
    ("kind", "name", "own"),
    [
        ("microsoft.alertsManagement/smartDetectorAlertRules", "Failure Anomalies - appi", True),
        ("microsoft.insights/actionGroups", "Application Insights Smart Detection", True),
        ("microsoft.insights/actionGroups", "tell-me", False),
        ("Microsoft.Network/virtualNetworks", "Failure Anomalies - appi", False),
    ],
)
def test_what_application_insights_makes_for_itself_is_nobodys(
    kind: str, name: str, own: bool
) -> None:
    assert len(found(of_type(kind, name))) == (not own)
    assert len(found(of_type(kind, name), of_type(KIND, "vnet"))) == 2 - own
