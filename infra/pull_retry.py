"""What time heals when a container group is created or updated, and how to get back what it left.

A new AcrPull assignment takes one to two minutes to work; a group that was just changed or deleted
refuses the next change for a while, which azure-native does not wait for. Sources: "Troubleshoot
common issues in Azure Container Instances"; azure-native's own list of what it retries.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pulumi

from infra.azure_facts import CONTAINER_GROUP

OLDEST_CLI = "3.245.0"
"""The first Pulumi whose error hooks see a refused request; older ones call them only for an
operation that failed after it was accepted."""

PULL_DELAYS = (10.0, 20.0, 30.0, 40.0, 40.0, 40.0)
"""Seconds: three minutes in all; the documented propagation takes 60 to 120 s."""

TRANSITION_DELAYS = (5.0, 10.0, 15.0, 30.0, 30.0, 30.0)
"""Seconds: two minutes in all."""

_DELAYS = {
    "InaccessibleImage": PULL_DELAYS,
    "RegistryErrorResponse": PULL_DELAYS,
    "ContainerGroupTransitioning": TRANSITION_DELAYS,
}
"""By Azure's code: how long to wait before each further attempt."""

_ACCEPTED = re.compile(r"\d+ errors? occurred:")
"""How the engine's text of a partial failure begins: the resource exists, and the state has it."""

_EXISTS = re.compile(r"cannot create already existing resource '([^']+)'")


def require_cli() -> None:
    """Refuse a Pulumi whose hooks would not see a refused pull.

    Raises:
        pulumi.RunError: It is too old.
    """
    try:
        pulumi.require_pulumi_version(f">={OLDEST_CLI}")
    except Exception as error:
        reason = " ".join(str(error).split())
        raise pulumi.RunError(
            f"this Pulumi CLI cannot be used: {reason}; needed: {OLDEST_CLI} or newer, whose error "
            "hooks see a refused pull; install it: https://www.pulumi.com/docs/install"
        ) from None


class PullRetry:
    """Decides whether a failed create or update of a container group is tried again."""

    def __init__(
        self, parent: str, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Watch the group of a component.

        Args:
            parent: The component's name, for the command that imports a group into it.
            pause: Waits so many seconds.
        """
        self._parent = parent
        self._pause = pause

    async def __call__(self, args: pulumi.ErrorHookArgs) -> bool:
        """True after a pause if the newest error is of a class that time heals."""
        attempt, newest = len(args.errors), args.errors[0] if args.errors else ""
        if exists := _EXISTS.search(newest):
            pulumi.log.warn(self._import(args.urn, exists[1]))
            return False
        delays = next((wait for code, wait in _DELAYS.items() if code in newest), ())
        if not delays or args.failed_operation == "delete":
            return False
        if args.failed_operation == "create" and _ACCEPTED.match(newest):
            # A second creation would be refused, as the group exists, and drop it from the state.
            pulumi.log.warn(
                "the container group was made but did not get its image yet; the state has it: "
                "run `pulumi up` again in two minutes"
            )
            return False
        if attempt > len(delays):
            return False
        await self._pause(delays[attempt - 1])
        return True

    def _import(self, urn: str, resource_id: str) -> str:
        """How a group that exists and is in no state comes into it."""
        beginning, _, name = urn.rpartition("::")
        parent = f"{beginning.rpartition('$')[0]}::{self._parent}"
        return (
            "the container group exists and is in no state; take it over with: "
            f"pulumi import {CONTAINER_GROUP} {name} '{resource_id}' "
            f"--parent 'parent={parent}'"
        )
