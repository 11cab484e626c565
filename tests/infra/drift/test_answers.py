"""What Azure answers is held against what is declared, else against the known default."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import answers
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.preview.plan import Op, Plan, State, Step
from infra.preview.untold import SECRET, UNKNOWN

STORAGE, GROUP = azure_facts.STORAGE_ACCOUNT, azure_facts.CONTAINER_GROUP
URN = "urn:pulumi:dev::p::azure-native:storage:StorageAccount::storage"


def found(kind: str, declared: dict[str, Any], answered: dict[str, Any]) -> list[Finding]:
    step = Step(Op.SAME, URN, kind, State(), State(inputs=declared))
    return list(answers.find(Plan((step,)), {URN: answered}, Mask()))


@pytest.mark.parametrize(
    ("kind", "declared", "answered"),
    [
        (STORAGE, {}, {"allowSharedKeyAccess": True, "publicNetworkAccess": "enabled"}),
        (STORAGE, {"allowSharedKeyAccess": False}, {"allowSharedKeyAccess": False}),
        (STORAGE, {"minimumTlsVersion": "TLS1_2"}, {"minimumTlsVersion": "tls1_2"}),
        (STORAGE, {}, {"networkRuleSet": {"ipRules": [], "bypass": "AzureServices"}}),
        # Neither an opening nor a known default, and of other names than the inputs.
        (STORAGE, {"accountName": "st"}, {"name": "st", "primaryEndpoints": {"blob": "https"}}),
        (STORAGE, {"location": "westeurope"}, {"location": "West Europe"}),
        (STORAGE, {"isSftpEnabled": UNKNOWN}, {"isSftpEnabled": True}),
        (STORAGE, {"accessTier": "Hot"}, {"accessTier": "Cool"}),
        ("random:index:RandomString", {"length": 3}, {"length": 4}),
        (
            STORAGE,
            {"networkRuleSet": {"bypass": "Metrics"}},
            {"networkRuleSet": {"bypass": "metrics"}},
        ),
        (azure_facts.VAULT, {"properties": SECRET}, {"properties": {"enableSoftDelete": False}}),
        (GROUP, {"containers": SECRET}, {"containers": [{"ports": [{"port": 1}]}]}),
        (azure_facts.LOG_ANALYTICS, {}, {"workspaceCapping": {"dailyQuotaGb": -1.0}}),
    ],
)
def test_what_is_declared_or_the_default_is_no_drift(
    kind: str, declared: dict[str, Any], answered: dict[str, Any]
) -> None:
    assert found(kind, declared, answered) == []


@pytest.mark.parametrize(
    ("declared", "answered", "path", "kind", "setting"),
    [
        (
            *({}, {"isSftpEnabled": True}, "isSftpEnabled"),
            *(Kind.UNEXPECTED, "properties.isSftpEnabled=false"),
        ),
        (
            *({"allowSharedKeyAccess": False}, {"allowSharedKeyAccess": True}),
            *("allowSharedKeyAccess", Kind.CHANGED, ""),
        ),
        (
            *({}, {"networkRuleSet": {"ipRules": [{"iPAddressOrRange": "20.0.0.0/8"}]}}),
            "networkRuleSet.ipRules[0].iPAddressOrRange",
            *(Kind.UNEXPECTED, "properties.networkAcls.ipRules=[]"),
        ),
        (
            *({}, {"enableHttpsTrafficOnly": False}, "enableHttpsTrafficOnly"),
            *(Kind.UNEXPECTED, "properties.supportsHttpsTrafficOnly=true"),
        ),
    ],
)
def test_an_opening_is_critical_whether_something_declares_it_or_not(
    declared: dict[str, Any], answered: dict[str, Any], path: str, kind: Kind, setting: str
) -> None:
    (one,) = found(STORAGE, declared, answered)
    assert (one.path, one.kind, one.default) == (path, kind, setting)
    assert one.severity is Severity.CRITICAL
    assert "lets more people in" in one.reason or "policy" in one.reason
    assert one.undeclared is not bool(declared)


def test_an_opening_of_which_no_default_is_known_is_critical() -> None:
    for declared in ({}, {"ipAddress": {"type": "Private"}}):
        (one,) = found(GROUP, declared, {"ipAddress": {"type": "Public"}})
        assert (one.path, one.severity, one.default) == ("ipAddress.type", Severity.CRITICAL, "")


def test_what_nothing_declares_and_opens_nothing_is_drift_all_the_same() -> None:
    (one,) = found(STORAGE, {}, {"isHnsEnabled": True})
    assert (one.severity, one.declared, one.actual) == (Severity.MAJOR, "false", "true")
    assert one.question is Question.CLOUD
    assert one.reason.startswith("nothing declares it, and it is not Azure's default")


def test_an_element_of_a_list_that_is_left_empty_is_drift_though_it_opens_nothing() -> None:
    (one,) = found(azure_facts.REGISTRY, {}, {"dataEndpointHostNames": ["a.example"]})
    assert (one.path, one.undeclared) == ("dataEndpointHostNames[0]", True)
    assert one.severity is not Severity.CRITICAL


def test_a_declared_property_of_which_only_the_default_is_known_is_held_too() -> None:
    (one,) = found(STORAGE, {"isHnsEnabled": False}, {"isHnsEnabled": True})
    assert (one.path, one.kind, one.undeclared) == ("isHnsEnabled", Kind.CHANGED, False)
    (one,) = found(STORAGE, {"minimumTlsVersion": "TLS1_2"}, {"minimumTlsVersion": 12})
    assert one.path == "minimumTlsVersion"


def test_what_differs_in_a_container_is_told_with_its_name() -> None:
    probe = {"name": "scoring", "livenessProbe": {"successThreshold": 2}}
    (one,) = found(GROUP, {"containers": [{"name": "scoring"}]}, {"containers": [probe]})
    assert (one.path, one.label) == ("containers[0].livenessProbe.successThreshold", "scoring")


def test_only_resources_that_will_be_there_and_were_answered_are_held() -> None:
    answer, state = {"isSftpEnabled": True}, State(inputs={"isSftpEnabled": False})
    steps = (
        Step(Op.SAME, "urn:component", STORAGE, state, state, custom=False),
        Step(Op.DELETE, "urn:goes", STORAGE, state, None),
        Step(Op.SAME, "urn:not-asked", STORAGE, state, state),
        Step(Op.SAME, URN, STORAGE, state, state),
    )
    answered = {"urn:component": answer, "urn:goes": answer, URN: answer}
    assert [one.urn for one in answers.find(Plan(steps), answered, Mask())] == [URN]


def test_a_property_is_judged_by_what_is_declared_beside_it() -> None:
    declared = {"isSftpEnabled": False, "minimumTlsVersion": "TLS1_2"}
    (one,) = found(STORAGE, declared, {**declared, "minimumTlsVersion": "TLS1_0"})
    assert one.reason == "breaks the policy tls-1-2"


def test_what_is_false_drift_of_its_type_is_none() -> None:
    """Azure gives a group another address now and then."""
    address = {"ip": "192.0.2.1", "ports": []}
    assert found(GROUP, {"ipAddress": {"ip": "192.0.2.9"}}, {"ipAddress": address}) == []


def test_one_is_not_true() -> None:
    assert len(found(STORAGE, {}, {"isHnsEnabled": 0})) == 1


def test_nothing_is_said_twice_and_what_an_update_leaves_is_said_here() -> None:
    (undeclared,) = found(STORAGE, {}, {"isSftpEnabled": True})
    (declared,) = found(STORAGE, {"isSftpEnabled": False}, {"isSftpEnabled": True})
    by_state = Finding(**{**vars(declared), "reason": "by the state", "replaces": True})
    assert answers.merge([by_state], [undeclared]) == [undeclared]
    assert answers.merge([by_state], [declared]) == [by_state]
    assert answers.merge([], [declared]) == [declared]
