"""The plugin's answers, call by call, where azure-native's own behaviour is the measure."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf import json_format
from pulumi.runtime.proto import provider_pb2

from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.home import CHECKOUT
from local_azure.provider.values import UNKNOWN

SOME, NONE = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
ACCOUNT = {
    "accountName": "stone",
    "resourceGroupName": "g",
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
}
PRINCIPAL = str(UUID(int=1))
ROLE = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/r"
ASSIGNMENT = {"scope": "/subscriptions/s", "principalId": PRINCIPAL, "roleDefinitionId": ROLE}


class Plugin:
    """The plugin in a test's words.

    Attributes:
        stub: The gRPC client.
    """

    def __init__(self, stub: Any) -> None:
        self.stub = stub

    def configure(self, **settings: str) -> Any:
        variables = {f"azure-native:config:{name}": value for name, value in settings.items()}
        request = provider_pb2.ConfigureRequest(variables=variables)
        return self.stub.Configure(request, timeout=20)

    def check(self, token: str, news: dict[str, Any], **further: Any) -> Any:
        old = further.pop("olds", {})
        request = provider_pb2.CheckRequest(urn=urn(token), randomSeed=b"seed", **further)
        request.news.update(news)
        request.olds.update(old)
        return self.stub.Check(request, timeout=20)

    def inputs(self, token: str, news: dict[str, Any], **further: Any) -> dict[str, Any]:
        """What a good check makes of inputs."""
        checked = self.check(token, news, **further)
        assert not checked.failures, checked.failures
        return json_format.MessageToDict(checked.inputs)

    def problems(self, token: str, news: dict[str, Any], **further: Any) -> list[str]:
        return [each.reason for each in self.check(token, news, **further).failures]

    def diff(
        self, token: str, old: dict[str, Any], new: dict[str, Any], outputs: dict[str, Any]
    ) -> Any:
        request = provider_pb2.DiffRequest(urn=urn(token))
        request.old_inputs.update(old)
        request.news.update(new)
        request.olds.update(outputs)
        return self.stub.Diff(request, timeout=20)

    def create(self, token: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
        request = provider_pb2.CreateRequest(urn=urn(token), preview=preview)
        request.properties.update(inputs)
        return self.stub.Create(request, timeout=60)

    def promise(self, token: str, inputs: dict[str, Any], olds: dict[str, Any]) -> dict[str, Any]:
        """The outputs of a previewed update."""
        request = provider_pb2.UpdateRequest(urn=urn(token), id="/x", preview=True)
        request.news.update(inputs)
        request.olds.update(olds)
        answer = self.stub.Update(request, timeout=20)
        return json_format.MessageToDict(answer.properties)


def urn(token: str) -> str:
    return f"urn:pulumi:local::p::azure-native:{token}::one"


@pytest.fixture
def bare(started: Callable[..., Any], stand_in: Any) -> Iterator[Plugin]:
    """The plugin, not configured yet."""
    with started({**os.environ, **stand_in.environment(), "PYTHONPATH": str(CHECKOUT)}) as stub:
        yield Plugin(stub)


@pytest.fixture
def plugin(bare: Plugin) -> Plugin:
    bare.configure()
    return bare


def test_a_name_is_made_once_and_kept(plugin: Plugin) -> None:
    nameless = {name: value for name, value in ACCOUNT.items() if name != "accountName"}
    first = plugin.inputs("storage:StorageAccount", nameless)
    assert re.fullmatch(r"one[0-9a-f]{8}", first["accountName"])
    again = plugin.inputs("storage:StorageAccount", nameless, olds=first)
    assert again == first
    given = plugin.inputs("storage:StorageAccount", ACCOUNT, olds=first)
    assert given["accountName"] == "stone"


def test_a_role_assignment_is_named_with_a_guid(plugin: Plugin) -> None:
    named = plugin.inputs("authorization:RoleAssignment", ASSIGNMENT)
    assert str(UUID(named["roleAssignmentName"])) == named["roleAssignmentName"]
    rule = provider_pb2.CheckRequest.AutonamingOptions
    proposed = rule(mode=rule.PROPOSE, proposed_name="mine")
    again = plugin.inputs("authorization:RoleAssignment", ASSIGNMENT, autonaming=proposed)
    assert again == named
    enforced = rule(mode=rule.ENFORCE, proposed_name="mine")
    other = plugin.inputs("authorization:RoleAssignment", ASSIGNMENT, autonaming=enforced)
    assert other["roleAssignmentName"] == "mine"


def test_the_engines_rule_for_names_is_followed(plugin: Plugin) -> None:
    nameless = {"location": "westeurope"}
    rule = provider_pb2.CheckRequest.AutonamingOptions
    proposed = rule(mode=rule.PROPOSE, proposed_name="proposed")
    named = plugin.inputs("resources:ResourceGroup", nameless, autonaming=proposed)
    assert named["resourceGroupName"] == "proposed"
    disabled = rule(mode=rule.DISABLE)
    assert plugin.problems("resources:ResourceGroup", nameless, autonaming=disabled) == [
        "missing required property 'resourceGroupName'"
    ]


def test_the_api_version_is_an_input(plugin: Plugin) -> None:
    assert plugin.inputs("storage:StorageAccount", ACCOUNT)["azureApiVersion"] == "2024-01-01"


def test_a_location_comes_from_the_state_the_settings_or_the_group(bare: Plugin) -> None:
    bare.configure()
    group = {"resourceGroupName": f"rg-{uuid4().hex[:8]}", "location": "North Europe"}
    bare.create("resources:ResourceGroup", group)
    inner = {"resourceName": "who", "resourceGroupName": group["resourceGroupName"]}
    kind = "managedidentity:UserAssignedIdentity"
    assert bare.inputs(kind, inner)["location"] == "northeurope"
    unknown = inner | {"resourceGroupName": UNKNOWN}
    assert bare.inputs(kind, unknown)["location"] == UNKNOWN
    bare.configure(location="uksouth")
    assert bare.inputs(kind, inner)["location"] == "uksouth"
    assert bare.inputs(kind, inner, olds={"location": "westus"})["location"] == "westus"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"kind": None}, "missing required property 'kind'"),
        ({"sku": {}}, "missing required property 'sku.name'"),
        ({"kind": ["StorageV2"]}, "'kind' should be of type 'string' but got array"),
        ({"sku": "Standard_LRS"}, "'sku' should be of type 'object' but got string"),
        ({"tags": {"a": 1}}, "'tags.a' should be of type 'string' but got number"),
        ({"isHnsEnabled": "true"}, "'isHnsEnabled' should be of type 'boolean' but got string"),
        (
            {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{}]}},
            "missing required property 'networkRuleSet.ipRules[0].iPAddressOrRange'",
        ),
        ({"resourceGroupName": None}, "missing required property 'resourceGroupName'"),
    ],
)
def test_a_wrong_input_is_refused_before_anything_is_made(
    plugin: Plugin, wrong: dict[str, Any], problem: str
) -> None:
    assert plugin.problems("storage:StorageAccount", ACCOUNT | wrong) == [problem]


def test_a_missing_location_is_told_with_the_setting_that_would_give_it(plugin: Plugin) -> None:
    (problem,) = plugin.problems("resources:ResourceGroup", {})
    assert problem.startswith("missing required property 'location'; set it, or for all resources:")


def test_what_is_not_known_yet_is_taken_for_right(plugin: Plugin) -> None:
    later = ACCOUNT | {"sku": UNKNOWN, "kind": UNKNOWN, "tags": {"a": UNKNOWN}}
    assert plugin.problems("storage:StorageAccount", later) == []


def test_what_azure_refuses_to_move_is_planned_as_azure_native_plans_it(plugin: Plugin) -> None:
    def kinds(token: str, name: str, old: Any, new: Any) -> tuple[list[str], int]:
        answer = plugin.diff(token, {name: old}, {name: new}, {"azureApiVersion": "v"})
        return list(answer.replaces), answer.detailedDiff[name].kind

    entry = provider_pb2.PropertyDiff
    moved = ("westeurope", "northeurope")
    for token in ("storage:StorageAccount", "containerregistry:Registry"):
        assert kinds(token, "location", *moved) == (["location"], entry.UPDATE_REPLACE)
    # azure-native plans an update of these, and ARM refuses it.
    for token in ("containerinstance:ContainerGroup", "keyvault:Vault"):
        assert kinds(token, "location", *moved) == ([], entry.UPDATE)
    assert kinds("authorization:RoleAssignment", "principalId", "a", "b")[0] == ["principalId"]
    assert kinds("authorization:RoleAssignment", "roleDefinitionId", "a", "b")[0] == []


def test_a_location_is_the_same_however_it_is_spelt(plugin: Plugin) -> None:
    spelt = ACCOUNT | {"location": "West Europe"}
    assert plugin.diff("storage:StorageAccount", ACCOUNT, spelt, {}).changes == NONE


def test_a_replaced_resource_is_deleted_first_unless_its_name_was_made_here(plugin: Plugin) -> None:
    moved = ACCOUNT | {"location": "northeurope"}
    renamed = ACCOUNT | {"accountName": "sttwo"}
    made_here = {"__createBeforeDelete": True}
    for new in (moved, renamed):
        answer = plugin.diff("storage:StorageAccount", ACCOUNT, new, {})
        assert answer.replaces
        assert answer.deleteBeforeReplace
        named = plugin.diff("storage:StorageAccount", ACCOUNT | made_here, new, {})
        assert named.replaces == answer.replaces
        assert not named.deleteBeforeReplace
    updated = plugin.diff("storage:StorageAccount", ACCOUNT, ACCOUNT | {"tags": {"a": "b"}}, {})
    assert updated.changes == SOME
    assert not updated.deleteBeforeReplace


def test_an_older_version_in_the_state_is_a_difference(plugin: Plugin) -> None:
    new = ACCOUNT | {"azureApiVersion": "2024-01-01"}
    same = plugin.diff("storage:StorageAccount", ACCOUNT, new, {"azureApiVersion": "2024-01-01"})
    assert same.changes == NONE
    older = plugin.diff("storage:StorageAccount", ACCOUNT, new, {"azureApiVersion": "2023-01-01"})
    assert list(older.diffs) == ["azureApiVersion"]


def test_a_preview_knows_the_inputs_and_nothing_else(plugin: Plugin) -> None:
    answer = plugin.create("storage:StorageAccount", ACCOUNT, preview=True)
    outputs = json_format.MessageToDict(answer.properties)
    known = {name: value for name, value in outputs.items() if value != UNKNOWN}
    assert known == {
        "kind": "StorageV2",
        "location": "westeurope",
        "sku": {"name": "Standard_LRS", "tier": UNKNOWN},
    }
    assert {"name", "minimumTlsVersion", "primaryEndpoints"} <= set(outputs)


def test_a_previewed_update_keeps_name_and_location_alone(plugin: Plugin) -> None:
    before = {"name": "stone", "location": "westeurope", "primaryEndpoints": {"blob": "x"}}
    outputs = plugin.promise("storage:StorageAccount", ACCOUNT | {"tags": {"a": "b"}}, before)
    assert (outputs["name"], outputs["location"]) == ("stone", "westeurope")
    assert outputs["primaryEndpoints"] == UNKNOWN


def test_what_exists_already_is_not_taken_over(plugin: Plugin, group: str) -> None:
    inputs = {"resourceGroupName": group.rsplit("/", 1)[-1], "location": "northeurope"}
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("resources:ResourceGroup", inputs)
    said = str(caught.value)
    assert (
        f"cannot create already existing resource '{group}'; delete it, or take it over: " in said
    )
    assert f"pulumi import azure-native:resources:ResourceGroup NAME {group}" in said


@pytest.mark.parametrize(
    ("setting", "value"),
    [("subscriptionId", "another"), ("useOidc", "true"), ("clientSecret", "s3cret")],
)
def test_a_setting_for_another_azure_is_refused_by_name(
    bare: Plugin, setting: str, value: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        bare.configure(**{setting: value})
    assert f"pulumi config rm azure-native:{setting}" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_settings_that_change_nothing_here_are_taken(bare: Plugin) -> None:
    bare.configure(subscriptionId=SUBSCRIPTION, environment="public", partnerId="x")
