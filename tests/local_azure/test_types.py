"""What the tables say about a body, and how they translate it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from local_azure import types
from local_azure.types import Field, ResourceType, Shape
from local_azure.types.schema import GUID as GUID_PATTERN
from local_azure.types.shape import Entries, Identities, Items, Scalar

RESOURCE_GROUP = types.of("Microsoft.Resources/resourceGroups")
STORAGE_ACCOUNT = types.of("Microsoft.Storage/storageAccounts")
VAULT = types.of("Microsoft.KeyVault/vaults")
WORKSPACE = types.of("Microsoft.MachineLearningServices/workspaces")
CONTAINER_GROUP = types.of("Microsoft.ContainerInstance/containerGroups")
DIAGNOSTIC_SETTING = types.of("Microsoft.Insights/diagnosticSettings")
ROLE_ASSIGNMENT = types.of("Microsoft.Authorization/roleAssignments")
USER_ASSIGNED_IDENTITY = types.of("Microsoft.ManagedIdentity/userAssignedIdentities")

FOLDER = Path(types.__file__).parent / "schemas"
GROUP = "/subscriptions/s/resourceGroups/g"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
GUID = "00000000-0000-0000-0000-0000000adf50"
ACCOUNT = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


def values(kind: object) -> some.SearchStrategy[Any]:
    """Values of the SDK that a table allows."""
    match kind:
        case Scalar(limits={"const": bool() as value}):
            return some.just(value)
        case Scalar(limits={"pattern": str() as pattern}):
            if pattern == GUID_PATTERN:
                return some.uuids().map(str)
            return some.from_regex(pattern, fullmatch=True)
        case Scalar(type=type_, allowed=allowed, limits=limits):
            if allowed:
                return some.sampled_from(allowed)
            least, most = limits.get("minimum", 0), limits.get("maximum", 2**31)
            return {
                None: some.just("any"),
                str: some.text(max_size=5),
                int: some.integers(least, most),
                float: some.floats(0, 1e6, allow_nan=False),
                bool: some.booleans(),
            }[type_]
        case Items(item=item):
            return some.lists(values(item), max_size=2)
        case Entries(item=item):
            return some.dictionaries(some.text("abc", min_size=1), values(item), max_size=2)
        case Identities():
            return some.just([IDENTITY])
        case Shape():
            fields = {name: each for name, each in kind.fields().items() if not each.read_only}
            return some.fixed_dictionaries(
                {name: values(each.kind) for name, each in fields.items() if each.required},
                optional={
                    name: values(each.kind) for name, each in fields.items() if not each.required
                },
            )
    raise AssertionError(kind)


@functools.cache
def definition(type_name: str, version: str) -> jsonschema.Draft202012Validator:
    name = f"{type_name.replace('/', '.')}@{version}.json"
    return jsonschema.Draft202012Validator(json.loads((FOLDER / name).read_text()))


def any_inputs() -> some.SearchStrategy[tuple[ResourceType, dict[str, Any]]]:
    return some.sampled_from(types.all_types()).flatmap(
        lambda kind: some.tuples(some.just(kind), values(kind.shape))
    )


@settings(deadline=None)
@given(any_inputs())
def test_what_the_sdk_can_say_is_a_good_request(case: tuple[ResourceType, dict[str, Any]]) -> None:
    kind, inputs = case
    assert kind.check(kind.shape.to_arm(inputs)) == []


@settings(deadline=None)
@given(any_inputs())
def test_what_the_sdk_can_say_is_a_good_request_for_azure(
    case: tuple[ResourceType, dict[str, Any]],
) -> None:
    kind, inputs = case
    definition(kind.type, kind.api_versions[0]).validate(kind.shape.to_arm(inputs))


@settings(deadline=None)
@given(any_inputs())
def test_an_answer_says_in_the_sdks_words_what_the_request_said(
    case: tuple[ResourceType, dict[str, Any]],
) -> None:
    kind, inputs = case
    stored = kind.shape.complete(kind.shape.to_arm(inputs))
    answered = kind.shape.to_sdk(stored)
    assert within(shown(kind.shape, inputs), answered)


@settings(deadline=None)
@given(any_inputs())
def test_completing_twice_is_completing_once(case: tuple[ResourceType, dict[str, Any]]) -> None:
    kind, inputs = case
    once = kind.shape.complete(kind.shape.to_arm(inputs))
    assert kind.shape.complete(once) == once


def shown(shape: Shape, inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs without secrets, as outputs have them."""
    return {
        name: _shown(each, inputs[name])
        for name, each in shape.fields().items()
        if name in inputs and not each.secret
    }


