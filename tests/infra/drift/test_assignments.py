"""Rights that somebody gave by hand."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import assignments
from infra.drift.finding import Finding, Severity

GROUP = "/subscriptions/00000000-0000-0000-0000-00000000da7a/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
PERSON = "00000000-0000-0000-0000-0000000000aa"
WORKSPACE = "00000000-0000-0000-0000-0000000000bb"


def an_assignment(scope: str, role: str, principal: str = PERSON) -> dict[str, Any]:
    name = "00000000-0000-0000-0000-000000000001"
    return {
        "id": f"{scope}/providers/{assignments.TYPE}/{name}",
        "name": name,
        "properties": {
            "scope": scope,
            "principalId": principal,
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
        },
    }


def found(one: dict[str, Any], *known: str) -> list[Finding]:
    class Listing:
        def role_assignments(self, scope: str) -> list[dict[str, Any]]:
            assert scope == GROUP
            return [one]

    arm: Any = Listing()
    return list(assignments.find(arm, [GROUP], known, [WORKSPACE], Mask()))


@pytest.mark.parametrize("scope", [GROUP, GROUP.upper(), VAULT])
@pytest.mark.parametrize(
    ("role", "level"),
    [
        (azure_facts.OWNER, Severity.CRITICAL),
        (azure_facts.USER_ACCESS_ADMINISTRATOR, Severity.CRITICAL),
        (azure_facts.RBAC_ADMINISTRATOR, Severity.CRITICAL),
        (azure_facts.ACR_PUSH, Severity.MAJOR),
    ],
)
def test_a_right_made_by_hand_is_found(scope: str, role: str, level: Severity) -> None:
    (one,) = found(an_assignment(scope, role))
    assert one.severity is level
    assert PERSON in one.actual


def test_declared_inherited_and_the_workspaces_own_rights_are_none() -> None:
    declared = an_assignment(VAULT, azure_facts.OWNER)
    assert found(declared, declared["id"].upper()) == []
    assert found(an_assignment(GROUP.rpartition("/resource")[0], azure_facts.OWNER)) == []
    assert found(an_assignment(f"{GROUP}2", azure_facts.OWNER)) == []
    assert found(an_assignment(VAULT, azure_facts.OWNER, WORKSPACE)) == []
