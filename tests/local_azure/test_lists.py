"""Lists: by scope and type, filtered, never silently unfiltered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource import ResourceManagementClient

if TYPE_CHECKING:
    from conftest import StandIn

VERSION = {"api-version": "2023-01-31"}


@pytest.fixture
def resources(stand_in: StandIn) -> Any:
    return stand_in.client(ResourceManagementClient)


@pytest.fixture
def identities(http: httpx.Client, group: str) -> list[str]:
    """The ids of three identities, in the order of their creation."""
    made = []
    for name, location, tags in (
        ("one", "westeurope", {"stage": "test"}),
        ("two", "northeurope", {"stage": "live"}),
        ("three", "westeurope", {}),
    ):
        path = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        answer = http.put(path, params=VERSION, json={"location": location, "tags": tags})
        made.append(answer.json()["id"].lower())
    return made


def ids(found: Any) -> list[str]:
    """In lower case: an identity and ARM's own lists spell them differently."""
    return [each.id.lower() for each in found]


def name_of(group: str) -> str:
    return group.rsplit("/", 1)[-1]


def test_a_group_lists_what_is_in_it_oldest_first(
    resources: Any, group: str, identities: list[str]
):
    assert ids(resources.resources.list_by_resource_group(name_of(group))) == identities


def test_a_subscription_lists_what_is_in_its_groups(resources: Any, identities: list[str]):
    assert set(identities) <= set(ids(resources.resources.list()))


def test_a_type_is_listed_by_group_and_by_subscription(
    stand_in: StandIn, group: str, identities: list[str]
):
    client = stand_in.client(ManagedServiceIdentityClient).user_assigned_identities
    assert ids(client.list_by_resource_group(name_of(group))) == identities
    assert set(identities) <= set(ids(client.list_by_subscription()))


def test_groups_are_listed(resources: Any, group: str):
    assert name_of(group) in [each.name for each in resources.resource_groups.list()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resourceType eq 'microsoft.managedidentity/userassignedidentities'", [0, 1, 2]),
        ("resourceType eq 'Microsoft.Storage/storageAccounts'", []),
        ("name eq 'two'", [1]),
        ("location eq 'westeurope'", [0, 2]),
        ("tagName eq 'stage'", [0, 1]),
        ("tagName eq 'stage' and tagValue eq 'live'", [1]),
        ("name eq 'two' and location eq 'westeurope'", []),
        ("name eq 'it''s not here'", []),
    ],
)
def test_a_filter_selects(
    resources: Any,
    group: str,
    identities: list[str],
    text: str,
    expected: list[int],
):
    found = resources.resources.list_by_resource_group(name_of(group), filter=text)
    assert ids(found) == [identities[index] for index in expected]


@pytest.mark.parametrize(
    "text", ["name", "name eq two", "colour eq 'red'", "name eq 'a' or b", "location ne 'b'"]
)
def test_a_filter_that_is_not_understood_is_refused(resources: Any, group: str, text: str):
    with pytest.raises(HttpResponseError, match="InvalidFilterInQueryString"):
        list(resources.resources.list_by_resource_group(name_of(group), filter=text))


def test_a_list_that_would_have_to_be_cut_is_refused(resources: Any, group: str):
    with pytest.raises(HttpResponseError, match="InvalidTopInQueryString"):
        list(resources.resources.list_by_resource_group(name_of(group), top=2))


def test_times_are_shown_when_asked_for(resources: Any, group: str, identities: list[str]):
    (first, *_) = resources.resources.list_by_resource_group(
        name_of(group), expand="createdTime,changedTime,provisioningState"
    )
    assert first.created_time <= first.changed_time


def test_a_list_of_a_missing_group_is_refused(resources: Any):
    with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
        list(resources.resources.list_by_resource_group("nowhere"))


def test_providers_tell_their_types_and_versions(resources: Any):
    namespaces = [each.namespace for each in resources.providers.list()]
    assert "Microsoft.KeyVault" in namespaces
    provider = resources.providers.get("Microsoft.KeyVault")
    (vaults,) = [each for each in provider.resource_types if each.resource_type == "vaults"]
    assert "2024-11-01" in vaults.api_versions
    assert resources.providers.register("Microsoft.KeyVault").registration_state == "Registered"
    with pytest.raises(ResourceNotFoundError, match="InvalidResourceNamespace"):
        resources.providers.get("Microsoft.Quantum")


def test_the_subscription_is_listed(http: httpx.Client, stand_in: StandIn):
    version = {"api-version": "2022-12-01"}
    (only,) = http.get("/subscriptions", params=version).json()["value"]
    assert only["id"] == stand_in.scope
    assert http.get(stand_in.scope, params=version).json() == only