def _shown(field: Field, value: Any) -> Any:
    match field.kind:
        case Shape():
            return shown(field.kind, value)
        case Items(item=Shape() as item):
            return [shown(item, each) for each in value]
        case Identities():
            return {each: {} for each in value}
    return value


def within(part: Any, whole: Any) -> bool:
    """Whether all of `part` is in `whole`, which may have more members."""
    if isinstance(part, dict):
        return all(name in whole and within(part[name], whole[name]) for name in part)
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(within, part, whole))
    return part == whole


def codes(kind: ResourceType, body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.code, each.target) for each in kind.check(body)]


def test_an_unknown_member_is_named_with_its_path_and_what_is_known() -> None:
    (found,) = STORAGE_ACCOUNT.check({**ACCOUNT, "properties": {"minimumTlsVersions": "TLS1_2"}})
    assert found.target == "properties.minimumTlsVersions"
    assert "Could not find member 'minimumTlsVersions'" in found.message
    assert "minimumTlsVersion," in found.message


def test_a_required_member_that_is_absent_or_null_is_named() -> None:
    body = {**ACCOUNT, "kind": None, "sku": {}}
    assert codes(STORAGE_ACCOUNT, body) == [
        ("InvalidRequestContent", "sku.name"),
        ("InvalidRequestContent", "kind"),
    ]


@pytest.mark.parametrize("value", [1, True, [], {}])
def test_a_wrong_json_type_is_a_violation(value: object) -> None:
    assert codes(RESOURCE_GROUP, {"location": value}) == [("InvalidRequestContent", "location")]


@pytest.mark.parametrize("value", ["", "t", f"{GUID}0", f"x{GUID}", f"{{{GUID}}}"])
def test_what_must_be_a_guid_is_one(value: str) -> None:
    role = f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{GUID}"
    body = {"properties": {"roleDefinitionId": role, "principalId": value}}
    assert codes(ROLE_ASSIGNMENT, body) == [("InvalidParameter", "properties.principalId")]
    body["properties"]["principalId"] = GUID
    assert codes(ROLE_ASSIGNMENT, body) == []


def test_a_boolean_is_no_number() -> None:
    body = {"location": "westeurope", "properties": {"retentionInDays": True}}
    logs = types.find("Microsoft.OperationalInsights/workspaces")
    assert logs
    assert codes(logs, body) == [("InvalidRequestContent", "properties.retentionInDays")]


def test_a_value_out_of_the_list_is_a_violation_and_case_is_ignored() -> None:
    good = {**ACCOUNT, "properties": {"accessTier": "hot"}}
    assert codes(STORAGE_ACCOUNT, good) == []
    assert STORAGE_ACCOUNT.complete("/x", good, None)["properties"]["accessTier"] == "Hot"
    bad = {**ACCOUNT, "properties": {"accessTier": "Tepid"}}
    assert codes(STORAGE_ACCOUNT, bad) == [("InvalidParameter", "properties.accessTier")]


def test_a_client_may_send_back_what_it_was_answered() -> None:
    answered = VAULT.complete(
        f"{GROUP}/providers/Microsoft.KeyVault/vaults/v",
        {
            "location": "westeurope",
            "properties": {"tenantId": GUID, "sku": {"family": "A", "name": "standard"}},
        },
        None,
    )
    assert answered["properties"]["vaultUri"] == "https://v.vault.azure.net/"
    assert codes(VAULT, answered) == []


def test_an_account_keeps_what_an_update_leaves_out() -> None:
    opened = {"minimumTlsVersion": "TLS1_1", "allowSharedKeyAccess": True}
    first = STORAGE_ACCOUNT.complete("/x", {**ACCOUNT, "properties": opened}, None)
    second = STORAGE_ACCOUNT.complete("/x", {**ACCOUNT, "tags": {"a": "b"}}, first)
    assert second["properties"].items() >= opened.items()
    assert STORAGE_ACCOUNT.complete("/x", ACCOUNT, None)["properties"]["minimumTlsVersion"] == (
        "TLS1_0"
    )


def test_a_group_goes_back_to_the_default_of_what_an_update_leaves_out() -> None:
    body = {
        "location": "westeurope",
        "properties": {"osType": "Linux", "containers": [], "restartPolicy": "Never"},
    }
    first = CONTAINER_GROUP.complete("/x", body, None)
    del body["properties"]["restartPolicy"]
    assert first["properties"]["restartPolicy"] == "Never"
    second = CONTAINER_GROUP.complete("/x", body, first, keep_unknown=True)
    assert second["properties"]["restartPolicy"] == "Always"


