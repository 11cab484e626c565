"""Push an image layout to an Azure container registry, with Azure's own client and login."""

from __future__ import annotations

import ipaddress
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.containerregistry import ContainerRegistryClient, DigestValidationError
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, DefaultAzureCredential

from scoring.errors import ImageError
from scoring.image.oci import MANIFEST_TYPE, blob


def push_image(
    image: Path, registry: str, repository: str, *, without_python: bool = False
) -> dict[str, Any]:
    """Push what `build_image` wrote; a manifest that is there is not sent again.

    The local stand-in brings its own Python, no other place does: an image without one, of the
    project's layer alone, is no use there.

    Args:
        image: The folder with the layout.
        registry: The registry's login server.
        repository: The repository's name.
        without_python: Push an image without Python to another registry than the stand-in's.

    Returns:
        `reference` (by digest), `digest`, and `pushed`: whether anything was sent.

    Raises:
        ImageError: No layout, one without Python for another registry than the stand-in's, a
            registry that does not answer, or a login that is refused.
    """
    try:
        index = json.loads((image / "index.json").read_bytes())
        digest = str(index["manifests"][0]["digest"])
        file = blob(image, digest)
        manifest = json.loads(file.read_bytes())
        layers = [blob(image, each["digest"]) for each in manifest["layers"]]
        parts = [*layers, blob(image, manifest["config"]["digest"])]
        kind = manifest.get("mediaType", MANIFEST_TYPE)
        for part in parts:
            part.stat()
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ImageError(f"{image} is no image; make it with: python -m scoring build") from error
    has_python = len(layers) > 1
    if not (has_python or without_python or _is_local(registry)):
        raise ImageError(
            f"{registry} is not the local stand-in's registry, and nothing else runs this image,"
            " which has no Python; build one there: az acr build --registry"
            f" {registry.partition('.')[0]} --image {repository}:1 {image / 'context'}, or here:"
            " python -m scoring build --complete, or push it all the same: --without-python"
        )
    try:
        with ContainerRegistryClient(f"https://{registry}", _credential()) as client:
            pushed = not _has(client, repository, digest)
            if pushed:
                for part in parts:
                    with part.open("rb") as content:
                        client.upload_blob(repository, content)
                with file.open("rb") as content:
                    client.set_manifest(repository, content, media_type=kind)
    except DigestValidationError as error:
        raise ImageError(f"the registry {registry} answered another digest: {error}") from error
    except HttpResponseError as error:
        reason = error.reason or type(error).__name__
        raise ImageError(
            f"the registry {registry} refused the push: {error.status_code} {reason};"
            " does this login hold AcrPush on it?"
        ) from error
    except AzureError as error:
        first = str(error).splitlines()[0]
        raise ImageError(f"the registry {registry} cannot be reached: {first}") from error
    reference = f"{registry}/{repository}@{digest}"
    return {"reference": reference, "digest": digest, "pushed": pushed}


def _is_local(registry: str) -> bool:
    """Whether a registry is on this machine, as the stand-in's are."""
    host = urlsplit(f"//{registry}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has(client: ContainerRegistryClient, repository: str, digest: str) -> bool:
    try:
        client.get_manifest(repository, digest)
    except ResourceNotFoundError:
        return False
    return True


def _credential() -> TokenCredential:
    """Whatever this machine is signed in with: environment, workload identity, Azure CLI."""
    tenant, client, secret = (
        os.environ.get(f"AZURE_{name}") for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")
    )
    authority = os.environ.get("AZURE_AUTHORITY_HOST", "")
    if tenant and client and secret and authority:
        # A cloud of its own is not in Microsoft's public list of authorities.
        return ClientSecretCredential(
            tenant, client, secret, authority=authority, disable_instance_discovery=True
        )
    return DefaultAzureCredential()
