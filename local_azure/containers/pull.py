"""Which image a container may have: pulled with an identity of the group that holds AcrPull."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_azure.arm.conditions import Conditions
from local_azure.arm.errors import ArmError
from local_azure.arm.roles import may_pull
from local_azure.arm.service import Lookup, Resource
from local_azure.containers.image import Image, ImageError, remove_drafts, unpack
from local_azure.containers.reference import Reference
from local_azure.registry.errors import RegistryError
from local_azure.registry.registry import Registry
from local_azure.registry.repository import Repository
from local_azure.registry.service import Registries

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Puller:
    """Pulls images for container groups.

    Attributes:
        registries: The registries of the stand-in.
        lookup: Identities and role assignments.
        folder: Where images are unpacked.
        conditions: How long a new right takes to be known.
    """

    registries: Registries
    lookup: Lookup
    folder: Path
    conditions: Callable[[], Conditions] = Conditions

    def __post_init__(self) -> None:
        remove_drafts(self.folder)

    def check(self, group: Resource, image: str) -> None:
        """Refuse an image that the registry does not give, without taking its bytes.

        Raises:
            ArmError: as `pull`.
        """
        self._found(group, image)

    async def pull(self, group: Resource, image: str) -> Image:
        """Find, verify and unpack an image.

        Raises:
            ArmError: 400 `InaccessibleImage`, as Azure answers whatever the reason; the message
                says which.
        """
        repository, digest, manifest = self._found(group, image)
        try:
            return await asyncio.to_thread(unpack, digest, manifest, repository.path, self.folder)
        except ImageError as error:
            raise _inaccessible(group, image, str(error).rstrip(".")) from error

    async def pull_as(self, identity: str, image: str) -> Image:
        """Find, verify and unpack an image for who has an identity: a cluster's nodes.

        Args:
            identity: The ARM id of a user-assigned identity.
            image: SERVER/REPOSITORY:TAG or SERVER/REPOSITORY@DIGEST.

        Raises:
            ImageError: The reason, as one line.
        """
        reference = Reference.parse(image)
        registry = self.registries.find(reference.server) if reference else None
        if reference is None or registry is None:
            raise ImageError(f"{image}: its registry is none of the stand-in's")
        if not registry.settings.reachable:
            raise ImageError(f"{image}: {registry.host} is closed to the public")
        if not registry.settings.anonymous_pull and (
            reason := self._right_missing(registry, identity)
        ):
            raise ImageError(f"{image}: {reason}")
        try:
            repository = registry.store.repository(reference.repository)
            found = _manifest(registry, reference.repository, reference.manifest)
        except RegistryError as error:
            raise ImageError(f"{image}: {error.message.rstrip('.')}") from error
        return await asyncio.to_thread(unpack, *found, repository.path, self.folder)

    def _found(self, group: Resource, image: str) -> tuple[Repository, str, bytes]:
        """An image's repository, digest and manifest, which the group may have."""
        reference = Reference.parse(image)
        registry = self.registries.find(reference.server) if reference else None
        if reference is None or registry is None:
            raise _inaccessible(
                group,
                image,
                "its registry is none of the stand-in's; expected SERVER/REPOSITORY:TAG or "
                "SERVER/REPOSITORY@DIGEST with a registry's loginServer",
            )
        reason = self._refusal(group, registry)
        if reason:
            raise _inaccessible(group, image, reason)
        try:
            repository = registry.store.repository(reference.repository)
            return repository, *_manifest(registry, reference.repository, reference.manifest)
        except (ImageError, RegistryError) as error:
            message = error.message if isinstance(error, RegistryError) else str(error)
            raise _inaccessible(group, image, message.rstrip(".")) from error

    def _refusal(self, group: Resource, registry: Registry) -> str:
        """Why the group may not pull from the registry; empty when it may."""
        if not registry.settings.reachable:
            return f"{registry.host} is closed to the public"
        credential = self._credential(group, registry.host)
        if credential is None:
            if registry.settings.anonymous_pull:
                return ""
            return f"imageRegistryCredentials has no entry for {registry.host}"
        if credential.get("identity"):
            return self._identity_refusal(group, registry, str(credential["identity"]))
        if not registry.settings.admin:
            return f"the admin user of {registry.host} is disabled; name an identity that pulls"
        username, password = (str(credential.get(key) or "") for key in ("username", "password"))
        if not registry.is_admin(username, password):
            return f"the user name or password for {registry.host} is wrong"
        return ""

    def _credential(self, group: Resource, host: str) -> dict[str, Any] | None:
        listed = group.body["properties"].get("imageRegistryCredentials") or []
        return next((each for each in listed if each["server"].lower() == host), None)

    def _identity_refusal(self, group: Resource, registry: Registry, wanted: str) -> str:
        own = (group.body.get("identity") or {}).get("userAssignedIdentities") or {}
        if wanted.lower() not in {each.lower() for each in own}:
            raise ArmError(
                400,
                "InvalidImageRegistryIdentity",
                f"The identity in the 'imageRegistryCredentials' of container group '{group.name}' "
                "not found in container group identity list",
                "properties.imageRegistryCredentials",
            )
        return self._right_missing(registry, wanted)

    def _right_missing(self, registry: Registry, wanted: str) -> str:
        """Why an identity may not pull; empty when it may."""
        identity = self.lookup.get(wanted)
        if identity is None:
            return f"the identity {wanted} does not exist"
        principal = str(identity.body["properties"]["principalId"])
        wait = self.conditions().pullRightSeconds
        if not may_pull(principal, registry.id, self.lookup, after_seconds=wait):
            return f"the identity '{identity.name}' has no AcrPull on {registry.host}" + (
                f", or has it for less than {wait:g} s" if wait else ""
            )
        return ""


def _manifest(registry: Registry, repository: str, reference: str) -> tuple[str, bytes]:
    """Digest and bytes of an image manifest; of an index, the one for this machine."""
    found, content = registry.store.manifest(repository, reference)
    described = json.loads(content)
    if "manifests" not in described:
        return found.digest, content
    machine = _ARCHITECTURES.get(platform.machine(), platform.machine())
    for each in described["manifests"]:
        if each.get("platform", {}).get("os", "linux") == "linux" and (
            each.get("platform", {}).get("architecture", machine) == machine
        ):
            found, content = registry.store.manifest(repository, each["digest"])
            return found.digest, content
    raise ImageError(f"the index has no image for linux/{machine}")


def _inaccessible(group: Resource, image: str, reason: str) -> ArmError:
    return ArmError(
        400,
        "InaccessibleImage",
        f"The image '{image}' in container group '{group.name}' is not accessible. Please check "
        f"the image and registry credential. (The stand-in's reason: {reason}.)",
    )
