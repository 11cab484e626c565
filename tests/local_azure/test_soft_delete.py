"""Vaults and workspaces hold their names after they were deleted, as in Azure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource import ResourceManagementClient

from local_azure.arm.names import Names
from local_azure.arm.service import Resource
from local_azure.arm.store import SoftDeleted, Store
from local_azure.arm.subscriptions import TENANT

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import StandIn

VERSION = {"api-version": "2025-12-01"}
PROPERTIES: dict[str, Any] = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}}
VAULT: dict[str, Any] = {"location": "westeurope", "properties": PROPERTIES}
PROTECTED = VAULT | {"properties": PROPERTIES | {"enablePurgeProtection": True}}
RECOVERED = VAULT | {"properties": PROPERTIES | {"createMode": "recover"}}


@pytest.fixture
def vaults(stand_in: StandIn) -> Any:
    return stand_in.client(KeyVaultManagementClient).vaults


@pytest.fixture
def vault() -> str:
    return f"kv{uuid4().hex[:10]}"


@pytest.fixture
def name(group: str) -> str:
    return group.rsplit("/", 1)[-1]


def deleted(vaults: Any) -> list[str]:
    return [each.name for each in vaults.list_deleted()]


def test_a_deleted_vault_is_listed_and_blocks_its_name(vaults: Any, name: str, vault: str):
    vaults.begin_create_or_update(name, vault, VAULT).result()
    vaults.delete(name, vault)
    kept = vaults.get_deleted(vault, "westeurope")
    assert kept.properties.vault_id.endswith(f"/vaults/{vault}")
    days = kept.properties.scheduled_purge_date - kept.properties.deletion_date
    assert days.days == 90
    assert vault in deleted(vaults)
    with pytest.raises(ResourceExistsError, match="recover or purge"):
        vaults.begin_create_or_update(name, vault, VAULT)


def test_a_purged_vaults_name_is_free(vaults: Any, name: str, vault: str):
    vaults.begin_create_or_update(name, vault, VAULT).result()
    vaults.delete(name, vault)
    vaults.begin_purge_deleted(vault, "westeurope").result()
    assert vault not in deleted(vaults)
    with pytest.raises(ResourceNotFoundError):
        vaults.get_deleted(vault, "westeurope")
    vaults.begin_create_or_update(name, vault, VAULT).result()


def test_purge_protection_protects_from_everybody(vaults: Any, name: str, vault: str):
    vaults.begin_create_or_update(name, vault, PROTECTED).result()
    vaults.delete(name, vault)
    with pytest.raises(HttpResponseError, match="purge protection"):
        vaults.begin_purge_deleted(vault, "westeurope")
    assert vault in deleted(vaults)


def test_a_vault_is_recovered_as_it_was_also_after_its_group_was_deleted(
    stand_in: StandIn, vaults: Any, vault: str
):
    groups = stand_in.client(ResourceManagementClient).resource_groups
    group = f"rg-{vault}"
    groups.create_or_update(group, {"location": "westeurope"})
    vaults.begin_create_or_update(group, vault, PROTECTED).result()
    groups.begin_delete(group).result()
    assert vault in deleted(vaults)
    groups.create_or_update(group, {"location": "westeurope"})
    again = vaults.begin_create_or_update(group, vault, RECOVERED).result()
    assert again.properties.enable_purge_protection
    assert vault not in deleted(vaults)


def test_nothing_is_recovered_where_nothing_was_deleted(vaults: Any, name: str, vault: str):
    with pytest.raises(ResourceNotFoundError, match="no deleted vault"):
        vaults.begin_create_or_update(name, vault, RECOVERED)


def test_a_deleted_workspace_blocks_its_name_until_it_is_purged(http: httpx.Client, group: str):
    path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/wsp"
    body = {"location": "westeurope", "properties": {}}
    assert http.put(path, params=VERSION, json=body).status_code == 201
    wait_until_gone(http, path)
    refused = http.put(path, params=VERSION, json=body)
    assert refused.status_code == 409
    assert "purge or recover" in refused.json()["error"]["message"]
    assert http.delete(path, params=VERSION | {"forceToPurge": "true"}).status_code == 204
    assert http.put(path, params=VERSION, json=body).status_code == 201


def test_a_workspace_may_be_purged_as_it_is_deleted(http: httpx.Client, group: str):
    path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/wsp"
    body = {"location": "westeurope", "properties": {}}
    http.put(path, params=VERSION, json=body)
    wait_until_gone(http, path, forceToPurge="true")
    assert http.put(path, params=VERSION, json=body).status_code == 201


def test_what_was_kept_for_long_enough_is_purged(tmp_path: Path):
    names = Names(Store(tmp_path / "state"))
    vault = Resource("/subscriptions/s/x/y/vaults/old", "Microsoft.KeyVault/vaults", VAULT)
    now = time.time()
    names.store.soft_delete(SoftDeleted(vault, deleted=now - 10, purge=now - 1))
    names.expire()
    assert names.store.soft_deleted("Microsoft.KeyVault/vaults") == []
    names.store.close()


def wait_until_gone(http: httpx.Client, path: str, **further: str) -> None:
    """Delete, and follow the operation to its end."""
    answer = wait_for_state(http, path)
    assert answer == "Succeeded"
    accepted = http.delete(path, params=VERSION | further)
    assert accepted.status_code == 202
    deadline = time.monotonic() + 10
    while http.get(accepted.headers["azure-asyncoperation"]).json()["status"] == "InProgress":
        assert time.monotonic() < deadline


def wait_for_state(http: httpx.Client, path: str) -> str:
    deadline = time.monotonic() + 10
    while True:
        state = http.get(path, params=VERSION).json()["properties"]["provisioningState"]
        if state not in ("Creating", "Updating") or time.monotonic() > deadline:
            return state
