"""Whether names are free, held against Azure's answers."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.arm.errors import ArmError
from infra.preflight import names
from infra.preflight.line import Answer, good, not_asked, refused
from infra.preflight.planned import Planned
from infra.preview.plan import Op, State, Step
from tests.support.told_azure import GROUP, SUBSCRIPTION, Told, planned

PROVIDERS = f"{SUBSCRIPTION}/providers"
DELETED = f"{PROVIDERS}/Microsoft.KeyVault/deletedVaults"
NAMED = {
    "registry name": (
        *(azure_facts.REGISTRY, "registryName", "Microsoft.ContainerRegistry", "registries"),
        "2023-07-01",
    ),
    "storage name": (
        *(azure_facts.STORAGE_ACCOUNT, "accountName", "Microsoft.Storage", "storageAccounts"),
        "2023-05-01",
    ),
    "vault name": (azure_facts.VAULT, "vaultName", "Microsoft.KeyVault", "vaults", "2023-07-01"),
}


def created(kind: str, **inputs: Any) -> Step:
    new = State(inputs, parent="urn:parent", protected=True)
    return Step(Op.CREATE, f"urn:pulumi:dev::p::{kind}::mine", kind, None, new)


def ask(check: str, azure: Told, made: Planned) -> Answer:
    return names.checks()[check](azure, made)


@pytest.mark.parametrize("check", list(NAMED))
def test_a_name_is_asked_for_in_the_world(check: str) -> None:
    kind, key, namespace, types, version = NAMED[check]
    path = f"{PROVIDERS}/{namespace}/checkNameAvailability"
    made = planned(created(kind, **{key: "x"}), prefix="digits")
    azure = Told(**{path: {"nameAvailable": True}})
    assert ask(check, azure, made) == good("x is free")
    question = {"name": "x", "type": f"{namespace}/{types}"}
    assert azure.asked[-1] == (path, {"api-version": version}, question)
    remedy = "pulumi config set prefix digits2 --stack dev"
    azure.answers[path] = {"nameAvailable": False, "reason": "AlreadyExists"}
    assert ask(check, azure, made) == refused("x: AlreadyExists", remedy)
    azure.answers[path] = {"nameAvailable": "True", "reason": "AlreadyExists", "message": "taken"}
    assert ask(check, azure, made) == refused("x: taken", remedy)
    azure.answers[path] = None
    assert ask(check, azure, made) == refused("x: None", remedy)


@pytest.mark.parametrize("check", list(NAMED))
def test_the_stacks_own_name_is_not_asked_for(check: str) -> None:
    kind, key, *_ = NAMED[check]
    state = State({key: "x"})
    azure = Told()
    own = planned(Step(Op.UPDATE, "urn:x", kind, state, state))
    assert ask(check, azure, own) == good("x is the stack's own")
    assert azure.asked == []


def deleted(name: str, vault: str, until: str | None = "2026-12-24T01:02:03Z") -> dict[str, Any]:
    return {"name": name, "properties": {"vaultId": vault, "scheduledPurgeDate": until}}


def test_a_vault_of_the_stacks_own_that_was_deleted_is_brought_back() -> None:
    azure, vault = Told(), f"{GROUP.upper()}/providers/Microsoft.KeyVault/vaults/kv"
    azure.lists(DELETED, {"name": "other"}, deleted("KV", vault))
    made = planned(created(azure_facts.VAULT, vaultName="kv"))
    assert ask("vault name", azure, made) == refused(
        "kv is soft-deleted and holds its name until 2026-12-24",
        "pulumi up --stack dev --exclude '**::mine' --exclude-dependents\n"
        "az keyvault recover --name kv\n"
        f"pulumi import {azure_facts.VAULT} mine {vault} --parent parent=urn:parent"
        " --protect=true --generate-code=false --yes --stack dev",
    )
    assert azure.asked == [(DELETED, {"api-version": "2023-07-01"}, None)]


@pytest.mark.parametrize(
    "vault", [f"{GROUP}2/providers/Microsoft.KeyVault/vaults/kv", "", "/subscriptions/other"]
)
def test_a_deleted_vault_of_anybody_else_holds_its_name_all_the_same(vault: str) -> None:
    azure = Told()
    azure.lists(DELETED, deleted("kv", vault))
    made = planned(created(azure_facts.VAULT, vaultName="kv"))
    assert ask("vault name", azure, made) == refused(
        "kv is soft-deleted and holds its name until 2026-12-24",
        "pulumi config set prefix mnist2 --stack dev",
    )
    azure.lists(DELETED, {"name": "kv", "properties": None})
    assert ask("vault name", azure, made).said.endswith("holds its name until ")


WORKSPACES = f"{PROVIDERS}/Microsoft.MachineLearningServices/deletedWorkspaces"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"


def test_a_deleted_workspace_holds_its_name_where_it_was() -> None:
    made = planned(created(azure_facts.ML_WORKSPACE, workspaceName="mlw"))
    azure = Told()
    azure.lists(WORKSPACES, {"id": f"{WORKSPACE}2"}, {})
    assert ask("workspace name", azure, made) == good("no deleted workspace holds mlw")
    assert azure.asked == [(WORKSPACES, {"api-version": "2024-10-01"}, None)]
    azure.lists(WORKSPACES, {"id": f"{WORKSPACE}2"}, {"id": WORKSPACE.upper()})
    answer = ask("workspace name", azure, made)
    assert answer.said == "mlw is soft-deleted and holds its name for 14 days"
    assert answer.remedy.splitlines()[1] == (
        f"az rest --method delete --url '{WORKSPACE}?api-version=2024-10-01&forceToPurge=true'"
    )
    state = State({"workspaceName": "mlw"})
    own = planned(Step(Op.SAME, "urn:w", azure_facts.ML_WORKSPACE, state, state))
    assert ask("workspace name", azure, own) == good("the workspace is the stack's own")


@pytest.mark.parametrize(
    ("code", "said"),
    [("InvalidResourceType", True), ("NoRegisteredProviderFound", True), ("Other", False)],
)
def test_where_azure_has_no_such_list_that_is_said_and_any_other_error_is_one(
    code: str, said: bool
) -> None:
    azure = Told(**{WORKSPACES: ArmError("HTTP 404", code)})
    made = planned(created(azure_facts.ML_WORKSPACE, workspaceName="mlw"))
    if said:
        assert ask("workspace name", azure, made) == not_asked(
            "Azure lists no deleted workspaces here; the portal does"
        )
    else:
        with pytest.raises(ArmError, match="HTTP 404"):
            ask("workspace name", azure, made)


GROUPS = f"{PROVIDERS}/Microsoft.ContainerInstance/containerGroups"
OWN = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/g"


def labelled(own: Any, label: Any = "DIGITS", place: Any = "WestEurope") -> dict[str, Any]:
    address = {"ipAddress": {"dnsNameLabel": label}}
    return {"id": own, "location": place, "properties": address}


@pytest.mark.parametrize(
    ("one", "taken"),
    [
        (labelled(f"{OWN}2"), True),
        (labelled(OWN.upper()), False),
        (labelled(f"{OWN}2", "other"), False),
        (labelled(f"{OWN}2", place="eastus"), False),
        ({"id": "/x", "location": "westeurope", "properties": None}, False),
        ({"id": "/x", "location": "westeurope", "properties": {"ipAddress": None}}, False),
        ({}, False),
    ],
)
def test_a_label_is_taken_by_another_group_of_the_region(one: dict[str, Any], taken: bool) -> None:
    azure = Told()
    azure.lists(GROUPS, labelled("/y", "nobodys"), one)
    address = {"dnsNameLabel": "digits"}
    group = created(azure_facts.CONTAINER_GROUP, containerGroupName="g", ipAddress=address)
    wanted = good("no other group of the subscription has digits")
    if taken:
        remedy = "pulumi config set dnsLabel digits-2 --stack dev"
        wanted = refused(f"digits is the label of {OWN}2", remedy)
    assert ask("DNS label", azure, planned(group)) == wanted
    assert azure.asked == [(GROUPS, {"api-version": "2023-05-01"}, None)]


def test_a_label_that_is_proposed_is_none_too_long() -> None:
    azure, label = Told(), "x" * 63
    azure.lists(GROUPS, labelled("/y", label))
    group = created(azure_facts.CONTAINER_GROUP, ipAddress={"dnsNameLabel": label})
    answer = ask("DNS label", azure, planned(group))
    assert answer.remedy == f"pulumi config set dnsLabel {'x' * 61}-2 --stack dev"


@pytest.mark.parametrize("inputs", [{}, {"ipAddress": None}, {"ipAddress": {}}])
def test_without_a_label_there_is_nothing_to_ask(inputs: dict[str, Any]) -> None:
    azure = Told()
    for made in (planned(), planned(created(azure_facts.CONTAINER_GROUP, **inputs))):
        assert ask("DNS label", azure, made) == not_asked("no container group is declared")
    assert azure.asked == []


@pytest.mark.parametrize(
    ("prefix", "other"),
    [("abcdefghi", "abcdefghi2"), ("abcdefghij", "abcdefghi2"), ("abcdefghi2", "abcdefghi3")],
)
def test_another_prefix_is_another_and_no_longer_than_one_may_be(prefix: str, other: str) -> None:
    made = planned(created(azure_facts.REGISTRY, registryName="x"), prefix=prefix)
    answer = ask("registry name", Told(), made)
    assert answer.remedy == f"pulumi config set prefix {other} --stack dev"
