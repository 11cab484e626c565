"""How Azure's resource providers differ on the wire: status codes, headers, first states.

Source: traffic recorded by azure-cli's and azure-sdk-for-python's own tests, in our words; and the
status codes that the azure-mgmt clients accept for each call. A table test holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Finish = Literal["operation", "itself", "now"]
"""By polling an operation, by polling the resource itself, or with the answer."""

_PLACE = "{url}/subscriptions/{subscription}/providers/{namespace}/locations/{location}"


@dataclass(frozen=True)
class Convention:
    """One resource type's manners.

    Attributes:
        created: The status of a PUT that makes a new resource.
        finish: How a client learns that a PUT has ended.
        patched: The status of a PATCH; 202 is finished by polling an operation.
        first: The provisioning state in the first answer.
        status: Where `Azure-AsyncOperation` leads; "" where there is none.
        result: Where `Location` leads; "" where there is none.
        running: An operation's status before it ends.
        bare: Whether an operation is described by its status alone.
        deleted_later: Whether a DELETE is finished by polling.
        body_while_creating: Whether the first answer holds the resource; else only its headers.
        busy: The code of the 409 for a change while another one goes on.
        spelling: How ids and types are answered, where that is not as they are documented.
    """

    created: int = 201
    finish: Finish = "operation"
    patched: int = 200
    first: str = "Creating"
    status: str = _PLACE + "/operationStatuses/{operation}?api-version={version}"
    result: str = _PLACE + "/operationResults/{operation}?api-version={version}"
    running: str = "InProgress"
    bare: bool = False
    deleted_later: bool = True
    body_while_creating: bool = True
    busy: str = "AnotherOperationInProgress"
    spelling: tuple[str, str] = ("", "")


USUAL = Convention()
_AT_ONCE = Convention(finish="now", status="", result="", deleted_later=False)
_ITSELF = "{url}{id}?api-version={version}"
_WORKSPACE = _PLACE + "/workspaceOperationsStatus/{operation}?api-version={version}"
_KNOWN = {
    "microsoft.resources/resourcegroups": Convention(finish="now", status="", result=""),
    "microsoft.containerinstance/containergroups": Convention(
        first="Pending",
        status=_PLACE + "/operations/{operation}?api-version=2018-06-01",
        result="",
        running="Pending",
        busy="ContainerGroupTransitioning",
    ),
    "microsoft.containerregistry/registries": Convention(
        status="{url}{id}/operationStatuses/registries-{operation}?api-version={version}",
        result="",
        running="Creating",
        bare=True,
    ),
    "microsoft.storage/storageaccounts": Convention(
        created=202,
        status="",
        result=_PLACE + "/asyncoperations/{operation}?monitor=true&api-version={version}",
        deleted_later=False,
        body_while_creating=False,
    ),
    "microsoft.keyvault/vaults": Convention(
        created=200,
        finish="itself",
        first="RegisteringDns",
        status="",
        result="",
        deleted_later=False,
    ),
    "microsoft.operationalinsights/workspaces": Convention(
        finish="itself", status="", result=_ITSELF
    ),
    "microsoft.insights/components": Convention(
        created=200,
        finish="now",
        status="",
        result="",
        deleted_later=False,
        spelling=("/Microsoft.Insights/components", "/microsoft.insights/components"),
    ),
    "microsoft.managedidentity/userassignedidentities": Convention(
        finish="now",
        deleted_later=False,
        status="",
        result="{id}?api-version={version}",
        spelling=("/resourceGroups/", "/resourcegroups/"),
    ),
    "microsoft.machinelearningservices/workspaces": Convention(
        patched=202, status=_WORKSPACE, result=_WORKSPACE + "&type=location"
    ),
}


def convention(type_name: str, *, long_running: bool) -> Convention:
    """The manners of a type: its own, or the usual ones of a (not) long-running type."""
    usual = USUAL if long_running else _AT_ONCE
    return _KNOWN.get(type_name.lower(), usual)
