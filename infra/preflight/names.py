"""Whether the names that the update claims are free: in the world, and of what is soft-deleted.

Sources: the REST references "Check Name Availability" and "Vaults - List Deleted". Nothing of
Azure's says whether a container group's label is free; what the subscription's other groups have
is read instead. That `deletedWorkspaces` answers is reported by its users, not documented: where
it does not, that is said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from infra import azure_facts
from infra.arm.client import Arm
from infra.arm.errors import ArmError
from infra.preflight.line import Answer, good, not_asked, refused
from infra.preflight.planned import Planned
from infra.preview import importing

Ask = Callable[[Arm, Planned], Answer]

_WORKSPACES = "2024-10-01"
_VAULTS = "2023-07-01"
_GROUPS = "2023-05-01"
_OF_THE_WORLD = {
    "registry name": (azure_facts.REGISTRY, "2023-07-01"),
    "storage name": (azure_facts.STORAGE_ACCOUNT, "2023-05-01"),
    "vault name": (azure_facts.VAULT, _VAULTS),
}


def checks() -> dict[str, Ask]:
    """One for each name."""
    world = {check: partial(_of_the_world, *told) for check, told in _OF_THE_WORLD.items()}
    return {**world, "workspace name": _workspace, "DNS label": _label}


def _of_the_world(kind: str, version: str, arm: Arm, planned: Planned) -> Answer:
    azures, key = azure_facts.NAMED[kind]
    name = planned.claimed(kind, key)
    if not name:
        return good(f"{planned.new(kind).get(key)} is the stack's own")
    if kind == azure_facts.VAULT and (kept := _deleted_vault(arm, planned, name)):
        return kept
    path = f"{planned.subscription}/providers/{azures.partition('/')[0]}/checkNameAvailability"
    found = arm.ask(path, version, {"name": name, "type": azures})
    if found.get("nameAvailable") is True:
        return good(f"{name} is free")
    return refused(f"{name}: {found.get('message') or found.get('reason')}", _other(planned))


def _deleted_vault(arm: Arm, planned: Planned, name: str) -> Answer | None:
    """What to do about a soft-deleted vault of the name, if the subscription has one."""
    path = f"{planned.subscription}/providers/Microsoft.KeyVault/deletedVaults"
    named = [one for one in arm.listed(path, _VAULTS) if _same(one.get("name"), name)]
    if not named:
        return None
    properties = named[0].get("properties") or {}
    vault = str(properties.get("vaultId", ""))
    until = str(properties.get("scheduledPurgeDate", ""))[:10]
    said = f"{name} is soft-deleted and holds its name until {until}"
    if not vault.lower().startswith(f"{planned.group}/".lower()):
        return refused(said, _other(planned))
    step, stack = planned.steps[azure_facts.VAULT], planned.config.stack
    return refused(
        said,
        f"pulumi up --stack {stack} --exclude '**::{step.name}' --exclude-dependents\n"
        f"az keyvault recover --name {name}\n{importing.of(step, vault, stack)}",
    )


def _workspace(arm: Arm, planned: Planned) -> Answer:
    name = planned.claimed(azure_facts.ML_WORKSPACE, "workspaceName")
    if not name:
        return good("the workspace is the stack's own")
    whole = f"{planned.group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
    path = f"{planned.subscription}/providers/Microsoft.MachineLearningServices/deletedWorkspaces"
    try:
        kept = any(_same(one.get("id"), whole) for one in arm.listed(path, _WORKSPACES))
    except ArmError as error:
        if error.code not in ("InvalidResourceType", "NoRegisteredProviderFound"):
            raise
        return not_asked("Azure lists no deleted workspaces here; the portal does")
    if not kept:
        return good(f"no deleted workspace holds {name}")
    return refused(
        f"{name} is soft-deleted and holds its name for 14 days",
        "# Recover it in the portal (Azure Machine Learning, Recently deleted), and import it; or"
        f" DELETE its models for good:\naz rest --method delete --url '{whole}"
        f"?api-version={_WORKSPACES}&forceToPurge=true'",
    )


def _label(arm: Arm, planned: Planned) -> Answer:
    new = planned.new(azure_facts.CONTAINER_GROUP)
    label = (new.get("ipAddress") or {}).get("dnsNameLabel")
    if not label:
        return not_asked("no container group is declared")
    own = f"{planned.group}/providers/Microsoft.ContainerInstance/containerGroups/"
    own += str(new.get("containerGroupName"))
    path = f"{planned.subscription}/providers/Microsoft.ContainerInstance/containerGroups"
    for one in arm.listed(path, _GROUPS):
        address = (one.get("properties") or {}).get("ipAddress") or {}
        here = _same(one.get("location"), planned.location)
        if here and _same(address.get("dnsNameLabel"), label) and not _same(one.get("id"), own):
            return refused(
                f"{label} is the label of {one.get('id')}",
                planned.config.set("dnsLabel", f"{label[:61]}-2"),
            )
    return good(f"no other group of the subscription has {label}")


def _other(planned: Planned) -> str:
    """All names begin with the prefix."""
    prefix = planned.config.get("prefix", "mnist")
    return planned.config.set("prefix", f"{prefix[:9]}{2 if prefix[9:] != '2' else 3}")


def _same(one: object, other: object) -> bool:
    return str(one).lower() == str(other).lower()
