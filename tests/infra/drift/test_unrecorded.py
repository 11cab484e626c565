"""What exists and is declared, but is in no state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import unrecorded
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.stack import Stack
from infra.preview.events import STACK_TYPE
from infra.preview.plan import Op, Plan, State, Step

SUBSCRIPTION = "00000000-0000-0000-0000-00000000da7a"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
PARENT = "urn:pulumi:dev::p::sklearn-mnist-svc:infra:Workspace::workspace"


class Azure:
    """Answers what is there, and keeps what was asked."""

    def __init__(self, *there: dict[str, Any]) -> None:
        self.there = {each["id"]: each for each in there}
        self.asked: list[tuple[str, str]] = []

    def get(self, path: str, version: str) -> dict[str, Any] | None:
        self.asked.append((path, version))
        return self.there.get(path)


def a_stack(*groups: str, subscription: Any = SUBSCRIPTION) -> Stack:
    known = [
        {"urn": each, "type": azure_facts.RESOURCE_GROUP, "id": each, "custom": True}
        for each in groups
    ]
    vault = {"urn": "v", "type": azure_facts.VAULT, "id": VAULT, "custom": True}
    outputs = {"subscription_id": subscription} if subscription else {}
    whole = {"urn": "s", "type": STACK_TYPE, "outputs": outputs}
    return Stack("dev", Path(), {"deployment": {"resources": [whole, *known, vault]}})


def planned(kind: str, op: Op = Op.CREATE, custom: bool = True, /, **inputs: Any) -> Plan:
    new = State(inputs, protected=True, parent=PARENT)
    return Plan((Step(op, f"urn:pulumi:dev::p::{kind}::mine", kind, None, new, custom),))


def found(
    plan: Plan, *listed: dict[str, Any], azure: Azure | None = None, mask: Mask | None = None
) -> list[tuple[str, Finding]]:
    arm: Any = azure or Azure()
    return list(unrecorded.find(arm, a_stack(), plan, list(listed), mask or Mask()))


def test_what_is_found_has_all_that_an_import_needs() -> None:
    there = {"id": VAULT, "type": "microsoft.keyvault/VAULTS", "name": "KV"}
    assert found(planned(azure_facts.VAULT, vaultName="kv"), there) == [
        (
            VAULT,
            Finding(
                question=Question.GROUP,
                resource="mine",
                type=azure_facts.VAULT,
                path="",
                label="",
                declared="declared",
                actual="deployed",
                kind=Kind.UNRECORDED,
                severity=Severity.MAJOR,
                reason=(
                    "it exists and is declared, but is in no state: an update would fail to"
                    " create it again"
                ),
                id=VAULT,
                urn=f"urn:pulumi:dev::p::{azure_facts.VAULT}::mine",
                parent=PARENT,
                protected=True,
            ),
        )
    ]


@pytest.mark.parametrize(
    ("token", "key", "kind"),
    [
        (
            "containerinstance:ContainerGroup",
            *("containerGroupName", "Microsoft.ContainerInstance/containerGroups"),
        ),
        (
            *("containerregistry:Registry", "registryName"),
            "Microsoft.ContainerRegistry/registries",
        ),
        ("storage:StorageAccount", "accountName", "Microsoft.Storage/storageAccounts"),
        ("keyvault:Vault", "vaultName", "Microsoft.KeyVault/vaults"),
        (
            *("machinelearningservices:Workspace", "workspaceName"),
            "Microsoft.MachineLearningServices/workspaces",
        ),
        (
            *("operationalinsights:Workspace", "workspaceName"),
            "Microsoft.OperationalInsights/workspaces",
        ),
        ("applicationinsights:Component", "resourceName", "Microsoft.Insights/components"),
        (
            *("managedidentity:UserAssignedIdentity", "resourceName"),
            "Microsoft.ManagedIdentity/userAssignedIdentities",
        ),
    ],
)
def test_every_type_of_the_program_is_found_by_its_name(token: str, key: str, kind: str) -> None:
    plan = planned(f"azure-native:{token}", **{key: "n"})
    own = f"{GROUP}/providers/{kind}/n"
    there = {"id": own, "type": kind, "name": "n"}
    assert [each for each, _ in found(plan, there)] == [own]
    assert found(plan, {**there, "name": "other"}) == []
    assert found(plan, {**there, "type": "Microsoft.Other/things"}) == []


@pytest.mark.parametrize(("op", "custom"), [(Op.UPDATE, True), (Op.SAME, True), (Op.CREATE, False)])
def test_only_what_the_program_would_create_is_looked_for(op: Op, custom: bool) -> None:
    there = {"id": VAULT, "type": "Microsoft.KeyVault/vaults", "name": "kv"}
    assert found(planned(azure_facts.VAULT, op, custom, vaultName="kv"), there) == []


def test_an_id_that_may_not_be_shown_is_still_known() -> None:
    there = {"id": VAULT, "type": "Microsoft.KeyVault/vaults", "name": "kv"}
    plan = planned(azure_facts.VAULT, vaultName="kv")
    ((own, one),) = found(plan, there, mask=Mask.of(["vaults/kv", "mine"]))
    assert (own, one.id, one.resource) == (VAULT, "", "[hidden]")


def test_a_resource_group_is_asked_for_by_its_id() -> None:
    plan = planned(azure_facts.RESOURCE_GROUP, resourceGroupName="rg")
    azure = Azure({"id": GROUP})
    assert [each for each, _ in found(plan, azure=azure)] == [GROUP]
    assert azure.asked == [(GROUP, "2021-04-01")]
    assert found(plan) == []


def test_a_role_assignment_is_asked_for_at_its_scope() -> None:
    plan = planned(azure_facts.ROLE_ASSIGNMENT, scope=VAULT, roleAssignmentName="right")
    own = f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/right"
    azure = Azure({"id": own})
    assert [each for each, _ in found(plan, azure=azure)] == [own]
    assert azure.asked == [(own, "2022-04-01")]
    relative = planned(azure_facts.ROLE_ASSIGNMENT, scope="x", roleAssignmentName="right")
    assert found(relative, azure=azure) == []
    assert len(azure.asked) == 1


def test_azures_own_spelling_of_an_id_is_taken_where_it_has_one() -> None:
    plan = planned(azure_facts.ROLE_ASSIGNMENT, scope=VAULT, roleAssignmentName="right")
    own = f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/right"
    azure = Azure({"id": own})
    azure.there[own] = {"id": own.upper()}
    assert [each for each, _ in found(plan, azure=azure)] == [own.upper()]
    azure.there[own] = {"name": "right"}
    assert [each for each, _ in found(plan, azure=azure)] == [own]


def test_the_stacks_groups_are_those_of_the_state_and_those_to_be_made() -> None:
    plan = planned(azure_facts.RESOURCE_GROUP, resourceGroupName="rg")
    other = f"{GROUP}-0"
    assert unrecorded.groups(a_stack(other), plan) == [GROUP, other]
    assert unrecorded.groups(a_stack(GROUP), plan) == [GROUP]
    assert unrecorded.groups(a_stack(other), Plan()) == [other]
    unknown = planned(azure_facts.RESOURCE_GROUP, resourceGroupName=None)
    assert unrecorded.groups(a_stack(), unknown) == []
    assert unrecorded.groups(a_stack(subscription=None), plan) == []
