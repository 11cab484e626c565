"""How Azure's resource providers differ on the wire: status codes and which calls finish later.

Source: the status codes that the azure-mgmt clients accept for each call.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Convention:
    """One resource type's manners.

    Attributes:
        created: The status of a PUT that makes a new resource.
        later: Whether a PUT is finished by polling.
        deleted_later: Whether a DELETE is finished by polling.
        body_while_creating: Whether the first answer holds the resource; else only its `Location`.
        busy: The code of the 409 for a change while another one goes on.
    """

    created: int = 201
    later: bool = True
    deleted_later: bool = True
    body_while_creating: bool = True
    busy: str = "AnotherOperationInProgress"


_AT_ONCE = Convention(later=False, deleted_later=False)
_KNOWN = {
    "microsoft.resources/resourcegroups": Convention(later=False),
    "microsoft.containerinstance/containergroups": Convention(busy="ContainerGroupTransitioning"),
    "microsoft.storage/storageaccounts": Convention(
        created=202, deleted_later=False, body_while_creating=False
    ),
    "microsoft.keyvault/vaults": Convention(deleted_later=False),
    "microsoft.insights/components": Convention(created=200, later=False, deleted_later=False),
}


def convention(type_name: str, *, long_running: bool) -> Convention:
    """The manners of a type: its own, or the usual ones of a (not) long-running type."""
    usual = Convention() if long_running else _AT_ONCE
    return _KNOWN.get(type_name.lower(), usual)
