"""What opens a resource is critical; a tag is minor."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import azure_facts
from infra.drift import severity
from infra.drift.finding import Kind, Question, Severity
from infra.preview.paths import MISSING, Path

REGISTRY = {"adminUserEnabled": False, "anonymousPullEnabled": False, "location": "westeurope"}
STORAGE = {
    "minimumTlsVersion": "TLS1_2",
    "enableHttpsTrafficOnly": True,
    "allowBlobPublicAccess": False,
}
VAULT = {"properties": {"enableRbacAuthorization": True, "enablePurgeProtection": True}}


@pytest.mark.parametrize(
    ("kind", "inputs", "path", "actual", "reason"),
    [
        (azure_facts.REGISTRY, REGISTRY, ("adminUserEnabled",), True, "no-admin-account"),
        (azure_facts.REGISTRY, REGISTRY, ("anonymousPullEnabled",), True, "no-anonymous-pull"),
        (azure_facts.STORAGE_ACCOUNT, STORAGE, ("minimumTlsVersion",), "TLS1_0", "tls-1-2"),
        (azure_facts.STORAGE_ACCOUNT, STORAGE, ("minimumTlsVersion",), MISSING, "tls-1-2"),
        (azure_facts.STORAGE_ACCOUNT, STORAGE, ("allowBlobPublicAccess",), True, "no-public-blobs"),
        (azure_facts.STORAGE_ACCOUNT, STORAGE, ("publicNetworkAccess",), "Enabled", "more people"),
        (azure_facts.VAULT, VAULT, ("properties", "publicNetworkAccess"), "Enabled", "more people"),
        (azure_facts.VAULT, VAULT, ("properties", "enableRbacAuthorization"), False, "vault-rbac"),
        (
            azure_facts.STORAGE_ACCOUNT,
            STORAGE,
            ("networkRuleSet", "defaultAction"),
            "Allow",
            "more people",
        ),
    ],
)
def test_what_opens_a_resource_is_critical_and_says_why(kind, inputs, path, actual, reason) -> None:
    level, why = severity.of_property(kind, inputs, path, actual)
    assert level is Severity.CRITICAL
    assert reason in why


@pytest.mark.parametrize(
    ("kind", "inputs", "path", "actual", "level"),
    [
        (azure_facts.REGISTRY, REGISTRY, ("tags", "team"), "blue", Severity.MINOR),
        (azure_facts.REGISTRY, REGISTRY, ("publicNetworkAccess",), "Disabled", Severity.MAJOR),
        (
            azure_facts.REGISTRY,
            {**REGISTRY, "adminUserEnabled": True},
            ("sku",),
            "x",
            Severity.MAJOR,
        ),
        (azure_facts.STORAGE_ACCOUNT, STORAGE, ("accessTier",), "Cool", Severity.MAJOR),
        (azure_facts.STORAGE_ACCOUNT, STORAGE, ("a", 7, "b"), "x", Severity.MAJOR),
    ],
)
def test_all_else_is_not(kind, inputs, path, actual, level) -> None:
    assert severity.of_property(kind, inputs, path, actual) == (level, "")


@pytest.mark.parametrize(
    ("kind", "question", "difference", "level"),
    [
        (azure_facts.CONTAINER_GROUP, Question.CLOUD, Kind.MISSING, Severity.CRITICAL),
        (azure_facts.CONTAINER_GROUP, Question.PROGRAM, Kind.MISSING, Severity.CRITICAL),
        (azure_facts.CONTAINER_GROUP, Question.PROGRAM, Kind.UNEXPECTED, Severity.MAJOR),
        (azure_facts.REGISTRY, Question.CLOUD, Kind.MISSING, Severity.MAJOR),
        (azure_facts.VAULT, Question.CLOUD, Kind.MISSING, Severity.CRITICAL),
        (azure_facts.ML_WORKSPACE, Question.CLOUD, Kind.MISSING, Severity.CRITICAL),
        (azure_facts.VAULT, Question.PROGRAM, Kind.MISSING, Severity.MAJOR),
        (azure_facts.VAULT, Question.PROGRAM, Kind.UNEXPECTED, Severity.MAJOR),
    ],
)
def test_what_is_gone_is_critical_where_the_endpoint_or_time_is_lost(
    kind: str, question: Question, difference: Kind, level: Severity
) -> None:
    assert severity.of_resource(kind, question, difference)[0] is level


@pytest.mark.parametrize(
    ("kind", "days"), [(azure_facts.VAULT, 90), (azure_facts.ML_WORKSPACE, 14)]
)
def test_what_is_gone_is_said_with_the_days_in_which_it_comes_back(kind: str, days: int) -> None:
    """As Azure's pages on recovering soft-deleted vaults and workspaces say."""
    _, reason = severity.of_resource(kind, Question.CLOUD, Kind.MISSING)
    assert reason == f"what is in it can be brought back for {days} days at most"


