"""What the plugin compares, promises and moves, without an engine."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as some

from local_azure.provider.difference import Change, Difference, differences
from local_azure.provider.projection import as_inputs, promised, refreshed
from local_azure.provider.values import (
    UNKNOWN,
    from_struct,
    has_unknown,
    to_struct,
    without_unknown,
)
from local_azure.types.containers import CONTAINER_GROUP
from local_azure.types.storage import STORAGE_ACCOUNT

IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/x/i"
SHAPE = CONTAINER_GROUP.shape
ADDRESS = {"type": "Public", "ports": [{"port": 80}], "dnsNameLabel": "label"}
ANSWERED = ADDRESS | {"ip": "127.1.2.3", "fqdn": "label.region"}

json_values = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner),
    max_leaves=10,
)
json_objects = some.dictionaries(some.text("abc", min_size=1), json_values)


@given(json_objects)
def test_properties_survive_the_wire(properties: dict[str, Any]) -> None:
    assert from_struct(to_struct(properties)) == properties


def test_the_engines_own_members_are_left_out() -> None:
    struct = struct_pb2.Struct()
    struct.update({"__defaults": [], "name": "n"})
    assert from_struct(struct) == {"name": "n"}


def test_an_unknown_value_is_seen_at_any_depth_and_can_be_left_out() -> None:
    value = {"a": [{"b": UNKNOWN, "c": 1}], "d": UNKNOWN}
    assert has_unknown(value)
    assert without_unknown(value) == {"a": [{"c": 1}]}
    assert not has_unknown(without_unknown(value))


@given(json_objects)
def test_nothing_differs_from_itself(properties: dict[str, Any]) -> None:
    assert list(differences(properties, properties)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": None}, {}, []),
        ({"a": 1}, {"a": 2}, [("a", Change.UPDATE)]),
        ({}, {"a": {"b": 1}}, [("a", Change.ADD)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, [("a.c", Change.DELETE)]),
        (
            {"a": [{"b": 1}]},
            {"a": [{"b": 2}, 3]},
            [("a[0].b", Change.UPDATE), ("a[1]", Change.ADD)],
        ),
        ({"tags": {"a.b": "x"}}, {"tags": {"a.b": "y"}}, [('tags["a.b"]', Change.UPDATE)]),
        ({"tags": {'a"b': "x"}}, {"tags": {}}, [('tags["a\\"b"]', Change.DELETE)]),
        ({"a": {"b": 1}}, {"a": [1]}, [("a", Change.UPDATE)]),
    ],
)
def test_a_difference_is_told_at_its_leaf(
    old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, Change]]
) -> None:
    assert list(differences(old, new)) == [Difference(*each) for each in expected]


def test_a_difference_knows_the_input_it_belongs_to() -> None:
    assert Difference("containers[0].image", Change.UPDATE).root == "containers"
    assert Difference('tags["a.b"]', Change.ADD).root == "tags"


def test_a_new_resource_promises_what_azure_adds_as_unknown_at_every_depth() -> None:
    outputs = promised(SHAPE, {"osType": "Linux", "ipAddress": ADDRESS})
    assert outputs["osType"] == "Linux"
    assert outputs["provisioningState"] == UNKNOWN
    assert outputs["ipAddress"] == ADDRESS | {"ip": UNKNOWN, "fqdn": UNKNOWN}


def test_a_promise_has_no_secret() -> None:
    variables = [{"name": "KEY", "secureValue": "s3cret"}]
    outputs = promised(SHAPE, {"containers": [{"name": "c", "environmentVariables": variables}]})
    assert outputs["containers"][0]["environmentVariables"] == [{"name": "KEY"}]


def test_an_update_promises_what_azure_added_where_nothing_changes() -> None:
    known = {"provisioningState": "Succeeded", "ipAddress": ANSWERED}
    outputs = promised(SHAPE, {"tags": {"a": "b"}, "ipAddress": ADDRESS}, known)
    assert outputs["provisioningState"] == "Succeeded"
    assert outputs["ipAddress"] == ANSWERED


def test_an_update_promises_nothing_of_an_object_that_changes() -> None:
    other = ADDRESS | {"dnsNameLabel": "other"}
    outputs = promised(SHAPE, {"ipAddress": other}, {"ipAddress": ANSWERED})
    assert outputs["ipAddress"] == other | {"ip": UNKNOWN, "fqdn": UNKNOWN}


def test_an_input_that_is_not_known_yet_is_not_promised_from_the_past() -> None:
    outputs = promised(SHAPE, {"osType": UNKNOWN}, {"osType": "Linux"})
    assert outputs["osType"] == UNKNOWN


def test_identities_are_promised_only_when_they_stay() -> None:
    given = {"identity": {"type": "UserAssigned", "userAssignedIdentities": [IDENTITY]}}
    azure = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {"clientId": "c"}}}
    assert promised(SHAPE, given)["identity"]["userAssignedIdentities"] == UNKNOWN
    kept = promised(SHAPE, given, {"identity": azure})
    assert kept["identity"]["userAssignedIdentities"] == {IDENTITY: {"clientId": "c"}}


def test_outputs_as_inputs_have_nothing_that_only_azure_sets() -> None:
    outputs = {
        "provisioningState": "Succeeded",
        "ipAddress": ANSWERED,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
    }
    assert as_inputs(SHAPE, outputs) == {
        "ipAddress": ADDRESS | {"ip": "127.1.2.3"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [IDENTITY]},
    }


def test_a_refresh_moves_only_what_changed_into_the_inputs() -> None:
    inputs = {"kind": "StorageV2", "tags": {"a": "1", "b": "2"}, "sku": {"name": "Standard_LRS"}}
    before = inputs | {"accessTier": "Hot"}
    after = before | {"accessTier": "Cool", "tags": {"a": "1", "b": "3"}}
    assert refreshed(inputs, before, after) == inputs | {
        "accessTier": "Cool",
        "tags": {"a": "1", "b": "3"},
    }
    assert refreshed(inputs, before, before) == inputs
    assert as_inputs(STORAGE_ACCOUNT.shape, after) == after


def test_a_refresh_keeps_the_secrets_that_azure_never_answers() -> None:
    variable = {"name": "KEY", "secureValue": "s3cret"}
    inputs = {"containers": [{"image": "a", "environmentVariables": [variable]}]}
    before = {"containers": [{"image": "a", "environmentVariables": [{"name": "KEY"}]}]}
    after = {"containers": [{"image": "b", "environmentVariables": [{"name": "KEY"}]}]}
    assert refreshed(inputs, before, after) == {
        "containers": [{"image": "b", "environmentVariables": [variable]}]
    }


def test_a_refresh_takes_away_what_was_taken_away() -> None:
    inputs = {"tags": {"a": "1", "b": "2"}}
    assert refreshed(inputs, inputs, {"tags": {"a": "1"}}) == {"tags": {"a": "1"}}
    assert refreshed(inputs, inputs, {}) == {}
