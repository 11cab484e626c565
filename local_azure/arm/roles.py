"""Role definitions and the rules of role assignments; and whom they allow to pull an image.

Source: "Azure built-in roles". Definitions of one's own are not supported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.errors import ArmError
from local_azure.arm.ids import ResourceId
from local_azure.arm.requests import api_version
from local_azure.arm.service import Body, Lookup
from local_azure.arm.subscriptions import SUBSCRIPTION, check_subscription

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
BUILT_IN: Mapping[str, str] = {
    ACR_PULL: "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "c2f4ef07-c644-48eb-af81-4b1b4947fb11": "AcrDelete",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "69566ab7-960f-475b-8e7c-b3118f30c6bd": "Storage File Data Privileged Contributor",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": "AzureML Data Scientist",
    "43d0d8ad-25c7-4714-9337-8ba259a9fe05": "Monitoring Reader",
    "73c42c96-874c-492b-b04d-ab87d138a893": "Log Analytics Reader",
    "f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
}
PULLING = frozenset({"AcrPull", "AcrPush", "Reader", "Contributor", "Owner"})
"""Built-in roles whose actions include `Microsoft.ContainerRegistry/registries/pull/read`."""

_FILTER = re.compile(r"roleName\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)


def routes() -> list[Route]:
    """The definitions, read-only, at any scope."""
    path = "/subscriptions/{scope:path}/providers/Microsoft.Authorization/roleDefinitions"
    return [Route(path, _list), Route(path + "/{name}", _get)]


async def _list(request: Request) -> Response:
    """All of them, or the one that `$filter=roleName eq '...'` names."""
    _check(request)
    wanted = request.query_params.get("$filter", "")
    found = _FILTER.fullmatch(wanted.strip())
    if wanted and found is None:
        raise ArmError(
            400, "InvalidFilter", f"$filter={wanted!r}; the stand-in knows roleName eq 'NAME'."
        )
    name = found[1].replace("''", "'").lower() if found else ""
    listed = [_body(key, role) for key, role in BUILT_IN.items() if name in ("", role.lower())]
    return JSONResponse({"value": listed})


async def _get(request: Request) -> Response:
    _check(request)
    name = request.path_params["name"].lower()
    if name not in BUILT_IN:
        raise _no_role(name, 404)
    return JSONResponse(_body(name, BUILT_IN[name]))


def _check(request: Request) -> None:
    api_version(request)
    check_subscription(request.path_params["scope"].split("/")[0])


def _body(name: str, role: str) -> Body:
    kind = "Microsoft.Authorization/roleDefinitions"
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/providers/{kind}/{name}",
        "name": name,
        "type": kind,
        "properties": {
            "roleName": role,
            "type": "BuiltInRole",
            "description": "",
            "assignableScopes": ["/"],
            "permissions": [],
        },
    }


def check_assignment(rid: ResourceId, wanted: Body, lookup: Lookup) -> None:
    """Refuse a new assignment of an unknown role, or of a right that is there already.

    Raises:
        ArmError: 400 `RoleDefinitionDoesNotExist`, 409 `RoleAssignmentExists`.
    """
    role, principal = _role(wanted), _principal(wanted)
    if role not in BUILT_IN:
        raise _no_role(role, 400)
    for other in lookup.list(ASSIGNMENTS):
        scope = str(other.body.get("properties", {}).get("scope", "")).lower().rstrip("/")
        same = (_role(other.body), _principal(other.body), scope)
        if same == (role, principal, rid.scope.lower().rstrip("/")):
            raise ArmError(
                409,
                "RoleAssignmentExists",
                f"The role assignment already exists. The ID of the existing role assignment is "
                f"{other.name.replace('-', '')}.",
            )


def may_pull(
    principal_id: str, registry_id: str, lookup: Lookup, *, after_seconds: float = 0
) -> bool:
    """Whether a role assignment on the registry, or on what it lives in, allows the pull.

    Args:
        principal_id: Who wants to pull.
        registry_id: From where.
        lookup: The role assignments.
        after_seconds: How old an assignment must be to be known to the registry.
    """
    below = registry_id.lower() + "/"
    for assignment in lookup.list(ASSIGNMENTS):
        scope = str(assignment.body.get("properties", {}).get("scope", "")).lower().rstrip("/")
        right = _principal(assignment.body) == principal_id.lower() and (
            BUILT_IN.get(_role(assignment.body)) in PULLING
        )
        if right and below.startswith(f"{scope}/") and lookup.age(assignment.id) >= after_seconds:
            return True
    return False


def _role(body: Mapping[str, Any]) -> str:
    return str(body.get("properties", {}).get("roleDefinitionId", "")).lower().rpartition("/")[2]


def _principal(body: Mapping[str, Any]) -> str:
    return str(body.get("properties", {}).get("principalId", "")).lower()


def _no_role(name: str, status: int) -> ArmError:
    return ArmError(
        status,
        "RoleDefinitionDoesNotExist",
        f"The specified role definition with ID '{name}' does not exist.",
    )
