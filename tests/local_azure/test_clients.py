"""Azure's own management clients do their daily work on the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.applicationinsights import ApplicationInsightsManagementClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.containerinstance import ContainerInstanceManagementClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.loganalytics import LogAnalyticsManagementClient
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient

from local_azure.arm.subscriptions import TENANT

if TYPE_CHECKING:
    from conftest import StandIn

WEST = {"location": "westeurope"}


@pytest.fixture
def name(group: str) -> str:
    """The resource group's name."""
    return group.rsplit("/", 1)[-1]


@pytest.fixture
def unique() -> str:
    return f"x{uuid4().hex[:10]}"


def test_resource_groups(stand_in: StandIn, unique: str):
    client = stand_in.client(ResourceManagementClient).resource_groups
    assert not client.check_existence(unique)
    made = client.create_or_update(unique, WEST | {"tags": {"a": "b"}})
    assert (made.location, made.tags) == ("westeurope", {"a": "b"})
    assert client.check_existence(unique)
    assert client.update(unique, {"tags": {"c": "d"}}).tags == {"a": "b", "c": "d"}
    client.begin_delete(unique).result()
    with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
        client.get(unique)


def test_storage_accounts(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(StorageManagementClient).storage_accounts
    wanted = WEST | {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    made = client.begin_create(name, unique, wanted).result()
    assert made.provisioning_state == "Succeeded"
    assert made.sku.name == "Standard_LRS"
    assert client.get_properties(name, unique).id == made.id
    assert [each.name for each in client.list_by_resource_group(name)] == [unique]
    client.delete(name, unique)
    with pytest.raises(ResourceNotFoundError):
        client.get_properties(name, unique)


def test_key_vaults(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(KeyVaultManagementClient).vaults
    properties = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}}
    made = client.begin_create_or_update(name, unique, WEST | {"properties": properties}).result()
    assert made.properties.enable_soft_delete
    assert client.get(name, unique).properties.vault_uri
    assert client.update(name, unique, {"tags": {"a": "b"}}).tags == {"a": "b"}
    client.delete(name, unique)
    with pytest.raises(ResourceNotFoundError):
        client.get(name, unique)


def test_managed_identities(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(ManagedServiceIdentityClient).user_assigned_identities
    made = client.create_or_update(name, unique, WEST)
    assert made.principal_id != made.client_id
    assert client.get(name, unique).principal_id == made.principal_id
    client.delete(name, unique)
    with pytest.raises(ResourceNotFoundError):
        client.get(name, unique)


def test_role_assignments(stand_in: StandIn, group: str, name: str, unique: str):
    identities = stand_in.client(ManagedServiceIdentityClient).user_assigned_identities
    principal = identities.create_or_update(name, unique, WEST).principal_id
    client = stand_in.client(
        AuthorizationManagementClient, api_version="2022-04-01"
    ).role_assignments
    pull = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    body = {
        "properties": {
            "roleDefinitionId": f"{stand_in.scope}/providers/Microsoft.Authorization"
            f"/roleDefinitions/{pull}",
            "principalId": principal,
            "principalType": "ServicePrincipal",
        }
    }
    assignment = str(uuid4())
    made = client.create(group, assignment, body)
    assert made.principal_id == principal
    assert [each.name for each in client.list_for_scope(group)] == [assignment]
    assert client.get_by_id(made.id).role_definition_id.endswith(pull)
    client.delete(group, assignment)
    assert list(client.list_for_scope(group)) == []


def test_log_analytics_workspaces(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(LogAnalyticsManagementClient).workspaces
    wanted = WEST | {"properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}}
    made = client.begin_create_or_update(name, unique, wanted).result()
    assert made.customer_id
    assert client.get(name, unique).retention_in_days == 30
    client.begin_delete(name, unique).result()
    with pytest.raises(ResourceNotFoundError):
        client.get(name, unique)


def test_application_insights(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(
        ApplicationInsightsManagementClient, api_version="2020-02-02"
    ).components
    wanted = WEST | {"kind": "web", "properties": {"Application_Type": "web"}}
    made = client.create_or_update(name, unique, wanted)
    assert made.instrumentation_key in made.connection_string
    client.delete(name, unique)
    with pytest.raises(ResourceNotFoundError):
        client.get(name, unique)


def test_container_registries(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(ContainerRegistryManagementClient, api_version="2025-04-01").registries
    wanted = WEST | {"sku": {"name": "Standard"}, "properties": {"adminUserEnabled": False}}
    made = client.begin_create(name, unique, wanted).result()
    assert made.provisioning_state == "Succeeded"
    assert not made.admin_user_enabled
    assert client.begin_update(name, unique, {"tags": {"a": "b"}}).result().tags == {"a": "b"}
    client.begin_delete(name, unique).result()
    with pytest.raises(ResourceNotFoundError):
        client.get(name, unique)


def test_container_groups_that_are_wrong_are_refused(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(ContainerInstanceManagementClient).container_groups
    assert list(client.list_by_resource_group(name)) == []
    wrong: dict[str, Any] = WEST | {"properties": {"osType": "Plan9", "containers": []}}
    with pytest.raises(HttpResponseError, match="osType"):
        client.begin_create_or_update(name, unique, wrong)


def test_machine_learning_workspaces(stand_in: StandIn, name: str, unique: str):
    client = stand_in.client(MachineLearningServicesMgmtClient).workspaces
    made = client.begin_create_or_update(
        name, unique, WEST | {"properties": {"friendlyName": "Ours"}}
    ).result()
    assert made.friendly_name == "Ours"
    shown = client.get(name, unique)
    assert shown.discovery_url.startswith(stand_in.url)
    assert shown.workspace_id
    client.begin_delete(name, unique).result()
    with pytest.raises(ResourceNotFoundError):
        client.get(name, unique)


def test_a_workspace_needs_what_it_names(stand_in: StandIn, group: str, name: str, unique: str):
    client = stand_in.client(MachineLearningServicesMgmtClient).workspaces
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/missing"
    with pytest.raises(HttpResponseError, match=r"its keyVault .* does not exist"):
        client.begin_create_or_update(
            name, unique, WEST | {"properties": {"keyVault": vault}}
        ).result()
    assert client.get(name, unique).provisioning_state == "Failed"


def test_a_group_takes_everything_in_it_along(stand_in: StandIn, unique: str):
    groups = stand_in.client(ResourceManagementClient).resource_groups
    groups.create_or_update(unique, WEST)
    identities = stand_in.client(ManagedServiceIdentityClient).user_assigned_identities
    identities.create_or_update(unique, "one", WEST)
    groups.begin_delete(unique).result()
    groups.create_or_update(unique, WEST)
    with pytest.raises(ResourceNotFoundError):
        identities.get(unique, "one")
    groups.begin_delete(unique).result()


def test_a_taken_name_is_told_as_a_conflict(stand_in: StandIn, name: str, unique: str):
    groups = stand_in.client(ResourceManagementClient).resource_groups
    groups.create_or_update(f"{name}-b", WEST)
    client = stand_in.client(StorageManagementClient).storage_accounts
    wanted = WEST | {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    client.begin_create(name, unique, wanted).result()
    with pytest.raises(ResourceExistsError, match="already taken"):
        client.begin_create(f"{name}-b", unique, wanted)
    groups.begin_delete(f"{name}-b").result()
