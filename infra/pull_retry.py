"""A new AcrPull assignment takes one to two minutes to work: retry that error alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pulumi

NOT_YET = ("InaccessibleImage", "RegistryErrorResponse")
"""Azure Container Instances' codes for an image that its identity may not pull (yet)."""

DELAYS_SECONDS = (10, 20, 30, 40, 40, 40)
"""Three minutes in all; the documented propagation takes 60 to 120 s."""


class PullRetry:
    """Decides whether a failed create or update of a container group is tried again."""

    def __init__(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._pause = pause

    async def __call__(self, args: pulumi.ErrorHookArgs) -> bool:
        """True after a pause if the newest error is of the one class that time heals."""
        attempt = len(args.errors)
        if args.failed_operation == "delete" or not 1 <= attempt <= len(DELAYS_SECONDS):
            return False
        if not any(code in args.errors[0] for code in NOT_YET):
            return False
        await self._pause(DELAYS_SECONDS[attempt - 1])
        return True
