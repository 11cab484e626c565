"""Which image a group may have: pulled with a user-assigned identity that holds AcrPull."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_azure.arm.errors import ArmError
from local_azure.arm.service import Lookup, Resource
from local_azure.containers.image import REFERENCE, Image, ImageError, unpack
from local_azure.registry.service import Registries

ROLES_THAT_PULL = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
}
"""Built-in roles with the right to pull, by the GUID of their definition."""


@dataclass(frozen=True)
class Puller:
    """Pulls images for container groups.

    Attributes:
        registries: The registries of the stand-in.
        lookup: Identities and role assignments.
        folder: Where images are unpacked.
    """

    registries: Registries
    lookup: Lookup
    folder: Path

    def pull(self, group: Resource, image: str) -> Image:
        """Find, verify and unpack an image.

        Raises:
            ArmError: 400 `InaccessibleImage`, as Azure answers whatever the reason; the message
                says which.
        """
        match = REFERENCE.fullmatch(image)
        registry = self.registries.find(match["server"]) if match else None
        if match is None or registry is None:
            raise _inaccessible(image, "no registry of the stand-in answers there")
        self._check_right(group, registry, image)
        reference = match["digest"] or match["tag"] or "latest"
        try:
            blobs = self.registries.blobs(registry.id)
            return unpack(blobs, match["repository"], reference, self.folder)
        except ImageError as error:
            raise _inaccessible(image, str(error)) from error

    def _check_right(self, group: Resource, registry: Resource, image: str) -> None:
        if registry.body["properties"].get("anonymousPullEnabled"):
            return
        server = registry.body["properties"]["loginServer"]
        credential = next(
            (
                each
                for each in group.body["properties"].get("imageRegistryCredentials") or []
                if each["server"].lower() == server
            ),
            None,
        )
        if credential is None:
            raise _inaccessible(image, f"imageRegistryCredentials has no entry for {server}")
        wanted = str(credential.get("identity") or "")
        if not wanted:
            raise _inaccessible(image, f"{server} has no admin account; name an identity instead")
        own = (group.body.get("identity") or {}).get("userAssignedIdentities") or {}
        if wanted.lower() not in {each.lower() for each in own}:
            raise _inaccessible(image, "the group's identity does not contain the one that pulls")
        identity = self.lookup.get(wanted)
        if identity is None:
            raise _inaccessible(image, f"the identity {wanted} does not exist")
        if not self._may_pull(identity.body["properties"]["principalId"], registry.id):
            raise _inaccessible(image, f"the identity {identity.name} has no AcrPull on {server}")

    def _may_pull(self, principal: str, registry_id: str) -> bool:
        for assignment in self.lookup.list("Microsoft.Authorization/roleAssignments"):
            properties: Mapping[str, Any] = assignment.body["properties"]
            scope = assignment.id.lower().rpartition("/providers/microsoft.authorization/")[0]
            role = str(properties["roleDefinitionId"]).rsplit("/", 1)[-1].lower()
            covers = f"{registry_id.lower()}/".startswith(f"{scope}/")
            if covers and properties["principalId"] == principal and role in ROLES_THAT_PULL:
                return True
        return False


def _inaccessible(image: str, reason: str) -> ArmError:
    return ArmError(
        400,
        "InaccessibleImage",
        f"The image '{image}' in container group is not accessible: {reason}. Please check the "
        "image and registry credential.",
    )
