"""How Azure's resource providers differ on the wire: status codes, headers, first states.

Source: traffic recorded by azure-cli's and azure-sdk-for-python's own tests, in our words; and the
status codes that the azure-mgmt clients accept for each call. A table test holds it. What a type
does not as most do is in its overlay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Finish = Literal["operation", "itself", "now"]
"""By polling an operation, by polling the resource itself, or with the answer."""


@dataclass(frozen=True)
class Convention:
    """One resource type's manners.

    Addresses are templates: `{place}` is what a provider has in the resource's location.

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
    status: str = "{place}/operationStatuses/{operation}?api-version={version}"
    result: str = "{place}/operationResults/{operation}?api-version={version}"
    running: str = "InProgress"
    bare: bool = False
    deleted_later: bool = True
    body_while_creating: bool = True
    busy: str = "AnotherOperationInProgress"
    spelling: Sequence[str] = ("", "")