def test_what_nobody_wrote_down_can_be_had_both_ways() -> None:
    body = {
        "location": "westeurope",
        "properties": {"tenantId": GUID, "sku": {"family": "A", "name": "standard"}},
    }
    closed = {"properties": {**body["properties"], "publicNetworkAccess": "Disabled"}}
    first = VAULT.complete("/x/v", {**body, **closed}, None)
    for keep, expected in ((False, "Enabled"), (True, "Disabled")):
        second = VAULT.complete("/x/v", body, first, keep_unknown=keep)
        assert second["properties"]["publicNetworkAccess"] == expected


def test_purge_protection_stays_on_and_cannot_be_switched_off() -> None:
    properties = {"tenantId": GUID, "sku": {"family": "A", "name": "standard"}}
    on = {"properties": {**properties, "enablePurgeProtection": True}, "location": "westeurope"}
    off = {"properties": {**properties, "enablePurgeProtection": False}, "location": "westeurope"}
    assert codes(VAULT, on) == []
    assert codes(VAULT, off) == [("BadRequest", "properties.enablePurgeProtection")]
    first = VAULT.complete("/x/v", on, None)
    left = VAULT.complete("/x/v", {"properties": properties, "location": "westeurope"}, first)
    assert left["properties"]["enablePurgeProtection"] is True


def test_a_read_only_member_is_azures_whatever_a_client_sends() -> None:
    sent = {"location": "westeurope", "properties": {"principalId": "mine"}}
    made = USER_ASSIGNED_IDENTITY.complete(IDENTITY, sent, None)
    again = USER_ASSIGNED_IDENTITY.complete(IDENTITY.upper(), {"location": "westeurope"}, made)
    assert made["properties"]["principalId"] != "mine"
    assert again == made


def test_sdk_and_azure_put_things_in_different_places() -> None:
    inputs = {
        "location": "westeurope",
        "osType": "Linux",
        "sku": "Standard",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [IDENTITY]},
        "containers": [
            {
                "name": "c",
                "image": "i",
                "environmentVariables": [{"name": "KEY", "secureValue": "s3cret"}],
                "ports": [{"port": 5001.0}],
                "resources": {"requests": {"cpu": 1.0, "memoryInGB": 0.5}},
            }
        ],
    }
    body = CONTAINER_GROUP.arm_inputs(inputs)
    assert body == {
        "location": "westeurope",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        "properties": {
            "osType": "Linux",
            "sku": "Standard",
            "containers": [
                {
                    "name": "c",
                    "properties": {
                        "image": "i",
                        "environmentVariables": [{"name": "KEY", "secureValue": "s3cret"}],
                        "ports": [{"port": 5001}],
                        "resources": {"requests": {"cpu": 1.0, "memoryInGB": 0.5}},
                    },
                }
            ],
        },
    }
    assert json.dumps(body["properties"]["containers"][0]["properties"]["ports"]) == (
        '[{"port": 5001}]'
    )
    assert "s3cret" not in json.dumps(CONTAINER_GROUP.sdk_outputs(body))


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (RESOURCE_GROUP, {"resourceGroupName": "g"}, GROUP.replace("/s/", "/S/")),
        (
            WORKSPACE,
            {"resourceGroupName": "g", "workspaceName": "w"},
            "/subscriptions/S/resourceGroups/g"
            "/providers/Microsoft.MachineLearningServices/workspaces/w",
        ),
        (
            ROLE_ASSIGNMENT,
            {"scope": f"{GROUP}/providers/Microsoft.X/y/z", "roleAssignmentName": "r"},
            f"{GROUP}/providers/Microsoft.X/y/z/providers/Microsoft.Authorization/roleAssignments/r",
        ),
        (
            DIAGNOSTIC_SETTING,
            {"resourceUri": GROUP, "name": "d"},
            f"{GROUP}/providers/Microsoft.Insights/diagnosticSettings/d",
        ),
    ],
)
def test_the_id_follows_from_name_and_scope(
    kind: ResourceType, inputs: dict[str, Any], expected: str
) -> None:
    assert kind.resource_id("S", inputs) == expected


def test_types_are_found_without_regard_to_case_and_tokens_exactly() -> None:
    assert types.find("microsoft.keyvault/VAULTS") is VAULT
    assert types.find_token("azure-native:keyvault:Vault") is VAULT
    assert types.find("Microsoft.Nothing/else") is None
    assert types.find_token("azure-native:keyvault:vault") is None
