"""What opens a resource is critical; a tag is minor."""

from __future__ import annotations

import pytest

from infra import azure_facts
from infra.drift import severity
from infra.drift.finding import Kind, Question, Severity
from infra.preview.paths import MISSING

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
