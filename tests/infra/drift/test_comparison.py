"""Findings of plans as Pulumi writes them, made to order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import comparison
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.preview import events, paths
from infra.preview.plan import Plan
from infra.preview.secret_lists import Opened, open_lists

PROJECT = "urn:pulumi:dev::sklearn-mnist-svc::"
SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
CONTAINER = {
    "name": "scoring",
    "image": "r.azurecr.io/m@sha256:" + "a" * 64,
    "environmentVariables": [
        {"name": "SCORING_PORT", "value": "5001"},
        {"name": "SCORING_KEY", "secureValue": "the-key-of-the-door"},
    ],
}


def step(op: str, name: str, kind: str, old: Any, new: Any, *told: str) -> dict[str, Any]:
    states = [
        {"type": kind, "custom": True, "inputs": each, "outputs": {}} if each is not None else None
        for each in (old, new)
    ]
    return {
        "op": op,
        "urn": f"{PROJECT}{kind}::{name}",
        "oldState": states[0],
        "newState": states[1],
        "detailedDiff": {path: {"kind": "update"} for path in told} or None,
    }


def plan(*steps: dict[str, Any]) -> Plan:
    return events.read(json.dumps({"steps": steps, "changeSummary": {}}))


def cloud(*steps: dict[str, Any]) -> list[Finding]:
    return list(comparison.of_cloud(plan(*steps), Mask()))


def program(*steps: dict[str, Any]) -> list[Finding]:
    return list(comparison.of_program(plan(*steps), Mask()))


def rows(found: list[Finding]) -> list[tuple[str, str, str, str, Kind]]:
    return [(one.resource, one.path, one.declared, one.actual, one.kind) for one in found]


STORAGE = {"accessTier": "Hot", "allowBlobPublicAccess": False, "tags": {"a": "1"}}


def test_what_a_refresh_would_change_is_drift_of_the_cloud() -> None:
    actual = {"accessTier": "Cool", "allowBlobPublicAccess": True, "tags": {"b": "2"}}
    found = cloud(step("update", "storage", azure_facts.STORAGE_ACCOUNT, STORAGE, actual))
    assert rows(found) == [
        ("storage", "accessTier", "Hot", "Cool", Kind.CHANGED),
        ("storage", "allowBlobPublicAccess", "false", "true", Kind.CHANGED),
        ("storage", "tags.a", '"1"', "(none)", Kind.MISSING),
        ("storage", "tags.b", "(none)", '"2"', Kind.UNEXPECTED),
    ]
    assert [one.severity for one in found] == [
        Severity.MAJOR,
        Severity.CRITICAL,
        Severity.MINOR,
        Severity.MINOR,
    ]
    assert {one.question for one in found} == {Question.CLOUD}


def test_what_a_refresh_would_delete_is_missing() -> None:
    found = cloud(
        step("delete", "storage", azure_facts.STORAGE_ACCOUNT, STORAGE, None),
        step("delete", "scoring-group", azure_facts.CONTAINER_GROUP, {}, None),
    )
    assert rows(found) == [
        ("scoring-group", "", "deployed", "(none)", Kind.MISSING),
        ("storage", "", "deployed", "(none)", Kind.MISSING),
    ]
    assert [one.severity for one in found] == [Severity.CRITICAL, Severity.MAJOR]


def test_a_whole_resource_that_is_missing_is_told_as_one() -> None:
    gone = step("delete", "storage", azure_facts.STORAGE_ACCOUNT, STORAGE, None)
    new = step("create", "storage", azure_facts.STORAGE_ACCOUNT, None, STORAGE)
    missing = Finding(
        question=Question.CLOUD,
        resource="storage",
        type="azure-native:storage:StorageAccount",
        path="",
        label="",
        declared="deployed",
        actual="(none)",
        kind=Kind.MISSING,
        severity=Severity.MAJOR,
        reason="",
        urn=gone["urn"],
    )
    assert cloud(gone) == [missing]
    assert program(new) == [replace(missing, question=Question.PROGRAM, declared="declared")]


def test_what_time_may_lose_is_critical_where_the_cloud_has_lost_it() -> None:
    (gone,) = cloud(step("delete", "kv", azure_facts.VAULT, {}, None))
    assert gone.severity is Severity.CRITICAL
    assert gone.reason == "what is in it can be brought back for 90 days at most"
    (new,) = program(step("create", "kv", azure_facts.VAULT, None, {}))
    assert (new.severity, new.reason) == (Severity.MAJOR, "")


def test_a_property_is_judged_by_what_is_declared_beside_it() -> None:
    """What already broke the policy does not break it by this difference."""
    open_, both = {"adminUserEnabled": True}, {"sku": {"name": "Basic"}}
    found = cloud(step("update", "r", azure_facts.REGISTRY, {**open_, **both}, open_))
    assert [(one.path, one.severity) for one in found] == [("sku.name", Severity.MAJOR)]
    declared, actual = ({"properties": {"enablePurgeProtection": each}} for each in (True, False))
    (broken,) = cloud(step("update", "kv", azure_facts.VAULT, declared, actual))
    assert broken.reason == "breaks the policy vault-purge-protection"


def test_what_the_program_only_groups_is_no_resource_of_the_cloud() -> None:
    component = step("delete", "workspace", "sklearn-mnist-svc:infra:Workspace", {}, None)
    component["oldState"]["custom"] = False
    assert cloud(component) == []


def test_a_property_of_a_list_is_told_with_its_elements_name() -> None:
    def group(value: str) -> dict[str, Any]:
        variable = {"name": "SCORING_PORT", "value": value}
        return {"containers": [{"name": "scoring", "environmentVariables": [variable]}]}

    changed = step("update", "g", azure_facts.CONTAINER_GROUP, group("5001"), group("8080"))
    whole = Finding(
        question=Question.CLOUD,
        resource="g",
        type="azure-native:containerinstance:ContainerGroup",
        path="containers[0].environmentVariables[0].value",
        label="SCORING_PORT",
        declared='"5001"',
        actual='"8080"',
        kind=Kind.CHANGED,
        severity=Severity.MAJOR,
        urn=changed["urn"],
    )
    assert cloud(changed) == [whole]
    turned = replace(whole, question=Question.PROGRAM, declared=whole.actual, actual=whole.declared)
    assert program(changed) == [turned]


@pytest.mark.parametrize(
    ("path", "replaced"),
    [
        ("osType", True),
        ("containers[0].resources.requests.cpu", True),
        ("containers[0].ports[0].port", True),
        ("zones[0]", True),
        ("containers[0].image", False),
        ("skuOther", False),
    ],
)
def test_what_aci_refuses_to_change_is_brought_back_by_a_replacement(
    path: str, replaced: bool
) -> None:
    def inputs(value: Any) -> Any:
        for part in reversed(paths.parse(path)):
            value = [value] if isinstance(part, int) else {part: value}
        return value

    both = inputs("a"), inputs("b")
    (one,) = cloud(step("update", "g", azure_facts.CONTAINER_GROUP, *both))
    assert (one.path, one.replaces) == (path, replaced)
    (elsewhere,) = cloud(step("update", "g", azure_facts.REGISTRY, *both))
    assert not elsewhere.replaces
    (said,) = cloud(step("replace", "g", azure_facts.REGISTRY, *both))
    assert said.replaces


def test_what_is_read_and_the_same_is_none() -> None:
    assert cloud(step("refresh", "storage", azure_facts.STORAGE_ACCOUNT, STORAGE, STORAGE)) == []


def test_outputs_that_move_by_themselves_are_none() -> None:
    moved = step("update", "storage", azure_facts.STORAGE_ACCOUNT, STORAGE, STORAGE)
    moved["newState"]["outputs"] = {"provisioningState": "Updating", "statusOfPrimary": "x"}
    assert cloud(moved) == []


def test_known_noise_is_none() -> None:
    actual = {**STORAGE, "networkRuleSet": {"bypass": "AzureServices", "defaultAction": "Allow"}}
    assert cloud(step("update", "storage", azure_facts.STORAGE_ACCOUNT, STORAGE, actual)) == []


def test_what_a_preview_would_do_is_drift_of_the_program() -> None:
    found = program(
        step("create", "new", azure_facts.STORAGE_ACCOUNT, None, STORAGE),
        step("delete", "old", azure_facts.STORAGE_ACCOUNT, STORAGE, None),
        step(
            "update",
            "storage",
            azure_facts.STORAGE_ACCOUNT,
            STORAGE,
            {**STORAGE, "accessTier": "Cool"},
        ),
    )
    assert rows(found) == [
        ("new", "", "declared", "(none)", Kind.MISSING),
        ("old", "", "(none)", "deployed", Kind.UNEXPECTED),
        ("storage", "accessTier", "Cool", "Hot", Kind.CHANGED),
    ]
    assert {one.question for one in found} == {Question.PROGRAM}


def test_what_only_follows_from_another_change_is_left_out() -> None:
    old, new = {"principalId": "a", "scope": "/x"}, {"principalId": UNKNOWN, "scope": "/x"}
    assert program(step("replace", "assignment", azure_facts.ROLE_ASSIGNMENT, old, new)) == []


def test_a_component_is_no_resource() -> None:
    component = step("create", "workspace", "sklearn-mnist-svc:infra:Workspace", None, {})
    component["newState"]["custom"] = False
    assert program(component) == []


def test_values_that_may_not_be_shown_are_hidden() -> None:
    old, new = {"customerPassword": "a"}, {"customerPassword": "b"}
    assert rows(cloud(step("update", "x", azure_facts.STORAGE_ACCOUNT, old, new))) == [
        ("x", "customerPassword", "[hidden]", "[hidden]", Kind.CHANGED)
    ]


def opened(actual: dict[str, Any], *told: str) -> list[Finding]:
    """Findings where the list of containers is secret as a whole."""
    blind = {"containers": "[secret]"}
    urn = f"{PROJECT}{azure_facts.CONTAINER_GROUP}::scoring-group"
    known = Opened(
        {urn: {"containers": {**SECRET, "plaintext": json.dumps([CONTAINER])}}},
        {urn: {"containers": {**SECRET, "plaintext": json.dumps([actual])}}},
        frozenset({"the-key-of-the-door"}),
    )
    made = plan(step("update", "scoring-group", azure_facts.CONTAINER_GROUP, blind, blind, *told))
    return list(comparison.of_cloud(open_lists(made, known), Mask.of(known.secrets)))


def test_a_container_in_a_secret_list_is_seen_and_a_missing_secure_value_is_not_drift() -> None:
    image = "r.azurecr.io/m@sha256:" + "b" * 64
    variables = [{"name": "SCORING_PORT", "value": "5001"}, {"name": "SCORING_KEY"}]
    actual = {**CONTAINER, "image": image, "environmentVariables": variables, "volumeMounts": []}
    assert rows(opened(actual, "containers[0].image")) == [
        ("scoring-group", "containers[0].image", CONTAINER["image"], image, Kind.CHANGED)
    ]


def test_a_secure_variable_that_is_gone_is_drift_and_its_value_stays_secret() -> None:
    actual = {**CONTAINER, "environmentVariables": [{"name": "SCORING_PORT", "value": "5001"}]}
    found = opened(actual, "containers[0].environmentVariables[1]")
    assert rows(found) == [
        (
            "scoring-group",
            "containers[0].environmentVariables[1].name",
            "SCORING_KEY",
            "(none)",
            Kind.MISSING,
        )
    ]
    assert "the-key-of-the-door" not in str(found)


def test_what_azure_answers_beyond_what_the_provider_named_is_not_drift() -> None:
    actual = {**CONTAINER, "image": "r.azurecr.io/m@sha256:" + "b" * 64, "new": {"of": "Azure"}}
    assert [one.path for one in opened(actual, "containers[0].image")] == ["containers[0].image"]
