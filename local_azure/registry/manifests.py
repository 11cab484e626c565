"""What a manifest must be, and what it needs before a registry may keep it.

Source: the OCI Image Specification 1.1, "Image Manifest" and "Image Index"; Docker's image
manifest version 2, schema 2, has the same members.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from local_azure.registry import names
from local_azure.registry.errors import RegistryError

MAX_MANIFEST = 4 * 1024 * 1024
"""Bytes of one manifest; the limit of the specification and of Azure's client."""

_IMAGES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


@dataclass(frozen=True)
class Description:
    """A manifest's kind and needs.

    Attributes:
        media_type: Its own media type.
        blobs: Digests of the blobs that it names.
        manifests: Digests of the manifests that it names.
    """

    media_type: str
    blobs: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()


def describe(content: bytes, content_type: str) -> Description:
    """Read a manifest.

    Args:
        content: What the client sent.
        content_type: What the client calls it; may be empty.

    Raises:
        RegistryError: 400 `MANIFEST_INVALID`.
    """
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"it is no JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
        raise _invalid("it is no object with schemaVersion 2")
    declared = content_type.partition(";")[0].strip()
    media_type = manifest.get("mediaType") or declared or _IMAGES[0]
    if declared and manifest.get("mediaType") not in (None, declared):
        raise _invalid(f"its mediaType is {media_type}, its Content-Type {declared}")
    try:
        if media_type in _IMAGES:
            layers = [_digest(each) for each in manifest["layers"]]
            return Description(media_type, (_digest(manifest["config"]), *layers))
        if media_type in _INDEXES:
            named = tuple(_digest(each) for each in manifest["manifests"])
            return Description(media_type, manifests=named)
    except (KeyError, TypeError) as error:
        raise _invalid(f"a descriptor is missing or malformed: {error}") from error
    raise _invalid(f"the media type '{str(media_type)[:80]}' is not supported")


def _digest(descriptor: Any) -> str:
    return names.digest(str(descriptor["digest"]))


def _invalid(reason: str) -> RegistryError:
    return RegistryError(400, "MANIFEST_INVALID", f"The manifest is refused: {reason}.")
