"""Where Azure Resource Manager is, and who asks it: as Pulumi's azure-native provider decides."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from azure.core import AzureClouds
from azure.identity import (
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
)
from azure.mgmt.core.tools import get_arm_endpoints

from infra.arm.errors import ArmError

# Without a handler, it writes to the screen what the error says once more.
logging.getLogger("azure").addHandler(logging.NullHandler())

_CLOUDS = {
    "public": AzureClouds.AZURE_PUBLIC_CLOUD,
    "usgovernment": AzureClouds.AZURE_US_GOVERNMENT,
    "china": AzureClouds.AZURE_CHINA_CLOUD,
}


Credential = ClientSecretCredential | ClientAssertionCredential | DefaultAzureCredential


def endpoint() -> tuple[str, list[str]]:
    """(URL without a slash at the end, scopes of a token for it)."""
    own = os.environ.get("ARM_RESOURCE_MANAGER_ENDPOINT", "").rstrip("/")
    if own:
        audience = os.environ.get("ARM_RESOURCE_MANAGER_AUDIENCE", "").rstrip("/") or own
        return own, [f"{audience}/.default"]
    name = os.environ.get("ARM_ENVIRONMENT") or "public"
    if name not in _CLOUDS:
        raise ArmError(f"ARM_ENVIRONMENT is {name!r}; allowed: {', '.join(_CLOUDS)}")
    found = get_arm_endpoints(_CLOUDS[name])
    return found["resource_manager"].removesuffix("/"), found["credential_scopes"]


def credential() -> Credential:
    """The provider's own variables first, then whatever this machine is signed in with.

    AZURE_AUTHORITY_HOST is where, which azure-identity reads by itself.
    """
    # It raises what it warns of, and would warn of it once a question.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
    tenant, client, secret, token = (
        os.environ.get(f"ARM_{name}")
        for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "OIDC_TOKEN")
    )
    file = os.environ.get("ARM_OIDC_TOKEN_FILE_PATH", "")
    if tenant and client and secret:
        # A cloud of its own is not in Microsoft's public list of authorities.
        own = os.environ.get("AZURE_AUTHORITY_HOST") and os.environ.get(
            "ARM_RESOURCE_MANAGER_ENDPOINT"
        )
        options: dict[str, Any] = {"disable_instance_discovery": True} if own else {}
        return ClientSecretCredential(tenant, client, secret, **options)
    if tenant and client and (token or file):

        def assertion() -> str:
            return token or Path(file).read_text(encoding="utf-8").strip()

        return ClientAssertionCredential(tenant, client, assertion)
    return DefaultAzureCredential()
