"""The tables of what Azure answers: their paths are real, and an opening is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import azure_facts
from infra.drift import azure_defaults
from infra.drift.azure_defaults import (
    DEFAULTS,
    OPENING_LISTS,
    OPENINGS,
    is_left_empty,
    known,
    opens,
    setting,
)
from infra.preview.untold import MISSING
from local_azure import types
from local_azure.types.schema import FOLDER


def test_a_default_has_a_value_and_a_source() -> None:
    assert known(azure_facts.REGISTRY, "policies.trustPolicy.type") == "Notary"
    told = yaml.safe_load(Path(azure_defaults.__file__).with_suffix(".yaml").read_text())
    assert all(source for tables in told.values() for source in tables["defaults"])


def test_nothing_is_known_of_what_is_not_in_the_table() -> None:
    assert known(azure_facts.REGISTRY, "policies") is MISSING
    assert known("random:index:RandomString", "length") is MISSING


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("allowSharedKeyAccess", True),
        ("publicNetworkAccess", "enabled"),
        ("networkRuleSet.bypass", "AzureServices"),
        ("networkRuleSet.bypass", "Logging, Metrics"),
        ("networkRuleSet.bypass", "None,logging"),
        ("minimumTlsVersion", "TLS1_1"),
    ],
)
def test_a_value_that_lets_more_people_in_opens(path: str, value: object) -> None:
    assert opens(azure_facts.STORAGE_ACCOUNT, path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("allowSharedKeyAccess", False),
        ("allowSharedKeyAccess", 1),
        ("allowSharedKeyAccess", "true"),
        ("publicNetworkAccess", True),
        ("publicNetworkAccess", "Disabled"),
        ("networkRuleSet.bypass", "None"),
        ("minimumTlsVersion", "TLS1_2"),
        ("accessTier", "Hot"),
    ],
)
def test_any_other_value_opens_nothing(path: str, value: object) -> None:
    assert not opens(azure_facts.STORAGE_ACCOUNT, path, value)


@pytest.mark.parametrize("kind", [*DEFAULTS, "random:index:RandomString"])
def test_a_property_that_no_table_names_opens_nothing(kind: str) -> None:
    assert not opens(kind, "made.up", True)
    assert not opens(kind, "made[*].up", True)
    assert not is_left_empty(kind, "made[*].up")
    assert setting(kind, "made[*].up") == ""


def test_every_opening_has_a_known_default_so_that_leaving_it_out_is_decided() -> None:
    undecided = {
        (kind, path)
        for kind, paths in OPENINGS.items()
        for path in paths
        if path not in DEFAULTS[kind]
    }
    # An address is public or there is none: nothing is answered for what was left out.
    assert undecided == {(azure_facts.CONTAINER_GROUP, "ipAddress.type")}


def test_an_element_of_a_list_that_lets_somebody_in_opens() -> None:
    path = "networkRuleSet.ipRules[*].iPAddressOrRange"
    assert opens(azure_facts.STORAGE_ACCOUNT, path, "20.0.0.0/8")
    assert is_left_empty(azure_facts.STORAGE_ACCOUNT, path)
    assert not opens(azure_facts.STORAGE_ACCOUNT, "networkRuleSet.ipRules", [])
    assert not is_left_empty(azure_facts.STORAGE_ACCOUNT, "networkRuleSet.ipRules")


def test_a_list_in_a_list_is_left_empty_too() -> None:
    assert is_left_empty(
        azure_facts.CONTAINER_GROUP, "containers[*].environmentVariables[*].secureValue"
    )
    assert not is_left_empty(azure_facts.CONTAINER_GROUP, "containers[*].volumeMounts[*].name")


def test_every_list_that_opens_is_known_to_be_left_empty() -> None:
    lists = {(kind, path) for kind, paths in OPENING_LISTS.items() for path in paths}
    assert all(is_left_empty(kind, f"{path}[*]") for kind, path in lists)


@pytest.mark.parametrize(
    ("kind", "path", "text"),
    [
        (azure_facts.STORAGE_ACCOUNT, "isSftpEnabled", "properties.isSftpEnabled=false"),
        (
            azure_facts.STORAGE_ACCOUNT,
            "networkRuleSet.defaultAction",
            'properties.networkAcls.defaultAction="Allow"',
        ),
        (
            azure_facts.VAULT,
            "properties.networkAcls.ipRules[*].value",
            "properties.networkAcls.ipRules=[]",
        ),
        (
            azure_facts.APPLICATION_INSIGHTS,
            "disableLocalAuth",
            "properties.DisableLocalAuth=false",
        ),
        (azure_facts.CONTAINER_GROUP, "sku", 'properties.sku="Standard"'),
        (azure_facts.REGISTRY, "privateEndpointConnections[*].id", ""),
        (azure_facts.STORAGE_ACCOUNT, "accessTier", ""),
        (azure_facts.CONTAINER_GROUP, "ipAddress.ports[*].protocol", ""),
    ],
)
def test_a_default_is_set_by_azures_own_name(kind: str, path: str, text: str) -> None:
    assert setting(kind, path) == text


def test_what_is_set_is_what_azures_own_schema_lets_a_client_set() -> None:
    """A command that sets what is not there, or what only Azure makes, would change nothing."""
    for kind, paths in DEFAULTS.items():
        for path in paths:
            if "[*]" not in path:
                place = path if kind == azure_facts.VAULT else f"properties.{path}"
                set_at = setting(kind, path).partition("=")[0]
                assert bool(set_at) is _has(kind, set_at or place), (kind, path)


def _has(kind: str, place: str) -> bool:
    known = types.find_token(kind)
    assert known is not None
    name = known.type.replace("/", ".")
    file = FOLDER / f"{name}@{known.api_versions[0]}.json"
    whole = json.loads(file.read_text(encoding="utf-8"))
    nodes = [whole]
    for step in place.split("."):
        nodes = [
            each["properties"][step]
            for node in nodes
            for each in _variants(whole, node)
            if step in each.get("properties", {})
        ]
    return bool(nodes)


def _variants(whole: Any, node: Any) -> list[Any]:
    while "$ref" in node:
        node = whole["$defs"][node["$ref"].rpartition("/")[2]]
    inner = [each for word in ("oneOf", "anyOf", "allOf") for each in node.get(word, [])]
    return [node, *(one for each in inner for one in _variants(whole, each))]
