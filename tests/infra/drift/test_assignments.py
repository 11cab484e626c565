"""Rights that somebody gave by hand."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import strays
from infra.drift.finding import Finding, Kind, Question, Severity

GROUP = "/subscriptions/00000000-0000-0000-0000-00000000da7a/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
PERSON = "00000000-0000-0000-0000-0000000000aa"
WORKSPACE = "00000000-0000-0000-0000-0000000000bb"


def an_assignment(scope: str, role: str, principal: str = PERSON) -> dict[str, Any]:
    name = "00000000-0000-0000-0000-000000000001"
    return {
        "id": f"{scope}/providers/{strays.RIGHT}/{name}",
        "name": name,
        "properties": {
            "scope": scope,
            "principalId": principal,
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
        },
    }


def found(
    one: dict[str, Any], *known: str, mask: Mask | None = None, before: tuple[Any, ...] = ()
) -> list[Finding]:
    class Listing:
        def role_assignments(self, scope: str) -> list[dict[str, Any]]:
            assert scope == GROUP
            return [*before, one]

    arm: Any = Listing()
    return list(strays.rights(arm, [GROUP], known, [WORKSPACE], mask or Mask()))


@pytest.mark.parametrize(("scope", "where"), [(GROUP, "rg"), (GROUP.upper(), "RG"), (VAULT, "kv")])
@pytest.mark.parametrize(
    ("role", "named", "level"),
    [
        ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", Severity.CRITICAL),
        (
            *("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator"),
            Severity.CRITICAL,
        ),
        (
            "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
            *("Role Based Access Control Administrator", Severity.CRITICAL),
        ),
        ("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", Severity.MAJOR),
        ("7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", Severity.MAJOR),
        ("8311e382-0749-4cb8-b61a-304f252e45ec", "AcrPush", Severity.MAJOR),
        (
            *("BA92F5B4-2D11-453D-A403-E96B0029C9FE", "Storage Blob Data Contributor"),
            Severity.MAJOR,
        ),
        (
            "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            *("role acdd72a7-3385-48ef-bd42-f606fba81ae7", Severity.MAJOR),
        ),
    ],
)
def test_a_right_made_by_hand_is_found_and_says_what_it_allows_to_whom(
    scope: str, where: str, role: str, named: str, level: Severity
) -> None:
    (one,) = found(an_assignment(scope, role))
    grave = level is Severity.CRITICAL
    assert one == Finding(
        question=Question.GROUP,
        resource="00000000-0000-0000-0000-000000000001",
        type="Microsoft.Authorization/roleAssignments",
        path="",
        label=f"{named} at {where}",
        declared="(none)",
        actual=f"{named} at {where}, to the principal {PERSON}",
        kind=Kind.UNEXPECTED,
        severity=level,
        reason="it is not declared, and its holder can give anybody any right"
        if grave
        else "it is neither declared nor in the state",
        id=f"{scope}/providers/{strays.RIGHT}/00000000-0000-0000-0000-000000000001",
    )


def test_one_of_which_azure_says_only_where_it_is_is_still_found() -> None:
    (one,) = found({"properties": {"scope": GROUP}})
    assert (one.resource, one.label, one.id) == ("", "role  at rg", "")
    assert one.actual == "role  at rg, to the principal "
    assert found({"properties": None}) == []
    assert found({"id": GROUP}) == []


def test_a_known_secret_is_in_no_name_and_no_id() -> None:
    one = an_assignment(VAULT, azure_facts.OWNER)
    (shown,) = found(one, mask=Mask.of([PERSON, "000000000001"]))
    text = str(shown)
    assert PERSON not in text
    assert "000000000001" not in text
    assert shown.id == ""
    one["name"] = "password=hunter2hunter2"
    assert "hunter2" not in str(found(one))


def test_declared_inherited_and_the_workspaces_own_rights_are_none() -> None:
    declared = an_assignment(VAULT, azure_facts.OWNER)
    assert found(declared, declared["id"].upper()) == []
    assert found(an_assignment(GROUP.rpartition("/resource")[0], azure_facts.OWNER)) == []
    assert found(an_assignment(f"{GROUP}2", azure_facts.OWNER)) == []
    assert found(an_assignment(VAULT, azure_facts.OWNER, WORKSPACE)) == []


def test_one_made_by_hand_is_found_behind_others_that_are_not() -> None:
    inherited = an_assignment(GROUP.rpartition("/resource")[0], azure_facts.OWNER)
    mine = an_assignment(VAULT, azure_facts.OWNER, WORKSPACE)
    assert len(found(an_assignment(VAULT, azure_facts.ACR_PUSH), before=(inherited, mine))) == 1
