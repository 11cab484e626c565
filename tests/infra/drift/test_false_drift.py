"""What Azure writes in another way is no drift; everything else is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import azure_facts
from infra.drift import false_drift
from infra.preview.paths import MISSING, Difference, Path, differences
from infra.preview.untold import SECRET

ID = (
    "/subscriptions/0000/resourceGroups/rg-mnist/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/id-mnist"
)
GROUP, ML_WORKSPACE, REGISTRY, STORAGE = (
    azure_facts.CONTAINER_GROUP,
    azure_facts.ML_WORKSPACE,
    azure_facts.REGISTRY,
    azure_facts.STORAGE_ACCOUNT,
)


def left(kind: str, path: Path, declared: Any, actual: Any) -> list[Difference]:
    return false_drift.without(kind, [Difference(path, declared, actual)])


@pytest.mark.parametrize(
    ("kind", "path", "declared", "actual"),
    [
        (GROUP, ("subnetIds", 0, "id"), ID, ID.replace("resourceGroups", "resourcegroups")),
        (GROUP, ("subnetIds", 0, "id"), ID, ID.upper()),
        (GROUP, ("subnetIds", 0, "id"), ID, ID + "/"),
        (STORAGE, ("location",), "westeurope", "West Europe"),
        (STORAGE, ("primaryLocation",), "West Europe", "westeurope"),
        (GROUP, ("ipAddress", "ports", 0, "protocol"), "TCP", "Tcp"),
        (GROUP, ("containers", 0, "livenessProbe", "httpGet", "scheme"), "http", "HTTP"),
        (STORAGE, ("sku", "name"), "Standard_LRS", "standard_LRS"),
        (ML_WORKSPACE, ("systemDatastoresAuthMode",), "identity", "Identity"),
        (ML_WORKSPACE, ("discoveryUrl",), MISSING, "https://westeurope.api.azureml.ms/discovery"),
        (
            GROUP,
            ("containers", 0, "environmentVariables", 3, "secureValue"),
            SECRET,
            MISSING,
        ),
        (GROUP, ("containers", 0, "env", 0, "secureValueReference"), SECRET, MISSING),
        (GROUP, ("volumes", 0, "azureFile", "storageAccountKey"), SECRET, MISSING),
        (GROUP, ("diagnostics", "logAnalytics", "workspaceKey"), SECRET, MISSING),
        (GROUP, ("containers", 0, "volumeMounts"), MISSING, []),
        (REGISTRY, ("networkRuleSet",), MISSING, None),
        (STORAGE, ("tags",), {}, MISSING),
        (REGISTRY, ("zoneRedundancy",), MISSING, "Disabled"),
        (REGISTRY, ("policies", "softDeletePolicy", "retentionDays"), MISSING, 7),
        (STORAGE, ("networkRuleSet", "defaultAction"), MISSING, "Allow"),
        # The portal's Save writes these out.
        (azure_facts.VAULT, ("properties", "networkAcls", "defaultAction"), MISSING, "Allow"),
        (azure_facts.VAULT, ("properties", "networkAcls", "bypass"), MISSING, "AzureServices"),
        (STORAGE, ("allowSharedKeyAccess",), MISSING, True),
        (STORAGE, ("publicNetworkAccess",), MISSING, "Enabled"),
        (GROUP, ("ipAddress", "ip"), MISSING, "20.1.2.3"),
        (GROUP, ("ipAddress", "ip"), "20.1.2.4", "20.1.2.3"),
        (
            azure_facts.APPLICATION_INSIGHTS,
            ("tags", "hidden-link:/subscriptions/0"),
            MISSING,
            "Resource",
        ),
    ],
)
def test_another_way_to_write_the_same_is_no_drift(kind, path, declared, actual) -> None:
    assert left(kind, path, declared, actual) == []


@pytest.mark.parametrize(
    ("kind", "path", "declared", "actual"),
    [
        (GROUP, ("subnetIds", 0, "id"), ID, ID + "2"),
        (STORAGE, ("location",), "westeurope", "northeurope"),
        (STORAGE, ("sku", "name"), "Standard_LRS", "Standard_GRS"),
        (ML_WORKSPACE, ("discoveryUrl",), "https://a.example", "https://b.example"),
        (STORAGE, ("discoveryUrl",), MISSING, "https://westeurope.api.azureml.ms/discovery"),
        # Only enumerations are compared without regard to case.
        (STORAGE, ("tags", "team"), "Blue", "blue"),
        (GROUP, ("containers", 0, "image"), "r/a@sha256:aa", "r/A@sha256:aa"),
        # An empty tag is a tag.
        (STORAGE, ("tags", "team"), MISSING, ""),
        (STORAGE, ("tags", "team"), "", MISSING),
        # A default is noise only where nothing else was declared, and only as itself.
        (REGISTRY, ("publicNetworkAccess",), "Disabled", "Enabled"),
        (REGISTRY, ("zoneRedundancy",), MISSING, "Enabled"),
        (REGISTRY, ("dataEndpointEnabled",), MISSING, True),
        (STORAGE, ("zoneRedundancy",), MISSING, "Disabled"),
        (azure_facts.LOG_ANALYTICS, ("features", "searchVersion"), MISSING, True),
        # Nobody but the owner of a secret puts one where none was declared.
        (GROUP, ("containers", 0, "environmentVariables", 0, "secureValue"), MISSING, SECRET),
        (GROUP, ("containers", 0, "environmentVariables", 3, "name"), "SCORING_KEY", MISSING),
        (azure_facts.APPLICATION_INSIGHTS, ("tags", "hidden-link:/x"), "Resource", MISSING),
    ],
)
def test_what_is_another_thing_is_drift(kind, path, declared, actual) -> None:
    assert left(kind, path, declared, actual) == [Difference(path, declared, actual)]


def test_an_id_that_is_a_key_may_be_written_in_another_case() -> None:
    declared = {"identity": {"userAssignedIdentities": {ID: {"clientId": "a"}}}}
    actual = {"identity": {"userAssignedIdentities": {ID.upper(): {"clientId": "a"}}}}
    assert false_drift.without(GROUP, differences(declared, actual)) == []


def test_another_identity_under_another_key_is_drift() -> None:
    declared = {"identity": {"userAssignedIdentities": {ID: {"clientId": "a"}}}}
    actual = {"identity": {"userAssignedIdentities": {ID.upper(): {"clientId": "b"}}}}
    assert len(false_drift.without(GROUP, differences(declared, actual))) == 2


@pytest.mark.parametrize("named", ["dnsNameLabel", "fqdn", "type"])
def test_an_address_is_drift_with_what_names_it(named: str) -> None:
    declared = {"ipAddress": {"ip": "20.1.2.3", named: "mnist"}}
    actual = {"ipAddress": {"ip": "20.1.2.4", named: "other"}}
    assert len(false_drift.without(GROUP, differences(declared, actual))) == 2
    same = {"ipAddress": {"ip": "20.1.2.4", named: "mnist"}}
    assert false_drift.without(GROUP, differences(declared, same)) == []
    assert len(false_drift.without(STORAGE, differences(declared, same))) == 1


def test_only_a_tags_name_and_an_id_are_keys_without_regard_to_case() -> None:
    for top in ("features", "networkRuleSet"):
        found = differences({top: {"a": 1}}, {top: {"A": 1}})
        assert len(false_drift.without(STORAGE, found)) == 2
    deep = differences({"tags": {"a": {"b": 1}}}, {"tags": {"A": {"b": 1}}})
    assert len(false_drift.without(STORAGE, deep)) == 2


def test_the_case_of_a_tags_name_is_no_drift_and_that_of_its_value_is() -> None:
    declared = {"tags": {"costCenter": "a"}}
    assert false_drift.without(STORAGE, differences(declared, {"tags": {"CostCenter": "a"}})) == []
    for other in ({"CostCenter": "A"}, {"CostCentre": "a"}, {"costCenter": "A"}):
        assert false_drift.without(STORAGE, differences(declared, {"tags": other})) != []


def test_the_order_of_plain_values_is_no_drift() -> None:
    ids = {"identity": {"userAssignedIdentities": [ID, ID + "2"]}}
    turned = {"identity": {"userAssignedIdentities": [ID.upper() + "2", ID]}}
    assert false_drift.without(GROUP, differences(ids, turned)) == []


def test_one_plain_value_more_is_drift() -> None:
    one, two = {"zones": ["1"]}, {"zones": ["1", "2"]}
    assert [each.path for each in false_drift.without(GROUP, differences(one, two))] == [
        ("zones", 1)
    ]


def _swapped(text: str, flips: list[bool]) -> str:
    return "".join(one.swapcase() if flip else one for one, flip in zip(text, flips, strict=True))


@given(st.lists(st.booleans(), min_size=len(ID), max_size=len(ID)))
def test_no_case_of_an_id_is_drift(flips: list[bool]) -> None:
    assert left(GROUP, ("imageRegistryCredentials", 0, "identity"), ID, _swapped(ID, flips)) == []


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(_TREES, _TREES)
def test_it_only_ever_drops_differences(declared: Any, actual: Any) -> None:
    found = list(differences({"a": declared}, {"a": actual}))
    assert [one for one in false_drift.without(GROUP, found) if one not in found] == []
