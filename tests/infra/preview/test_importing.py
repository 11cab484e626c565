"""How a resource that Azure has and no state knows is found, and taken into the state."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from infra import azure_facts
from infra.preview import importing
from infra.preview.plan import Op, State, Step

URN = "urn:pulumi:dev::p::my:Component$a:b:C::vault"


def a_step(kind: str, inputs: dict[str, Any] | None) -> Step:
    return Step(Op.CREATE, URN, kind, new=None if inputs is None else State(inputs))


# As "Azure resource types" and the provider's schema name them.
LISTED = {
    azure_facts.CONTAINER_GROUP: (
        "containerGroupName",
        "Microsoft.ContainerInstance/containerGroups",
    ),
    azure_facts.REGISTRY: ("registryName", "Microsoft.ContainerRegistry/registries"),
    azure_facts.STORAGE_ACCOUNT: ("accountName", "Microsoft.Storage/storageAccounts"),
    azure_facts.VAULT: ("vaultName", "Microsoft.KeyVault/vaults"),
    azure_facts.ML_WORKSPACE: ("workspaceName", "Microsoft.MachineLearningServices/workspaces"),
    azure_facts.LOG_ANALYTICS: ("workspaceName", "Microsoft.OperationalInsights/workspaces"),
    azure_facts.APPLICATION_INSIGHTS: ("resourceName", "Microsoft.Insights/components"),
    azure_facts.IDENTITY: (
        "resourceName",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
    ),
    azure_facts.MANAGED_CLUSTER: ("resourceName", "Microsoft.ContainerService/managedClusters"),
}


@pytest.mark.parametrize("kind", LISTED)
def test_what_a_group_lists_is_found_in_any_case_of_letters(kind: str) -> None:
    key, listed_type = LISTED[kind]
    step = a_step(kind, {key: "My-Name", "other": "no"})
    listed = [
        {"type": listed_type.upper(), "name": "MY-name", "id": "/its/id"},
        {"type": listed_type, "name": "another", "id": "/another/id"},
        {"type": "Microsoft.Other/things", "name": "my-name", "id": "/other/id"},
    ]
    assert importing.listed([step], listed) == {step.urn: "/its/id"}


@pytest.mark.parametrize(
    "step",
    [
        a_step(azure_facts.VAULT, None),
        a_step(azure_facts.VAULT, {}),
        a_step(azure_facts.VAULT, {"vaultName": object()}),
        a_step(azure_facts.ROLE_ASSIGNMENT, {"": "x", "resourceName": "x"}),
    ],
)
def test_what_has_no_known_name_is_none_of_what_is_listed(step: Step) -> None:
    listed = [{"type": "Microsoft.KeyVault/vaults", "name": "kv", "id": "1"}, {"id": "2"}]
    assert importing.listed([step], listed) == {}


def test_it_is_imported_below_its_parent_and_protected_as_declared() -> None:
    step = Step(
        Op.CREATE, URN, azure_facts.VAULT, new=State(parent="urn:of the parent", protected=True)
    )
    assert shlex.split(importing.of(step, "/my/id", "my stack")) == [
        *("pulumi", "import", azure_facts.VAULT, "vault", "/my/id"),
        *("--parent", "parent=urn:of the parent"),
        *("--protect=true", "--generate-code=false", "--yes", "--stack", "my stack"),
    ]
    assert shlex.split(importing.of(a_step(azure_facts.VAULT, None), "/my/id", "dev")) == [
        *("pulumi", "import", azure_facts.VAULT, "vault", "/my/id"),
        *("--protect=false", "--generate-code=false", "--yes", "--stack", "dev"),
    ]
