"""What azure-native adds to a program's inputs: a name, a location, the API version."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local_azure.provider.arm_client import Login
from local_azure.provider.status import RefusedError
from local_azure.provider.values import CREATE_FIRST, UNKNOWN, Properties, from_struct
from local_azure.types import ResourceType

API_VERSION = "azureApiVersion"
"""An input that no program gives: a newer SDK's version of a resource shows as a difference."""

_PREFIX = "azure-native:config:"

_WITHOUT_EFFECT = frozenset(["disableInstanceDiscovery", "disablePulumiPartnerId", "partnerId"])
"""They say how Azure is told who asks, never what is made."""

_OUTRANKED = frozenset(["environment"])
"""azure-native itself ignores it where ARM_METADATA_HOSTNAME is set, as here."""

Locate = Callable[[str], str | None]
"""The location of a resource group that exists, by the group's name."""


def configured_location(variables: Mapping[str, str], login: Login) -> str:
    """The location for resources that are given none, or "".

    Args:
        variables: Of a `ConfigureRequest`.
        login: Whom the stand-in knows.

    Raises:
        RefusedError: A setting means another Azure than the stand-in, and would be ignored.
    """
    own = {
        "subscriptionId": login.subscription,
        "tenantId": login.tenant,
        "clientId": login.client_id,
    }
    given = {
        name.removeprefix(_PREFIX): value for name, value in sorted(variables.items()) if value
    }
    for name, value in given.items():
        if name == "location" or name in _WITHOUT_EFFECT or name in _OUTRANKED:
            continue
        if name in own and value == own[name]:
            continue
        reason = f"has {own[name]!r}" if name in own else "signs in by itself"
        raise RefusedError(
            f"the setting azure-native:{name} has no effect on the local stand-in, which "
            f"{reason}; remove it: pulumi config rm azure-native:{name}"
        )
    return given.get("location", "")


def completed(kind: ResourceType, request: Any, configured: str, locate: Locate) -> Properties:
    """The inputs of a `CheckRequest` with the defaults that azure-native gives them.

    Args:
        kind: The resource's type.
        request: The program's inputs as `news`, those in the state as `olds`.
        configured: `azure-native:location`, or "".
        locate: Asked only where nothing else gives a location.
    """
    old, inputs = from_struct(request.olds), from_struct(request.news)
    if kind.name_input not in inputs:
        if kind.name_input in old:
            inputs |= {name: old[name] for name in (kind.name_input, CREATE_FIRST) if old.get(name)}
        elif name := _name(kind, request):
            inputs |= {kind.name_input: name, CREATE_FIRST: True}
    if "location" in kind.shape.top and "location" not in inputs:
        group = inputs.get("resourceGroupName") if kind.scope_input else None
        location = old.get("location") or configured or _of_group(group, locate)
        if location:
            inputs["location"] = location
    inputs.setdefault(API_VERSION, kind.api_versions[0])
    return inputs


def _of_group(group: str | None, locate: Locate) -> str | None:
    if group == UNKNOWN:
        return UNKNOWN
    return locate(group) if group else None


def _name(kind: ResourceType, request: Any) -> str | None:
    """A new name; None if the user switched naming off.

    The engine's own rule comes first (`pulumi:autonaming`), then a GUID where Azure wants one, then
    the logical name with eight digits of the engine's seed.
    """
    rule = request.autonaming
    if request.HasField("autonaming"):
        if rule.mode == request.AutonamingOptions.DISABLE:
            return None
        if rule.mode == request.AutonamingOptions.ENFORCE or not kind.guid_name:
            return rule.proposed_name
    seed = hashlib.sha256(request.randomSeed or request.urn.encode())
    if kind.guid_name:
        return str(uuid.UUID(bytes=seed.digest()[:16], version=4))
    return f"{request.urn.split('::')[-1]}{seed.hexdigest()[:8]}"
