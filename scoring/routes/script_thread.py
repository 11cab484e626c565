"""A thread of its own for a script that takes its time, so that other clients are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from scoring.errors import Rejection

Result = TypeVar("Result")


class ScriptThread:
    """One call at a time, a bounded queue behind it, and a limit on how long one is waited for."""

    def __init__(self, longest_queue: int, timeout: float) -> None:
        self._limit = longest_queue
        self._timeout = timeout
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="script")

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do the work in its turn; refuse it when the queue is full or it takes too long."""
        if self._waiting >= self._limit:
            raise Rejection(
                429, "queue_full", f"{self._limit} requests wait already", retry_after=1
            )
        self._waiting += 1
        queued = self._thread.submit(work)
        future = asyncio.wrap_future(queued)
        future.add_done_callback(self._left)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._timeout)
        except TimeoutError:
            raise Rejection(
                503,
                "script_too_slow",
                f"the script did not answer within {self._timeout:g} seconds",
                retry_after=1,
            ) from None
        finally:
            queued.cancel()  # where nobody waits any more, it need not begin

    def _left(self, future: asyncio.Future[Result]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # looked at: it was answered, or nobody waits for it any more

    def close(self) -> None:
        """Leave the thread behind."""
        self._thread.shutdown(wait=False, cancel_futures=True)
