"""Which image a container may have: pulled with an identity of the group that holds AcrPull."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_azure.arm.conditions import Conditions
from local_azure.arm.errors import ArmError
from local_azure.arm.roles import may_pull
from local_azure.arm.service import Lookup, Resource
from local_azure.containers.image import ARCHITECTURE, Image, ImageError, remove_drafts, unpack
from local_azure.registry.errors import RegistryError
from local_azure.registry.names import REPOSITORY
from local_azure.registry.registry import Registry
from local_azure.registry.service import Registries

_REFERENCE = re.compile(
    rf"(?P<server>[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?)/(?P<repository>{REPOSITORY})"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """An image's name in its parts.

    Attributes:
        server: The registry's host, with its port.
        repository: The repository.
        manifest: The digest, where one is given; else the tag, `latest` without one.
    """

    server: str
    repository: str
    manifest: str

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """The parts; None when it names no registry or is malformed."""
        match = _REFERENCE.fullmatch(text)
        # As every container engine decides it: a first part without a dot or port is no host.
        if match is None or not (
            {".", ":"} & set(match["server"]) or match["server"] == "localhost"
        ):
            return None
        manifest = match["digest"] or match["tag"] or "latest"
        return cls(match["server"].lower(), match["repository"], manifest)


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
        try:
            self._found(image, lambda registry: self._refusal(group, registry))
        except ImageError as error:
            raise _inaccessible(group, image, error) from error

    async def pull(self, group: Resource, image: str) -> Image:
        """Find, verify and unpack an image.

        Raises:
            ArmError: 400 `InaccessibleImage`, as Azure answers whatever the reason; the message
                says which.
        """
        try:
            found = self._found(image, lambda registry: self._refusal(group, registry))
            return await asyncio.to_thread(unpack, *found, self.folder)
        except ImageError as error:
            raise _inaccessible(group, image, error) from error

    async def pull_as(self, identity: str, image: str) -> Image:
        """Find, verify and unpack an image for who has an identity: a cluster's nodes.

        Args:
            identity: The ARM id of a user-assigned identity.
            image: SERVER/REPOSITORY:TAG or SERVER/REPOSITORY@DIGEST.

        Raises:
            ImageError: The reason, as one line.
        """

        def refusal(registry: Registry) -> str:
            open_to_all = registry.settings.anonymous_pull
            return "" if open_to_all else self._right_missing(registry, identity)

        try:
            found = self._found(image, refusal)
        except ImageError as error:
            raise ImageError(f"{image}: {error}") from error
        return await asyncio.to_thread(unpack, *found, self.folder)

    def _found(
        self, image: str, refusal: Callable[[Registry], str]
    ) -> tuple[str, bytes, Callable[[str], Path]]:
        """An image's digest, its manifest, and where its blobs are.

        Args:
            image: What a container names.
            refusal: Why a registry does not give the image; empty when it does.

        Raises:
            ImageError: The reason.
        """
        reference = Reference.parse(image)
        registry = self.registries.find(reference.server) if reference else None
        if reference is None or registry is None:
            raise ImageError(
                "its registry is none of the stand-in's; expected SERVER/REPOSITORY:TAG or "
                "SERVER/REPOSITORY@DIGEST with a registry's loginServer"
            )
        if not registry.settings.reachable:
            raise ImageError(f"{registry.host} is closed to the public")
        if reason := refusal(registry):
            raise ImageError(reason)
        try:
            digest, manifest = _manifest(registry, reference.repository, reference.manifest)
        except RegistryError as error:
            raise ImageError(error.message.rstrip(".")) from error
        return digest, manifest, registry.store.repository(reference.repository).path

    def _refusal(self, group: Resource, registry: Registry) -> str:
        """Why the group may not pull from the registry; empty when it may."""
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
    for each in described["manifests"]:
        if each.get("platform", {}).get("os", "linux") == "linux" and (
            each.get("platform", {}).get("architecture", ARCHITECTURE) == ARCHITECTURE
        ):
            found, content = registry.store.manifest(repository, each["digest"])
            return found.digest, content
    raise ImageError(f"the index has no image for linux/{ARCHITECTURE}")


def _inaccessible(group: Resource, image: str, reason: ImageError) -> ArmError:
    return ArmError(
        400,
        "InaccessibleImage",
        f"The image '{image}' in container group '{group.name}' is not accessible. Please check "
        f"the image and registry credential. (The stand-in's reason: {reason}.)",
    )
