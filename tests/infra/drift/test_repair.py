"""The commands that are printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import repair, unmanaged
from infra.drift.finding import Finding, Question
from infra.drift.stack import Stack

GROUP = "/subscriptions/00000000-0000-0000-0000-00000000da7a/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/"
URN = "urn:pulumi:dev::p::azure-native:containerinstance:ContainerGroup::scoring-group"


def stack() -> Stack:
    kinds = {
        azure_facts.RESOURCE_GROUP: GROUP,
        azure_facts.STORAGE_ACCOUNT: f"{ACCOUNT}st",
        azure_facts.CONTAINER_GROUP: (
            f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/g"
        ),
    }
    resources = [
        {"urn": f"urn:pulumi:dev::p::{kind}::n", "type": kind, "id": own, "custom": True}
        for kind, own in kinds.items()
    ]
    resources[-1]["urn"] = URN
    return Stack("dev", Path(), {"deployment": {"resources": resources}})


class Listing:
    """What `Arm.resources` yields."""

    def __init__(self, *resources: tuple[str, str]) -> None:
        self.found = [
            {"id": f"{GROUP}/providers/{kind}/{name}", "type": kind, "name": name}
            for kind, name in resources
        ]

    def resources(self, group_id: str) -> list[dict[str, Any]]:
        assert group_id == GROUP
        return self.found


def found(*resources: tuple[str, str]) -> list[Finding]:
    listing: Any = Listing(*resources)
    return list(unmanaged.find(listing, stack(), Mask()))


def test_drift_is_repaired_by_an_update_after_a_refresh(finding: Callable[..., Finding]) -> None:
    assert repair.commands(stack(), [finding()]) == ("pulumi up --refresh --stack dev",)
    assert repair.commands(stack(), []) == ()


def test_a_wrong_endpoint_of_an_unchanged_group_needs_a_new_group(
    finding: Callable[..., Finding],
) -> None:
    wrong = finding(question=Question.ENDPOINT, resource="endpoint", type="")
    assert repair.commands(stack(), [wrong]) == (
        f"pulumi up --refresh --replace {URN} --stack dev",
    )
    changed = finding(type=azure_facts.CONTAINER_GROUP, path="containers[0].image")
    assert repair.commands(stack(), [wrong, changed]) == ("pulumi up --refresh --stack dev",)


def test_a_resource_in_no_state_is_found_and_taken_in() -> None:
    (stray,) = found(
        ("Microsoft.Storage/storageAccounts", "ST"), ("Microsoft.Storage/storageAccounts", "mine")
    )
    assert (stray.resource, stray.type) == ("mine", "Microsoft.Storage/storageAccounts")
    assert repair.commands(stack(), [stray]) == (
        f"pulumi import azure-native:storage:StorageAccount mine {ACCOUNT}mine"
        " --protect=false --generate-code=false --yes --stack dev",
        "pulumi up --refresh --stack dev",
    )


def test_one_of_a_type_that_the_stack_does_not_use_is_deleted_by_hand() -> None:
    strays = found(("Microsoft.Network/virtualNetworks", "vnet"))
    assert repair.commands(stack(), strays)[0] == (
        f"az resource delete --ids {GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
    )


def test_a_name_that_could_run_something_is_quoted_or_hidden() -> None:
    strays = found(("Microsoft.Storage/storageAccounts", "a; rm -rf ~"))
    assert "'a; rm -rf ~'" in repair.commands(stack(), strays)[0]
    strays = found(("Microsoft.Storage/storageAccounts", "password=hunter2hunter2"))
    assert "hunter2" not in str(repair.commands(stack(), strays)) + str(strays)


def test_what_application_insights_makes_for_itself_is_not_listed() -> None:
    assert (
        found(
            ("microsoft.alertsManagement/smartDetectorAlertRules", "Failure Anomalies - appi"),
            ("microsoft.insights/actionGroups", "Application Insights Smart Detection"),
        )
        == []
    )
    assert len(found(("microsoft.insights/actionGroups", "tell-me"))) == 1
