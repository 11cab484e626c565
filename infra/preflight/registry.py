"""Reads from a registry for which platforms an image is, with the login's own right to pull.

Sources: "Authenticate with Azure Container Registry" (exchanging a token); the OCI distribution
specification 1.1 and Docker's manifests.
"""

from __future__ import annotations

from typing import Any

import httpx
from azure.core.exceptions import AzureError

from infra.arm import login
from infra.arm.errors import ArmError
from infra.image_reference import ImageReference

_AUDIENCE = "https://containerregistry.azure.net/.default"
_OCI, _DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution.manifest"
_MANIFESTS = (
    f"{_OCI}.index.v1+json, {_OCI}.manifest.v1+json, {_DOCKER}.list.v2+json, {_DOCKER}.v2+json"
)


def platforms(image: ImageReference) -> list[str]:
    """The platform of an image, or of each in an index; empty where the registry has none.

    Raises:
        ArmError: The registry was not reached, or refused.
    """
    server = f"https://{image.server}"
    try:
        with httpx.Client(base_url=server, timeout=30, follow_redirects=True) as http:
            http.headers["Authorization"] = f"Bearer {_right_to_pull(http, image)}"
            place = f"/v2/{image.repository}"
            found = http.get(f"{place}/manifests/{image.digest}", headers={"Accept": _MANIFESTS})
            if found.status_code == 404:
                return []
            manifest = _content(found)
            if "manifests" in manifest:
                return [_platform(each.get("platform") or {}) for each in manifest["manifests"]]
            config = f"{place}/blobs/{manifest['config']['digest']}"
            return [_platform(_content(http.get(config)))]
    except httpx.HTTPStatusError as error:
        why = f"{error.response.status_code} {error.response.reason_phrase}"
        raise ArmError(f"{image.server} answered {why}; may this login pull from it?") from error
    except (httpx.HTTPError, AzureError, ValueError, LookupError, TypeError) as error:
        first = str(error).splitlines() or [type(error).__name__]
        raise ArmError(f"{image.server} cannot be asked: {first[0]}") from error


def _right_to_pull(http: httpx.Client, image: ImageReference) -> str:
    """Microsoft Entra's token, for one of the registry's, for one of the repository's."""
    with login.credential() as known:
        given = known.get_token(_AUDIENCE).token
    asked = {"service": image.server, "grant_type": "access_token", "access_token": given}
    given = _content(http.post("/oauth2/exchange", data=asked))["refresh_token"]
    asked = {"service": image.server, "grant_type": "refresh_token", "refresh_token": given}
    asked["scope"] = f"repository:{image.repository}:pull"
    return str(_content(http.post("/oauth2/token", data=asked))["access_token"])


def _content(answer: httpx.Response) -> dict[str, Any]:
    return dict(answer.raise_for_status().json())


def _platform(said: dict[str, Any]) -> str:
    return f"{said.get('os')}/{said.get('architecture')}"
