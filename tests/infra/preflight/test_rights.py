"""Who may do what, held against Azure's answers."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.arm.errors import ArmError
from infra.preflight import rights
from infra.preflight.line import Status, good, not_asked, refused
from infra.preview.plan import Op, State, Step
from tests.support.told_azure import CALLER, GROUP, SUBSCRIPTION, Told, planned

IDENTIFIER = SUBSCRIPTION.rpartition("/")[2]
PERMISSIONS = "providers/Microsoft.Authorization/permissions"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
ASSIGNED = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments"
BLOB, OWNER = "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
FILES = "69566ab7-960f-475b-8e7c-b3118f30c6bd"


@pytest.mark.parametrize("state", ["Enabled", "Warned", "PastDue", None])
def test_a_subscription_that_can_be_written_is_named_with_who_sees_it(state: Any) -> None:
    azure = Told(**{SUBSCRIPTION: {"displayName": "Mine", "state": state}})
    answer = rights.subscription(azure, SUBSCRIPTION)
    assert answer == good(f"Mine, {IDENTIFIER}, as {CALLER}")
    assert azure.asked == [(SUBSCRIPTION, {"api-version": "2022-12-01"}, None)]


@pytest.mark.parametrize("state", ["Disabled", "Deleted"])
def test_a_subscription_that_can_only_be_read_is_refused(state: str) -> None:
    azure = Told(**{SUBSCRIPTION: {"displayName": "Mine", "state": state}})
    assert rights.subscription(azure, SUBSCRIPTION) == refused(
        f"Mine is {state.lower()}: it can only be read",
        "# https://portal.azure.com/#view/Microsoft_Azure_Billing/SubscriptionsBlade",
    )


@pytest.mark.parametrize("code", ["SubscriptionNotFound", "AuthorizationFailed", None])
def test_a_subscription_that_is_not_seen_is_refused(code: str | None) -> None:
    azure = Told(**({SUBSCRIPTION: ArmError("HTTP 403", code)} if code else {}))
    assert rights.subscription(azure, SUBSCRIPTION) == refused(
        f"the login {CALLER} does not see the subscription {IDENTIFIER}",
        f"az login && az account set --subscription {IDENTIFIER}",
    )


def test_any_other_error_is_one() -> None:
    with pytest.raises(ArmError, match="HTTP 500"):
        rights.subscription(Told(**{SUBSCRIPTION: ArmError("HTTP 500", "Other")}), SUBSCRIPTION)


EVERYWHERE = ["Authorization", "ContainerRegistry", "Insights", "KeyVault"]
EVERYWHERE += ["MachineLearningServices", "ManagedIdentity", "OperationalInsights", "Storage"]


@pytest.mark.parametrize(
    ("config", "own"),
    [
        ({}, ["ContainerInstance"]),
        ({"target": "aci"}, ["ContainerInstance"]),
        ({"target": "aks"}, ["Compute", "ContainerService", "Network"]),
        ({"target": "other"}, []),
    ],
)
def test_every_provider_of_the_target_has_to_be_registered(
    config: dict[str, str], own: list[str]
) -> None:
    needed = [f"Microsoft.{each}" for each in (*EVERYWHERE, *own)]
    path, azure = f"{SUBSCRIPTION}/providers", Told()
    state = {"registrationState": "Registered"}
    every = [{"namespace": each.upper(), **state} for each in needed]
    azure.lists(path, {"namespace": "Other"}, *every)
    assert rights.providers(azure, planned(**config)) == good(f"all {len(needed)} are registered")
    assert azure.asked == [(path, {"api-version": "2021-04-01"}, None)]
    azure.lists(path, *({**each, "registrationState": "Registering"} for each in every))
    assert rights.providers(azure, planned(**config)) == refused(
        f"not registered: {', '.join(needed)}",
        "\n".join(f"az provider register --wait --namespace {each}" for each in needed),
    )


WRITE = "Microsoft.Authorization/roleAssignments/write"


@pytest.mark.parametrize(
    ("permissions", "may"),
    [
        ([{"actions": ["*"]}], True),
        ([{"actions": ["*"], "notActions": []}], True),
        ([{"actions": [WRITE.upper()], "notActions": None}], True),
        ([{"actions": ["Microsoft.Authorization/*/Write"]}], True),
        ([{"actions": ["*/read"]}, {"actions": [WRITE]}], True),
        ([{"actions": ["*"], "notActions": [WRITE.lower()]}], False),
        ([{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}], False),
        ([{"actions": ["Microsoft.Storage/*"]}], False),
        ([{"actions": None}], False),
        ([{}], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_who_updates_may_write_assignments_where_they_will_be(
    permissions: list[dict[str, Any]], may: bool, there: bool
) -> None:
    made = planned()
    if not there:
        group = State({"resourceGroupName": "rg"})
        made = planned(Step(Op.CREATE, "urn:rg", azure_facts.RESOURCE_GROUP, None, group))
    scope = GROUP if there else SUBSCRIPTION
    azure = Told()
    azure.lists(f"{scope}/{PERMISSIONS}", *permissions)
    wanted = good("the login may write them")
    if not may:
        wanted = refused(
            f"the login has no {WRITE} at {scope.rpartition('/')[2]}",
            f"az role assignment create --assignee-object-id {CALLER} --role "
            f'"Role Based Access Control Administrator" --scope {scope}',
        )
    assert rights.role_assignments(azure, made) == wanted
    assert azure.asked == [(f"{scope}/{PERMISSIONS}", {"api-version": "2022-04-01"}, None)]


STORAGE = Step(
    *(Op.SAME, "urn:st", azure_facts.STORAGE_ACCOUNT),
    *(State({"accountName": "st"}), State({"accountName": "st"})),
)


def held(role: str, scope: str = ACCOUNT) -> dict[str, Any]:
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"properties": {"scope": scope, "roleDefinitionId": definition}}


@pytest.mark.parametrize(
    ("assigned", "missing"),
    [
        ([held(BLOB), held(FILES)], []),
        ([held(OWNER.upper()), held(FILES)], []),
        ([held(BLOB, ACCOUNT.upper()), held(FILES, f"{GROUP}/")], []),
        ([held(BLOB, "/"), held(FILES, SUBSCRIPTION)], []),
        (
            [held(each, "/providers/Microsoft.Management/managementGroups/all")
             for each in (BLOB, FILES)],
            [],
        ),
        ([held(BLOB)], ["Storage File Data Privileged Contributor"]),
        ([held(FILES)], ["Storage Blob Data Contributor"]),
        (
            [held(BLOB, f"{ACCOUNT}2"), held(FILES, f"{GROUP}2"), {"properties": None}, {}],
            ["Storage Blob Data Contributor", "Storage File Data Privileged Contributor"],
        ),
    ],
)  # fmt: skip
def test_who_registers_needs_both_roles_on_the_account_or_above_it(
    assigned: list[dict[str, Any]], missing: list[str]
) -> None:
    azure = Told()
    azure.lists(ASSIGNED, *assigned)
    wanted = good("me has both roles on st")
    if missing:
        wanted = refused(
            f"me has not: {', '.join(missing)}",
            "\n".join(
                f'az role assignment create --assignee-object-id me --role "{role}"'
                f" --scope {ACCOUNT}"
                for role in missing
            ),
        )
    assert rights.registrar(azure, planned(STORAGE), "me") == wanted
    query = {"api-version": "2022-04-01", "$filter": "assignedTo('me')"}
    assert azure.asked == [(ASSIGNED, query, None)]


def test_nobody_is_asked_about_who_is_not_named_or_of_what_is_not_there() -> None:
    azure = Told()
    assert rights.registrar(azure, planned(STORAGE), "").status is Status.NOT_ASKED
    assert rights.registrar(azure, planned(), "me") == not_asked(
        "the storage account is yet to be made; ask again then"
    )
    assert azure.asked == []
