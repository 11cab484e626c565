"""The commands that are printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import assignments, repair, unmanaged
from infra.drift.finding import Finding, Kind, Question
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
    known = [each.id for each in stack().resources]
    return list(unmanaged.find(Listing(*resources).resources(GROUP), known, Mask()))


def lines(*findings: Finding) -> list[str]:
    return [one.line for one in repair.of(stack(), findings)]


REGISTRY = "urn:pulumi:dev::p::azure-native:containerregistry:Registry::registry"


def test_drift_is_repaired_by_an_update_of_that_resource_alone(
    finding: Callable[..., Finding],
) -> None:
    assert lines(finding(urn=REGISTRY), finding(urn=REGISTRY, path="tags.team")) == [
        f"pulumi up --refresh --target {REGISTRY} --stack dev"
    ]
    assert lines() == []
    assert repair.script(()) == "# nothing to repair"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"path": "containers[0].image"}, "INTERRUPTS the endpoint: its containers restart"),
        (
            {"path": "containers[0].resources.requests.cpu", "replaces": True},
            "REPLACES registry: no endpoint meanwhile",
        ),
        ({"path": "tags.team"}, "INTERRUPTS the endpoint: its containers restart"),
        ({"path": "", "kind": Kind.MISSING}, ""),
    ],
)
def test_what_an_update_does_to_the_endpoint_stands_on_its_line(
    changes: dict[str, Any], line: str, finding: Callable[..., Finding]
) -> None:
    (one,) = repair.of(stack(), [finding(type=azure_facts.CONTAINER_GROUP, urn=URN, **changes)])
    assert one.harm == line
    assert line in one.line
    assert one.chosen is line.startswith("REPLACES")


def test_what_is_gone_is_made_again_and_nothing_is_interrupted(
    finding: Callable[..., Finding],
) -> None:
    gone = finding(type=azure_facts.CONTAINER_GROUP, urn=URN, path="", kind=Kind.MISSING)
    other = replace(gone, question=Question.PROGRAM, path="sku", kind=Kind.CHANGED, replaces=True)
    (one,) = repair.of(stack(), [gone, other])
    assert (one.harm, one.chosen) == ("", False)


def test_a_stopped_group_is_started_before_it_is_made_anew(
    finding: Callable[..., Finding],
) -> None:
    stopped = finding(question=Question.ENDPOINT, resource="endpoint", type="", path="state")
    first, second, *_ = lines(finding(urn=REGISTRY), stopped)
    assert first == (
        "az container start --name g --resource-group rg"
        " --subscription 00000000-0000-0000-0000-00000000da7a"
    )
    assert second == (
        "# REPLACES the container group: no endpoint meanwhile: "
        f"pulumi up --refresh --target {URN} --replace {URN} --stack dev"
    )


def test_a_wrong_endpoint_of_an_unchanged_group_is_restarted_first(
    finding: Callable[..., Finding],
) -> None:
    wrong = finding(question=Question.ENDPOINT, resource="endpoint", type="", path="answers")
    first, second = lines(wrong)
    assert first.startswith("az container restart --name g ")
    assert "# INTERRUPTS the endpoint" in first
    assert second.startswith("# REPLACES the container group")
    changed = finding(type=azure_facts.CONTAINER_GROUP, path="containers[0].image", urn=URN)
    (only,) = lines(wrong, changed)
    assert only.startswith(f"pulumi up --refresh --target {URN} --stack dev")


def test_what_the_program_no_longer_declares_is_kept_first_and_deleted_last(
    finding: Callable[..., Finding],
) -> None:
    gone = finding(question=Question.PROGRAM, kind=Kind.UNEXPECTED, path="", urn=REGISTRY)
    first, second, third = lines(gone)
    assert "declare it again" in first
    assert second.startswith("# DELETES registry from the state alone: pulumi state delete")
    assert third.startswith("# DELETES registry: pulumi up")


def test_what_is_declared_and_in_no_state_is_imported_and_never_deleted(
    finding: Callable[..., Finding],
) -> None:
    parent = "urn:pulumi:dev::p::sklearn-mnist-svc:infra:Workspace::workspace"
    lost = finding(
        question=Question.GROUP,
        resource="storage",
        type=azure_facts.STORAGE_ACCOUNT,
        path="",
        kind=Kind.UNRECORDED,
        id=f"{ACCOUNT}mine",
        urn="urn:x",
        parent=parent,
        protected=True,
    )
    assert lines(lost) == [
        f"pulumi import azure-native:storage:StorageAccount storage {ACCOUNT}mine"
        f" --parent parent={parent} --protect=true --generate-code=false --yes --stack dev"
    ]
    assert "its id is hidden" in lines(replace(lost, id=""))[0]


def test_a_right_is_deleted_by_what_it_allows_and_holds_nothing(
    finding: Callable[..., Finding],
) -> None:
    own = f"{GROUP}/providers/{assignments.TYPE}/42"
    right = finding(
        question=Question.GROUP,
        resource="42",
        type=assignments.TYPE,
        path="",
        label="Owner at rg",
        kind=Kind.UNEXPECTED,
        id=own,
    )
    assert lines(right)[1] == f"# DELETES Owner at rg: az role assignment delete --ids {own}"


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        (azure_facts.VAULT, "az keyvault recover --name v1"),
        (azure_facts.ML_WORKSPACE, "# bring v back; the state still knows it: in the portal, "),
    ],
)
def test_what_was_deleted_and_holds_its_name_is_brought_back_and_not_made_anew(
    kind: str, first: str, finding: Callable[..., Finding]
) -> None:
    """An update would stop there, for Azure refuses another one of its name."""
    known = {"urn": "urn:v", "type": kind, "id": f"{GROUP}/providers/x/y/v1", "custom": True}
    deleted = finding(resource="v", type=kind, urn="urn:v", path="", kind=Kind.MISSING)
    state = Stack("dev", Path(), {"deployment": {"resources": [known]}})
    recover, anew = repair.of(state, [deleted])
    assert recover.line.startswith(first)
    assert "v1" in recover.line
    assert anew.line.startswith("# if it was purged, make it anew")
    assert "INTERRUPTS" not in recover.line


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "properties.sku"},
        {"kind": Kind.CHANGED},
        {"question": Question.PROGRAM},
        {"type": azure_facts.REGISTRY},
    ],
)
def test_what_holds_no_name_is_updated_and_not_recovered(
    changes: dict[str, Any], finding: Callable[..., Finding]
) -> None:
    deleted = {"type": azure_facts.VAULT, "urn": "urn:v", "path": "", "kind": Kind.MISSING}
    assert finding(**deleted).soft_deleted
    one = finding(**{**deleted, **changes})
    assert not one.soft_deleted
    assert lines(one) == ["pulumi up --refresh --target urn:v --stack dev"]


def test_a_stray_is_declared_or_accepted_before_it_is_deleted() -> None:
    (stray,) = strays = found(
        ("Microsoft.Storage/storageAccounts", "ST"), ("Microsoft.Storage/storageAccounts", "mine")
    )
    assert (stray.resource, stray.type) == ("mine", "Microsoft.Storage/storageAccounts")
    first, second = lines(*strays)
    assert "declare it" in first
    assert "accept it in the baseline" in first
    assert second == (
        f"# DELETES mine and all that is in it: az resource delete --ids {ACCOUNT}mine"
    )


def test_pasted_as_a_whole_the_script_deletes_and_replaces_nothing(
    finding: Callable[..., Finding],
) -> None:
    harms = repair.of(
        stack(),
        [
            finding(urn=REGISTRY, replaces=True),
            finding(question=Question.ENDPOINT, type="", path="answers"),
            *found(("Microsoft.Network/virtualNetworks", "vnet")),
        ],
    )
    run = [line for line in repair.script(harms).splitlines() if not line.startswith("#")]
    assert all(line.startswith("az container restart") for line in run)
    assert sum(one.chosen for one in harms) == 3


def test_a_name_that_could_run_something_is_quoted_or_hidden() -> None:
    strays = found(("Microsoft.Storage/storageAccounts", "a; rm -rf ~"))
    assert f"--ids '{ACCOUNT}a; rm -rf ~'" in lines(*strays)[1]
    assert "\n" not in repair.Repair("a\nrm -rf ~").line
    strays = found(("Microsoft.Storage/storageAccounts", "password=hunter2hunter2"))
    assert "hunter2" not in str(lines(*strays)) + str(strays)


def test_what_application_insights_makes_for_itself_is_not_listed() -> None:
    assert (
        found(
            ("microsoft.alertsManagement/smartDetectorAlertRules", "Failure Anomalies - appi"),
            ("microsoft.insights/actionGroups", "Application Insights Smart Detection"),
        )
        == []
    )
    assert len(found(("microsoft.insights/actionGroups", "tell-me"))) == 1


def test_what_nothing_declares_is_set_by_azures_own_name_for_an_update_leaves_it(
    finding: Callable[..., Finding],
) -> None:
    urn = f"urn:pulumi:dev::p::{azure_facts.STORAGE_ACCOUNT}::n"
    opened = finding(urn=urn, undeclared=True, default="properties.networkAcls.ipRules=[]")
    known = stack()
    known.state["deployment"]["resources"][1]["outputs"] = {"azureApiVersion": "2024-01-01"}
    (one,) = repair.of(known, [opened, opened])
    assert one.command == (
        f"az resource update --ids {ACCOUNT}st --api-version 2024-01-01"
        " --set 'properties.networkAcls.ipRules=[]'"
    )
    assert one.harm == ""
    (by_hand,) = repair.of(known, [finding(urn=urn, undeclared=True)])
    assert (by_hand.command, "by hand, or declare it" in by_hand.why) == ("", True)
    (update,) = repair.of(known, [finding(urn=URN, undeclared=True, default="properties.x=1")])
    assert update.command.startswith("pulumi up --refresh --target ")
    assert update.harm.startswith("INTERRUPTS")
