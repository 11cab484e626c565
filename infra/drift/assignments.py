"""Role assignments in the stack's resource groups that nobody declared.

ARM's list of a group's resources leaves them out; its list of assignments at a group has those of
the group and of everything in it, and those inherited from above, which are not the stack's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra import azure_facts
from infra.disclosure import allow_list, display
from infra.disclosure.mask import Mask
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.lists import Lists

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

TYPE = "Microsoft.Authorization/roleAssignments"

_ROLES: Mapping[str, str] = {
    azure_facts.OWNER: "Owner",
    azure_facts.USER_ACCESS_ADMINISTRATOR: "User Access Administrator",
    azure_facts.RBAC_ADMINISTRATOR: "Role Based Access Control Administrator",
    azure_facts.CONTRIBUTOR: "Contributor",
    azure_facts.ACR_PULL: "AcrPull",
    azure_facts.ACR_PUSH: "AcrPush",
    azure_facts.STORAGE_BLOB_DATA_CONTRIBUTOR: "Storage Blob Data Contributor",
}
_GRANTING = frozenset(
    {
        azure_facts.OWNER,
        azure_facts.USER_ACCESS_ADMINISTRATOR,
        azure_facts.RBAC_ADMINISTRATOR,
    }
)
"""Roles whose holder can give anybody any right."""


def find(
    lists: Lists, groups: Iterable[str], known: Iterable[str], own: Iterable[str], mask: Mask
) -> Iterator[Finding]:
    """Yield a finding for each assignment at a group, or in it, that is not declared.

    Args:
        lists: Who lists them.
        groups: The ids of the stack's resource groups.
        known: The ids of what the state knows, and of what the program declares.
        own: Principal ids of the workspace's own identities: Azure ML gives them their rights.
        mask: What may not be shown.

    Raises:
        ArmError: Azure was not reached, or refused.
    """
    managed = {each.casefold() for each in known}
    theirs = {each.casefold() for each in own}
    for group in groups:
        for one in lists.role_assignments(group):
            properties = one.get("properties") or {}
            scope = f"{properties.get('scope')}/".casefold()
            principal = str(properties.get("principalId", ""))
            inherited = not scope.startswith(f"{group}/".casefold())
            listed = str(one.get("id"))
            if inherited or listed.casefold() in managed or principal.casefold() in theirs:
                continue
            yield _finding(one, listed, principal, mask)


def _finding(one: Mapping[str, Any], listed: str, principal: str, mask: Mask) -> Finding:
    properties = one["properties"]
    role = str(properties.get("roleDefinitionId", "")).rpartition("/")[2].lower()
    where = str(properties["scope"]).rpartition("/")[2]
    granting = role in _GRANTING
    named = _ROLES.get(role) or f"role {_guid(role, mask)}"
    named += f" at {display.name(where, mask)}"
    return Finding(
        question=Question.GROUP,
        resource=_guid(str(one.get("name", "")), mask),
        type=TYPE,
        path="",
        label=named,
        declared=display.NOTHING,
        actual=f"{named}, to the principal {_guid(principal, mask)}",
        kind=Kind.UNEXPECTED,
        severity=Severity.CRITICAL if granting else Severity.MAJOR,
        reason=(
            "it is not declared, and its holder can give anybody any right"
            if granting
            else "it is neither declared nor in the state"
        ),
        id=listed if allow_list.ARM_ID(listed, mask) else "",
    )


def _guid(text: str, mask: Mask) -> str:
    """A GUID in full unless it is a known secret; ids of principals are none."""
    return (
        text if _GUID.fullmatch(text) and not mask.finds_known(text) else display.name(text, mask)
    )
