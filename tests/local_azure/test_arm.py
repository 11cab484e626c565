"""What ARM refuses, and how it says so: over plain HTTP, where no client helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import StandIn

GROUPS = {"api-version": "2024-03-01"}
STORAGE = {"api-version": "2024-01-01"}
IDENTITY = {"api-version": "2023-01-31"}


def error(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The error of an answer, which must be in ARM's envelope and nothing else."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["message"]
    return answer.json()["error"]


def storage(group: str, name: str = "account1") -> str:
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{name}"


def identity(group: str, name: str = "mine") -> str:
    return f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


ACCOUNT: dict[str, Any] = {
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
}


def test_an_unknown_type_is_refused_with_those_of_its_namespace(http: httpx.Client, group: str):
    path = f"{group}/providers/Microsoft.Storage/tapeLibraries/x"
    refused = error(http.put(path, params=STORAGE, json=ACCOUNT), 404)
    assert refused["code"] == "InvalidResourceType"
    assert "Microsoft.Storage/storageAccounts" in refused["message"]


def test_an_unknown_namespace_is_refused(http: httpx.Client, group: str):
    path = f"{group}/providers/Microsoft.Quantum/workspaces/x"
    refused = error(http.get(path, params=STORAGE), 404)
    assert refused["code"] == "InvalidResourceNamespace"


def test_a_wrong_api_version_is_refused_with_the_right_ones(http: httpx.Client, group: str):
    refused = error(http.get(storage(group), params={"api-version": "1999-01-01"}), 400)
    assert refused["code"] == "NoRegisteredProviderFound"
    assert "2024-01-01" in refused["message"]
    refused = error(http.get(group, params={"api-version": "1999-01-01"}), 400)
    assert refused["code"] == "InvalidApiVersionParameter"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_missing_api_version_is_refused(http: httpx.Client, group: str, method: str):
    refused = error(http.request(method, storage(group)), 400)
    assert refused["code"] == "MissingApiVersionParameter"


def test_every_unknown_property_is_named(http: httpx.Client, group: str):
    body = ACCOUNT | {"properties": {"colour": "red", "shape": "round"}}
    refused = error(http.put(storage(group), params=STORAGE, json=body), 400)
    assert [each["target"] for each in refused["details"]] == [
        "properties.colour",
        "properties.shape",
    ]
    error(http.get(storage(group), params=STORAGE), 404)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(http: httpx.Client, group: str, content: bytes):
    refused = error(http.put(storage(group), params=STORAGE, content=content), 400)
    assert refused["code"] == "InvalidRequestContent"


def test_a_body_that_is_too_large_is_refused(http: httpx.Client, group: str):
    huge = b" " * (4 * 1024 * 1024 + 1)
    refused = error(http.put(storage(group), params=STORAGE, content=huge), 413)
    assert refused["code"] == "RequestContentTooLarge"


def test_a_body_that_hides_its_length_is_refused_all_the_same(http: httpx.Client, group: str):
    parts = (b" " * 65_536 for _ in range(80))
    refused = error(http.put(storage(group), params=STORAGE, content=parts), 413)
    assert refused["code"] == "RequestContentTooLarge"


def test_nothing_is_created_in_a_group_that_does_not_exist(stand_in: StandIn, http: httpx.Client):
    nowhere = f"{stand_in.scope}/resourceGroups/nowhere"
    refused = error(http.put(storage(nowhere), params=STORAGE, json=ACCOUNT), 404)
    assert refused["code"] == "ResourceGroupNotFound"
    assert "'nowhere'" in refused["message"]


def test_nothing_extends_a_resource_that_does_not_exist(http: httpx.Client, group: str):
    name = "1b2b6e0e-0c1f-4b6b-9d5a-1f7c8d0a2b3c"
    path = f"{storage(group)}/providers/Microsoft.Authorization/roleAssignments/{name}"
    body = {
        "properties": {
            "roleDefinitionId": f"{group}/providers/Microsoft.Authorization/roleDefinitions/{name}",
            "principalId": name,
            "principalType": "ServicePrincipal",
        }
    }
    refused = error(http.put(path, params={"api-version": "2022-04-01"}, json=body), 404)
    assert refused["code"] == "ParentResourceNotFound"


def test_another_subscription_is_not_here(http: httpx.Client):
    refused = error(http.get("/subscriptions/1234/resourceGroups/x", params=GROUPS), 404)
    assert refused["code"] == "SubscriptionNotFound"


def test_a_missing_resource_is_named(http: httpx.Client, group: str):
    refused = error(http.get(storage(group), params=STORAGE), 404)
    assert refused["code"] == "ResourceNotFound"
    assert "Microsoft.Storage/storageAccounts/account1" in refused["message"]
    error(http.patch(storage(group), params=STORAGE, json={"tags": {}}), 404)
    assert http.head(storage(group), params=STORAGE).status_code == 404
    assert http.delete(storage(group), params=STORAGE).status_code == 204


def test_an_unknown_region_is_refused(http: httpx.Client, group: str):
    body = ACCOUNT | {"location": "atlantis"}
    refused = error(http.put(storage(group), params=STORAGE, json=body), 400)
    assert refused["code"] == "LocationNotAvailableForResourceType"


def test_a_resource_does_not_move(http: httpx.Client, group: str):
    assert http.put(identity(group), params=IDENTITY, json={"location": "westeurope"}).is_success
    answer = http.put(identity(group), params=IDENTITY, json={"location": "northeurope"})
    refused = error(answer, 409)
    assert refused["code"] == "InvalidResourceLocation"
    again = http.put(identity(group), params=IDENTITY, json={"location": "West Europe"})
    assert again.status_code == 200


def test_an_unknown_action_and_a_method_on_a_list_are_refused(http: httpx.Client, group: str):
    refused = error(http.post(f"{group}/explode", params=GROUPS), 404)
    assert refused["code"] == "InvalidResourceAction"
    path = f"{group}/providers/Microsoft.Storage/storageAccounts"
    assert error(http.put(path, params=STORAGE), 405)["code"] == "MethodNotAllowed"


def test_names_keep_their_case_and_are_found_in_any(http: httpx.Client, group: str):
    made = http.put(identity(group, "Mine"), params=IDENTITY, json={"location": "westeurope"})
    assert made.json()["name"] == "Mine"
    shouted = http.get(identity(group, "MINE").upper(), params=IDENTITY)
    assert shouted.json()["id"] == made.json()["id"]
    assert http.put(
        identity(group, "mINE"), params=IDENTITY, json={"location": "westeurope"}
    ).json()["name"] == ("Mine")


def test_what_was_read_can_be_written(http: httpx.Client, group: str):
    made = http.put(identity(group), params=IDENTITY, json={"location": "westeurope"}).json()
    again = http.put(identity(group), params=IDENTITY, json=made)
    assert (again.status_code, again.json()) == (200, made)


def test_a_patch_changes_what_it_names(http: httpx.Client, group: str):
    body = {"location": "westeurope", "tags": {"kept": "1", "gone": "1"}}
    http.put(identity(group), params=IDENTITY, json=body)
    patched = http.patch(
        identity(group), params=IDENTITY, json={"tags": {"gone": None, "new": "2"}}
    )
    assert patched.status_code == 200
    shown = http.get(identity(group), params=IDENTITY).json()
    assert shown["tags"] == {"kept": "1", "new": "2"}
    assert shown["location"] == "westeurope"


def test_a_put_leaves_nothing_of_the_body_before(http: httpx.Client, group: str):
    body = {"location": "westeurope", "tags": {"old": "1"}}
    http.put(identity(group), params=IDENTITY, json=body)
    http.put(identity(group), params=IDENTITY, json={"location": "westeurope"})
    assert not http.get(identity(group), params=IDENTITY).json().get("tags")


def test_a_global_name_is_given_once(http: httpx.Client, group: str, stand_in: StandIn):
    path = storage(group, "onlyone")
    assert http.put(path, params=STORAGE, json=ACCOUNT).status_code == 202
    other = f"{stand_in.scope}/resourceGroups/rg-other"
    http.put(other, params=GROUPS, json={"location": "westeurope"})
    refused = error(http.put(storage(other, "onlyone"), params=STORAGE, json=ACCOUNT), 409)
    assert refused["code"] == "StorageAccountAlreadyTaken"


def test_an_answer_carries_azures_request_ids(http: httpx.Client):
    answer = http.get("/subscriptions", params=GROUPS, headers={"x-ms-client-request-id": "mine"})
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-ms-request-id"]


@pytest.mark.parametrize("path", ["/", "/nothing", "/subscriptionsx", "/..%2f..%2fetc"])
def test_a_path_of_nothing_is_an_error_in_the_envelope(http: httpx.Client, path: str):
    assert error(http.get(path), 404)["code"] == "NotFound"


def test_after_all_that_the_log_has_no_traceback(stand_in: StandIn):
    assert "Traceback" not in stand_in.home.log.read_text()
