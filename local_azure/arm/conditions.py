"""How Azure is today: waits and failures that a test wants to see, off unless it asks for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from local_azure.arm.errors import ArmError

FILE = "conditions.json"
"""In the state folder. Whoever tests writes it; it is read at every call that it matters to."""


@dataclass(frozen=True)
class Conditions:
    """What `conditions.json` says, such as `{"pullRightSeconds": 60}`.

    Attributes:
        pullRightSeconds: How long a new role assignment takes until it allows a pull. Azure's
            documentation says 60 to 120 s.
        pullFailsOnNode: Whether a pull that is refused fails the operation, as it does where the
            node finds out; else the PUT itself is answered with 400.
        transitioningSeconds: How long a container group that was changed or deleted refuses the
            next change with `ContainerGroupTransitioning`.
        unwrittenKept: Whether the types of which nobody wrote it down (registry, vault, workspace,
            Log Analytics, Application Insights) keep a property that a PUT leaves out, as storage
            accounts do; else it goes back to its default, as container groups do.
        unregisteredProviders: Namespaces that nobody registered yet; `register` does.
        deniedActions: What the login may not do, such as
            `Microsoft.Authorization/roleAssignments/write`.
        disabledSubscription: Whether the subscription is read only.
        coreQuota: The cores that all container groups of a region may have, and all nodes.
    """

    pullRightSeconds: float = 0.0  # noqa: N815 - the names of the file
    pullFailsOnNode: bool = False  # noqa: N815
    transitioningSeconds: float = 0.0  # noqa: N815
    unwrittenKept: bool = False  # noqa: N815
    unregisteredProviders: Sequence[str] = ()  # noqa: N815
    deniedActions: Sequence[str] = ()  # noqa: N815
    disabledSubscription: bool = False  # noqa: N815
    coreQuota: float = 100.0  # noqa: N815

    @classmethod
    def read(cls, path: Path) -> Conditions:
        """The conditions of now; without a file, nothing is slow and nothing fails.

        Raises:
            ArmError: 500 `InvalidConditions`: the file says something that would be ignored.
        """
        try:
            said = json.loads(path.read_text())
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise _invalid(path, f"cannot be read: {error}") from error
        kinds = {each.name: type(each.default) for each in fields(cls)}
        if not isinstance(said, dict) or not set(said) <= set(kinds):
            raise _invalid(path, f"must be an object with some of: {', '.join(kinds)}")
        for name, value in said.items():
            if not _is(kinds[name], value):
                raise _invalid(path, f"has {name}={value!r}, which is no {_KINDS[kinds[name]]}")
        return cls(**said)


_KINDS = {bool: "bool", float: "float", tuple: "list of strings"}


def _is(kind: type, value: Any) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is tuple:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _invalid(path: Path, reason: str) -> ArmError:
    return ArmError(500, "InvalidConditions", f"The stand-in's {path} {reason}.")