GROUP = {
    "containers": [
        {
            "name": name,
            "image": f"r.azurecr.io/m@sha256:{'a' * 64}",
            "resources": {"requests": {"cpu": 1, "memoryInGB": 1}},
            "environmentVariables": [{"name": "PORT", "value": "5001"}],
        }
        for name in ("scoring", "side")
    ]
}


@pytest.mark.parametrize(
    ("path", "actual", "reason"),
    [
        (("containers", 1, "image"), "r.azurecr.io/m:latest", "image-by-digest"),
        (("containers", 2), {"name": "more", "image": "m"}, "image-by-digest"),
        (
            ("containers", 1, "resources", "requests", "cpu"),
            *(4, "container-resources-within-bounds"),
        ),
        (
            ("containers", 0, "environmentVariables", 1),
            *({"name": "API_KEY", "value": "x"}, "no-plain-secret-in-environment"),
        ),
        (("containers", 0, "image"), f"r.azurecr.io/n@sha256:{'a' * 64}", ""),
        (("containers", 1), MISSING, ""),
        (("tagsOfAnother", "team"), "x", ""),
    ],
)
def test_a_container_is_judged_with_all_that_stand_beside_it(
    path: Path, actual: object, reason: str
) -> None:
    level, why = severity.of_property(azure_facts.CONTAINER_GROUP, GROUP, path, actual)
    assert level is (Severity.CRITICAL if reason else Severity.MAJOR)
    assert reason in why


def test_a_policy_that_only_advises_is_no_reason_to_wake_somebody() -> None:
    declared = {"location": "westeurope", "tags": {"team": "ml"}}
    level, why = severity.of_property(azure_facts.REGISTRY, declared, (), {})
    assert (level, why) == (Severity.MAJOR, "")


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


def _holders(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(tree, dict | list):
        yield path, tree
        for key, each in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _holders(each, (*path, key))


@given(_TREES, st.data())
def test_one_difference_put_into_what_is_declared_gives_what_is_there(
    tree: Any, data: st.DataObject
) -> None:
    declared = {"a": tree}
    actual = copy.deepcopy(declared)
    path, holder = data.draw(st.sampled_from(list(_holders(actual))))
    keys = [*holder, "new"] if isinstance(holder, dict) else list(range(len(holder) + 1))
    key, value = data.draw(st.sampled_from(keys)), data.draw(_TREES | st.just(MISSING))
    if isinstance(holder, dict):
        holder[key] = value
        if value is MISSING:
            del holder[key]
    else:
        holder[key : key + 1] = [] if value is MISSING else [value]
    before = copy.deepcopy(declared)
    assert severity._with(declared, (*path, key), value) == actual
    assert declared == before


@pytest.mark.parametrize("path", [("a", "b"), ("l", "b"), ("l", 2), ("l", 0, "b"), ("a", 0)])
def test_what_leads_nowhere_changes_nothing(path: Path) -> None:
    declared = {"a": 1, "l": [1]}
    assert severity._with(declared, path, 7) == declared


def test_what_leads_through_nothing_makes_its_way() -> None:
    assert severity._with({}, ("a", "b"), 7) == {"a": {"b": 7}}
