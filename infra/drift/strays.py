"""What somebody made by hand in the stack's resource groups: it is in no state, and not declared.

ARM's list of a group's resources leaves out rights and federated credentials. Its list of the
assignments at a group has those of the group and of everything in it, and those inherited from
above, which are not the stack's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from infra import azure_facts
from infra.arm.client import Arm
from infra.disclosure import allow_list, display
from infra.disclosure.mask import Mask
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.stack import Stack

RIGHT = "Microsoft.Authorization/roleAssignments"
CREDENTIAL = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"

MADE_BY_AZURE = frozenset(
    {
        # Application Insights makes both for itself: a rule "Failure Anomalies", and whom it tells.
        "microsoft.alertsmanagement/smartdetectoralertrules",
        "microsoft.insights/actiongroups",
    }
)
"""Types that Azure itself adds to a group; only with the names that it gives them."""

_NAMES_BY_AZURE = ("failure anomalies", "application insights smart detection")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_GRANTING: Mapping[str, str] = {
    azure_facts.OWNER: "Owner",
    azure_facts.USER_ACCESS_ADMINISTRATOR: "User Access Administrator",
    azure_facts.RBAC_ADMINISTRATOR: "Role Based Access Control Administrator",
}
"""Roles whose holder can give anybody any right."""

_ROLES: Mapping[str, str] = {
    **_GRANTING,
    azure_facts.CONTRIBUTOR: "Contributor",
    azure_facts.ACR_PULL: "AcrPull",
    azure_facts.ACR_PUSH: "AcrPush",
    azure_facts.STORAGE_BLOB_DATA_CONTRIBUTOR: "Storage Blob Data Contributor",
}

Items = list[dict[str, Any]]


class Lists:
    """Lists as `Arm` has them: what the state knows is asked for at once, beside all else.

    Attributes:
        resources: Those of a group.
        role_assignments: Those at a scope, below it, and inherited by it.
        federated_credentials: Those of an identity.
    """

    def __init__(self, arm: Arm, stack: Stack, pool: Executor) -> None:
        """Ask for the lists of what the state knows; an error shows when one is read."""
        groups = stack.ids(azure_facts.RESOURCE_GROUP)
        identities = stack.ids(azure_facts.IDENTITY)
        self.resources = _early(pool, arm.resources, groups)
        self.role_assignments = _early(pool, arm.role_assignments, groups)
        self.federated_credentials = _early(pool, arm.federated_credentials, identities)


def _early(
    pool: Executor, ask: Callable[[str], Iterable[dict[str, Any]]], ids: Iterable[str]
) -> Callable[[str], Items]:
    """What answers as `ask` does, and asks for these at once, and for nothing twice."""
    asked = {each.casefold(): pool.submit(list, ask(each)) for each in ids}

    def answer(of: str) -> Items:
        if of.casefold() not in asked:
            asked[of.casefold()] = pool.submit(list, ask(of))
        return asked[of.casefold()].result()

    return answer


def resources(
    listed: Iterable[Mapping[str, Any]], known: Iterable[str], mask: Mask
) -> Iterator[Finding]:
    """Yield a finding for each resource.

    Args:
        listed: What ARM lists in the stack's resource groups.
        known: The ids of what the state knows, and of what the program declares.
        mask: What may not be shown.
    """
    for one in _strays(listed, known):
        kind, name = (str(one.get(each) or "") for each in ("type", "name"))
        if kind.casefold() in MADE_BY_AZURE and name.casefold().startswith(_NAMES_BY_AZURE):
            continue
        yield _finding(one, display.name(kind, mask), "deployed", mask)


def rights(
    lists: Lists, groups: Iterable[str], known: Iterable[str], own: Iterable[str], mask: Mask
) -> Iterator[Finding]:
    """Yield a finding for each role assignment at a group, or in it.

    Args:
        lists: Who lists them.
        groups: The ids of the stack's resource groups.
        known: As for `resources`.
        own: Principal ids of the workspace's own identities: Azure ML gives them their rights.
        mask: What may not be shown.

    Raises:
        ArmError: Azure was not reached, or refused.
    """
    theirs = {each.casefold() for each in own}
    for group in groups:
        for one in _strays(lists.role_assignments(group), known):
            properties = one.get("properties") or {}
            scope = str(properties.get("scope"))
            principal = str(properties.get("principalId", ""))
            inherited = not f"{scope}/".casefold().startswith(f"{group}/".casefold())
            if inherited or principal.casefold() in theirs:
                continue
            role = str(properties.get("roleDefinitionId", "")).rpartition("/")[2].lower()
            named = _ROLES.get(role) or f"role {_guid(role, mask)}"
            named += f" at {display.name(scope.rpartition('/')[2], mask)}"
            actual = f"{named}, to the principal {_guid(principal, mask)}"
            found = _finding(one, RIGHT, actual, mask)
            found = replace(found, resource=_guid(str(one.get("name", "")), mask), label=named)
            if role in _GRANTING:
                reason = "it is not declared, and its holder can give anybody any right"
                found = replace(found, severity=Severity.CRITICAL, reason=reason)
            yield found


def credentials(
    lists: Lists, identities: Iterable[str], known: Iterable[str], mask: Mask
) -> Iterator[Finding]:
    """Yield a finding for each federated credential of an identity.

    Whoever holds a token of such an issuer and subject is the identity, without any password.

    Args:
        lists: Who lists them.
        identities: The ids of the stack's identities.
        known: As for `resources`.
        mask: What may not be shown.

    Raises:
        ArmError: Azure was not reached, or refused.
    """
    for identity in identities:
        for one in _strays(lists.federated_credentials(identity), known):
            properties = one.get("properties") or {}
            issuer, subject = (
                display.name(str(properties.get(each, "")), mask) for each in ("issuer", "subject")
            )
            yield replace(
                _finding(one, CREDENTIAL, f"{subject} of {issuer}", mask),
                severity=Severity.CRITICAL,
                reason="it is not declared, and whoever has such a token acts as the identity",
            )


def _strays(
    listed: Iterable[Mapping[str, Any]], known: Iterable[str]
) -> Iterator[Mapping[str, Any]]:
    managed = {each.casefold() for each in known}
    yield from (one for one in listed if str(one.get("id")).casefold() not in managed)


def _finding(one: Mapping[str, Any], kind: str, actual: str, mask: Mask) -> Finding:
    own = str(one.get("id"))
    return Finding(
        question=Question.GROUP,
        resource=display.name(str(one.get("name", "")), mask),
        type=kind,
        declared=display.NOTHING,
        actual=actual,
        kind=Kind.UNEXPECTED,
        severity=Severity.MAJOR,
        reason="it is neither declared nor in the state",
        id=own if allow_list.ARM_ID(own, mask) else "",
    )


def _guid(text: str, mask: Mask) -> str:
    """A GUID in full unless it is a known secret; ids of principals are none."""
    return (
        text if _GUID.fullmatch(text) and not mask.finds_known(text) else display.name(text, mask)
    )
