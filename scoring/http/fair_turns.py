"""Large requests, one at a time, with a look at every other connection between two of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# Rounds of the event loop between two calls: a new client is accepted in one, read in the next, and
# answered before the third.
ROUNDS = 3


class FairTurns:
    """Calls in the order they came, one in a few rounds of the event loop.

    Without it a round that completes eight large bodies would answer all eight before anybody else
    is read, and a connection whose socket buffer is small would be read once in eight answers.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()

    def take(self, call: Callable[[], None]) -> None:
        """Call it in its turn."""
        self._waiting.append(call)
        if len(self._waiting) == 1:
            self._loop.call_soon(self._one, 1)

    def _one(self, rounds: int) -> None:
        """Call the first, once so many rounds have gone by."""
        if rounds > 1:
            self._loop.call_soon(self._one, rounds - 1)
            return
        try:
            self._waiting[0]()
        finally:
            self._waiting.popleft()
            if self._waiting:
                self._loop.call_soon(self._one, ROUNDS)
