"""The subscription, its resource providers, and who may do what in it.

Sources: "Azure resource providers and types"; the REST references "Subscriptions - Get",
"Permissions - List" and "List Azure role assignments" (`assignedTo` counts groups, too).
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from infra import azure_facts
from infra.arm.client import ASSIGNMENTS, LISTING, Arm
from infra.arm.errors import ArmError
from infra.preflight.line import Answer, good, not_asked, refused
from infra.preflight.planned import Planned

_SUBSCRIPTIONS = "2022-12-01"
_ENABLE = "https://portal.azure.com/#view/Microsoft_Azure_Billing/SubscriptionsBlade"
_WRITE = "Microsoft.Authorization/roleAssignments/write"
_STORAGE_ROLES = {
    "Storage Blob Data Contributor": {
        azure_facts.STORAGE_BLOB_DATA_CONTRIBUTOR,
        azure_facts.STORAGE_BLOB_DATA_OWNER,
    },
    "Storage File Data Privileged Contributor": {
        azure_facts.STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR
    },
}
"""What registers a model in a workspace whose datastores are reached by identity."""

_EVERYWHERE = (
    "Microsoft.Authorization",
    "Microsoft.ContainerRegistry",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.MachineLearningServices",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
)
_OF_THE_TARGET = {
    "aci": ("Microsoft.ContainerInstance",),
    "aks": ("Microsoft.Compute", "Microsoft.ContainerService", "Microsoft.Network"),
}


def subscription(arm: Arm, path: str) -> Answer:
    """Whether the login sees the subscription, and may change something in it.

    Raises:
        ArmError: Azure was not reached, or refused the login.
    """
    identifier = path.rpartition("/")[2]
    caller = arm.caller()
    try:
        found = arm.get(path, _SUBSCRIPTIONS)
    except ArmError as error:
        if error.code not in ("SubscriptionNotFound", "AuthorizationFailed"):
            raise
        found = None
    if found is None:
        why = f"the login {caller} does not see the subscription {identifier}"
        return refused(why, f"az login && az account set --subscription {identifier}")
    name, state = found.get("displayName"), found.get("state")
    if state in ("Disabled", "Deleted"):
        return refused(f"{name} is {str(state).lower()}: it can only be read", f"# {_ENABLE}")
    return good(f"{name}, {identifier}, as {caller}")


def providers(arm: Arm, planned: Planned) -> Answer:
    """Whether every namespace that the target uses is registered: the provider registers none."""
    needed = (*_EVERYWHERE, *_OF_THE_TARGET.get(planned.config.get("target", "aci"), ()))
    registered = {
        str(one.get("namespace")).lower()
        for one in arm.listed(f"{planned.subscription}/providers", LISTING)
        if one.get("registrationState") == "Registered"
    }
    missing = [each for each in needed if each.lower() not in registered]
    if not missing:
        return good(f"all {len(needed)} are registered")
    remedy = "\n".join(f"az provider register --wait --namespace {each}" for each in missing)
    return refused(f"not registered: {', '.join(missing)}", remedy)


def role_assignments(arm: Arm, planned: Planned) -> Answer:
    """Whether who updates may give the pulling identity its right."""
    there = planned.is_there(azure_facts.RESOURCE_GROUP)
    scope = planned.group if there else planned.subscription
    rights = arm.listed(f"{scope}/providers/Microsoft.Authorization/permissions", ASSIGNMENTS)
    if any(_allows(each.get("actions"), each.get("notActions")) for each in rights):
        return good("the login may write them")
    return refused(
        f"the login has no {_WRITE} at {scope.rpartition('/')[2]}",
        _give(arm.caller(), "Role Based Access Control Administrator", scope),
    )


def registrar(arm: Arm, planned: Planned, principal: str) -> Answer:
    """Whether who registers models may write to the workspace's storage."""
    name = planned.new(azure_facts.STORAGE_ACCOUNT).get("accountName")
    account = f"{planned.group}/providers/Microsoft.Storage/storageAccounts/{name}"
    if not principal:
        return not_asked("--registrar names who: an update needs nothing of it")
    if not planned.is_there(azure_facts.STORAGE_ACCOUNT):
        return not_asked("the storage account is yet to be made; ask again then")
    path = f"{planned.subscription}/providers/Microsoft.Authorization/roleAssignments"
    held = set()
    for one in arm.listed(path, ASSIGNMENTS, f"&$filter=assignedTo('{principal}')"):
        properties = one.get("properties") or {}
        scope = str(properties.get("scope", "")).rstrip("/").lower()
        if f"{account}/".lower().startswith(f"{scope}/") or "managementgroups" in scope:
            held.add(str(properties.get("roleDefinitionId", "")).rpartition("/")[2].lower())
    missing = [role for role, any_of in _STORAGE_ROLES.items() if not held & any_of]
    if not missing:
        return good(f"{principal} has both roles on {name}")
    remedy = "\n".join(_give(principal, role, account) for role in missing)
    return refused(f"{principal} has not: {', '.join(missing)}", remedy)


def _give(who: str, role: str, scope: str) -> str:
    """By object id, so that nobody has to be looked up in the directory."""
    return f'az role assignment create --assignee-object-id {who} --role "{role}" --scope {scope}'


def _allows(actions: object, not_actions: object) -> bool:
    def named(patterns: object) -> bool:
        wanted = patterns if isinstance(patterns, list) else []
        return any(fnmatchcase(_WRITE.lower(), str(each).lower()) for each in wanted)

    return named(actions) and not named(not_actions)
