"""Names that are taken: by another resource of the world, or by one that is only soft-deleted.

Sources: Key Vault's and Azure Machine Learning's pages on soft delete; the naming rules of Azure's
resource types (scope `global`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from local_azure.arm.errors import ArmError
from local_azure.arm.ids import ResourceId
from local_azure.arm.service import Body, Resource
from local_azure.arm.store import SoftDeleted, Store

VAULTS = "Microsoft.KeyVault/vaults"
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"

_DAY = 86_400.0
_WORKSPACE_RETENTION_DAYS = 14

GLOBAL = {
    "Microsoft.ContainerRegistry/registries": (
        "AlreadyInUse",
        "The registry DNS name {name} is already in use. You can check if the name is already "
        "claimed using following API: checkNameAvailability.",
    ),
    "Microsoft.Storage/storageAccounts": (
        "StorageAccountAlreadyTaken",
        "The storage account named {name} is already taken.",
    ),
    VAULTS: (
        "VaultAlreadyExists",
        "The vault name '{name}' is already in use. Vault names are globally unique so it is "
        "possible that the name is already taken.",
    ),
}
"""The code and the words of a name that somebody in the world has, by type."""


@dataclass(frozen=True)
class Names:
    """Decides whether a new resource may have its name, and keeps soft-deleted ones.

    Attributes:
        store: Where resources and soft-deleted ones are kept.
    """

    store: Store

    def check(self, rid: ResourceId, wanted: Body) -> Body:
        """Let a new resource pass, or say what holds its name.

        Returns:
            The body to create: `wanted`, or that of the soft-deleted resource that it recovers.

        Raises:
            ArmError: 409.
        """
        self.expire()
        rule = GLOBAL.get(rid.type)
        if rule and any(_same_name(other, rid) for other in self.store.list(rid.type)):
            raise ArmError(409, rule[0], rule[1].format(name=rid.name))
        if rid.type == VAULTS:
            return self._vault(rid, wanted)
        if rid.type == WORKSPACES and self._kept(rid):
            raise ArmError(
                409,
                "Conflict",
                f"Soft-deleted workspace exists: '{rid.name}'. Please purge or recover it. "
                "https://aka.ms/wsoftdelete",
            )
        return wanted

    def held(self, type_name: str, name: str) -> str:
        """Why a global name is not free, or empty."""
        self.expire()
        live = any(each.name.lower() == name.lower() for each in self.store.list(type_name))
        if live or self.store.soft_deleted(type_name, name=name):
            return GLOBAL[type_name][1].format(name=name)
        return ""

    def release(self, resource: Resource, *, purge: bool) -> None:
        """Take note that a resource is deleted; keep it where Azure does.

        Args:
            resource: As it was before.
            purge: The client asked for nothing to be kept.
        """
        kept_days = _retention_days(resource)
        if kept_days is None or purge:
            return
        now = time.time()
        self.store.soft_delete(SoftDeleted(resource, deleted=now, purge=now + kept_days * _DAY))

    def expire(self) -> None:
        """Purge what has been kept for long enough."""
        self.store.forget_before(time.time())

    def purge(self, kept: SoftDeleted) -> None:
        """Forget a soft-deleted resource before its time.

        Raises:
            ArmError: 400 `MethodNotAllowed`: purge protection is on, nobody can.
        """
        if kept.resource.body.get("properties", {}).get("enablePurgeProtection"):
            raise ArmError(
                400,
                "MethodNotAllowed",
                "Operation 'DeletedVaultPurge' is not allowed: purge protection is enabled on the "
                f"vault '{kept.resource.name}'. It can be recovered (createMode 'recover'), and is "
                "purged by itself when its retention ends.",
            )
        self.store.forget(kept.resource)

    def purge_id(self, rid: ResourceId) -> None:
        """Purge the soft-deleted resource that had this id, if there is one.

        Raises:
            ArmError: 400, as `purge`.
        """
        if kept := self._kept(rid):
            self.purge(kept)

    def _kept(self, rid: ResourceId) -> SoftDeleted | None:
        """The soft-deleted resource that had this id."""
        kept = self.store.soft_deleted(rid.type, rid.name)
        return next((each for each in kept if each.resource.id.lower() == rid.key), None)

    def _vault(self, rid: ResourceId, wanted: Body) -> Body:
        if wanted.get("properties", {}).get("createMode") == "recover":
            same = self._kept(rid)
            if same is None:
                raise ArmError(
                    404,
                    "DeletedVaultNotFound",
                    f"There is no deleted vault '{rid.name}' in the resource group '{rid.group}' "
                    "to recover; leave out createMode.",
                )
            self.store.forget(same.resource)
            return same.resource.body
        if self.store.soft_deleted(VAULTS, rid.name):
            raise ArmError(
                409,
                "ConflictError",
                f"A vault with the same name already exists in deleted state. You need to either "
                f"recover or purge existing key vault '{rid.name}'.",
            )
        return wanted


def _retention_days(resource: Resource) -> int | None:
    """How long Azure keeps a deleted resource of this type; None: not at all."""
    properties = resource.body.get("properties", {})
    if resource.type == VAULTS:
        if properties.get("enableSoftDelete") is False:
            return None
        return int(properties.get("softDeleteRetentionInDays") or 90)
    if resource.type == WORKSPACES:
        return _WORKSPACE_RETENTION_DAYS
    return None


def _same_name(resource: Resource, rid: ResourceId) -> bool:
    return resource.name.lower() == rid.name.lower() and resource.id.lower() != rid.key
