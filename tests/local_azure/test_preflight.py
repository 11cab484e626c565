"""What can be asked before anything is made; what is refused then is refused in earnest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

NEWEST = {"api-version": "2025-09-01"}
STORAGE = "Microsoft.Storage/storageAccounts"
REGISTRY = "Microsoft.ContainerRegistry/registries"
VAULT = "Microsoft.KeyVault/vaults"
BODIES: dict[str, dict[str, Any]] = {
    STORAGE: {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    REGISTRY: {"sku": {"name": "Basic"}},
    VAULT: {
        "properties": {
            "tenantId": "00000000-0000-0000-0000-0000000adf50",
            "sku": {"family": "A", "name": "standard"},
            "accessPolicies": [],
        }
    },
}
Set = Callable[..., None]


def put(http: httpx.Client, group: str, kind: str, name: str = "") -> httpx.Response:
    path = f"{group}/providers/{kind}/{name or f'x{uuid4().hex[:12]}'}"
    return http.put(path, params=NEWEST, json={"location": "westeurope", **BODIES[kind]})


def remove(http: httpx.Client, path: str) -> None:
    """Delete what is made, when it is, and wait until it is gone."""
    deadline = time.monotonic() + 60
    while http.delete(path, params=NEWEST).status_code == 409:
        assert time.monotonic() < deadline
    while http.get(path, params=NEWEST).status_code == 200:
        assert time.monotonic() < deadline


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_namespace_that_is_not_registered_refuses_until_it_is(
    stand_in: Any, http: httpx.Client, group: str, conditions: Set
) -> None:
    path = f"{stand_in.scope}/providers/Microsoft.Storage"
    assert http.get(path, params=NEWEST).json()["registrationState"] == "Registered"
    conditions(unregisteredProviders=["Microsoft.Storage"])
    listed = http.get(f"{stand_in.scope}/providers", params=NEWEST).json()["value"]
    assert [one["namespace"] for one in listed if one["registrationState"] != "Registered"] == [
        "Microsoft.Storage"
    ]
    assert code(put(http, group, STORAGE)) == (409, "MissingSubscriptionRegistration")
    assert put(http, group, REGISTRY).status_code == 201
    assert http.post(f"{path}/register", params=NEWEST).json()["registrationState"] == "Registered"
    assert put(http, group, STORAGE).status_code == 202


def test_a_denied_action_is_in_no_permission_and_refused(
    http: httpx.Client, group: str, conditions: Set
) -> None:
    path = f"{group}/providers/Microsoft.Authorization/permissions"
    (free,) = http.get(path, params=NEWEST).json()["value"]
    assert (free["actions"], free["notActions"]) == (["*"], [])
    conditions(deniedActions=[f"{STORAGE}/write", f"{VAULT}/delete"])
    (bound,) = http.get(path, params=NEWEST).json()["value"]
    assert bound["notActions"] == [f"{STORAGE}/write", f"{VAULT}/delete"]
    assert code(put(http, group, STORAGE)) == (403, "AuthorizationFailed")
    made = put(http, group, VAULT)
    assert made.status_code == 200
    assert code(http.delete(made.json()["id"], params=NEWEST)) == (403, "AuthorizationFailed")


def test_a_disabled_subscription_says_so_and_can_only_be_read(
    stand_in: Any, http: httpx.Client, group: str, conditions: Set
) -> None:
    assert http.get(stand_in.scope, params=NEWEST).json()["state"] == "Enabled"
    conditions(disabledSubscription=True)
    assert http.get(stand_in.scope, params=NEWEST).json()["state"] == "Disabled"
    assert code(put(http, group, STORAGE)) == (409, "ReadOnlyDisabledSubscription")
    assert http.get(group, params=NEWEST).status_code == 200


@pytest.mark.parametrize("kind", list(BODIES))
def test_a_global_name_is_free_until_somebody_has_it(
    stand_in: Any, http: httpx.Client, group: str, kind: str
) -> None:
    name = f"x{uuid4().hex[:12]}"
    path = f"{stand_in.scope}/providers/{kind.partition('/')[0]}/checkNameAvailability"

    def asked(name: str) -> dict[str, Any]:
        return http.post(path, params=NEWEST, json={"name": name, "type": kind}).json()

    assert asked(name) == {"nameAvailable": True}
    assert put(http, group, kind, name).status_code < 300
    taken = asked(name.upper())
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
    assert name.upper() in taken["message"]
    remove(http, f"{group}/providers/{kind}/{name}")
    assert asked(name)["nameAvailable"] is (kind != VAULT), "a deleted vault holds its name"
    assert http.post(path, params=NEWEST, json={"name": name, "type": "x"}).status_code == 400


def test_the_roles_of_one_principal_are_listed(
    stand_in: Any, http: httpx.Client, group: str
) -> None:
    reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    role = f"{stand_in.scope}/providers/Microsoft.Authorization/roleDefinitions/{reader}"
    one, other = str(uuid4()), str(uuid4())
    version = {"api-version": "2022-04-01"}
    for principal in (one, other):
        properties = {"roleDefinitionId": role, "principalId": principal}
        path = f"{group}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}"
        assert http.put(path, params=version, json={"properties": properties}).status_code == 201
    listed = f"{stand_in.scope}/providers/Microsoft.Authorization/roleAssignments"
    for words in (f"assignedTo('{one}')", f"principalId eq '{one}'"):
        (found,) = http.get(listed, params={**version, "$filter": words}).json()["value"]
        assert found["properties"]["principalId"] == one


def test_a_deleted_workspace_is_listed(stand_in: Any, http: httpx.Client, group: str) -> None:
    name = f"mlw-{uuid4().hex[:8]}"
    path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
    body = {"location": "westeurope", "identity": {"type": "SystemAssigned"}, "properties": {}}
    assert http.put(path, params=NEWEST, json=body).status_code == 201
    listed = f"{stand_in.scope}/providers/Microsoft.MachineLearningServices/deletedWorkspaces"
    assert http.get(listed, params=NEWEST).json()["value"] == []
    remove(http, path)
    (found,) = http.get(listed, params=NEWEST).json()["value"]
    assert (found["name"], found["id"], found["location"]) == (name, path, "westeurope")


@pytest.mark.parametrize(
    ("namespace", "name"), [("ContainerInstance", "StandardCores"), ("Compute", "cores")]
)
def test_the_quota_of_a_region_is_told(
    stand_in: Any, http: httpx.Client, conditions: Set, namespace: str, name: str
) -> None:
    path = f"{stand_in.scope}/providers/Microsoft.{namespace}/locations/westeurope/usages"
    (usage,) = http.get(path, params=NEWEST).json()["value"]
    assert (usage["name"]["value"], usage["currentValue"], usage["limit"]) == (name, 0, 100)
    conditions(coreQuota=2)
    (usage,) = http.get(path, params=NEWEST).json()["value"]
    assert usage["limit"] == 2


def test_the_versions_of_kubernetes_are_told(stand_in: Any, http: httpx.Client) -> None:
    place = "providers/Microsoft.ContainerService/locations/westeurope/kubernetesVersions"
    (found,) = http.get(f"{stand_in.scope}/{place}", params=NEWEST).json()["values"]
    assert (found["version"], list(found["patchVersions"])) == ("1.36", ["1.36.3"])


@pytest.mark.parametrize(
    "said", [{"deniedActions": "x"}, {"deniedActions": [1]}, {"coreQuota": -1}]
)
def test_a_condition_of_another_kind_is_refused(
    http: httpx.Client, group: str, conditions: Set, said: dict[str, Any]
) -> None:
    conditions(**said)
    assert code(put(http, group, STORAGE)) == (500, "InvalidConditions")
