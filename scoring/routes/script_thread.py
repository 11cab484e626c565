"""A thread of its own for a script that takes its time, so that other clients are answered."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue

from scoring.errors import Rejection, RowError, message_of
from scoring.routes.messages import Response

Work = Callable[[], Response]


def attempt(work: Work) -> Response:
    """Let a script work; whatever it raises is a refusal of this request, and of nothing else.

    SystemExit, CancelledError and StopIteration mean something to those who call: to the event
    loop, to a task, to a future. From a script they are failures like any other.
    """
    try:
        return work()
    except Rejection:
        raise
    except RowError as error:
        raise Rejection(400, "bad_rows", message_of(error)) from None
    except BaseException as error:
        said = message_of(error)
        message = f"the scoring script failed: {type(error).__name__}{': ' * bool(said)}{said}"
        raise Rejection(500, "script_failed", message) from None


class ScriptThread:
    """One call at a time, a bounded queue behind it, and a limit on how long one is waited for.

    The thread is a daemon: a process that was told to end does not wait for the script.
    """

    def __init__(self, longest_queue: int, timeout: float, most_bytes: int) -> None:
        """Nothing runs yet; all that waits holds so many bytes at most, or is a single request."""
        self._limit = longest_queue
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._held = 0
        self._waiting = 0
        self._begun = False
        self._works: SimpleQueue[tuple[Work, asyncio.Future[Response], int] | None] = SimpleQueue()

    async def run(self, work: Work, size: int) -> Response:
        """Do work that holds so many bytes in its turn.

        Raises:
            Rejection: The queue is full, all that waits holds too much, it takes too long, or what
                the work itself raised.
        """
        if self._waiting >= self._limit:
            raise Rejection(
                429, "queue_full", f"{self._limit} requests wait already", retry_after=1
            )
        if self._waiting and self._held + size > self._most_bytes:
            raise Rejection(
                503, "out_of_buffers", "the requests that wait are too large", retry_after=1
            )
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._serve, name="script", daemon=True).start()
        self._waiting += 1
        self._held += size
        future = asyncio.get_running_loop().create_future()
        self._works.put((work, future, size))
        try:
            return await asyncio.wait_for(future, self._timeout)
        except TimeoutError:
            raise Rejection(
                503,
                "script_too_slow",
                f"the script did not answer within {self._timeout:g} seconds",
                retry_after=1,
            ) from None

    def _serve(self) -> None:
        while (item := self._works.get()) is not None:
            work, future, size = item
            response = failure = None
            if not future.cancelled():  # where nobody waits any more, it need not begin
                try:
                    response = attempt(work)
                except Rejection as rejection:
                    failure = rejection
            del item, work
            with contextlib.suppress(RuntimeError):  # the loop is closed
                future.get_loop().call_soon_threadsafe(self._done, future, size, response, failure)

    def _done(
        self,
        future: asyncio.Future[Response],
        size: int,
        response: Response | None,
        failure: Rejection | None,
    ) -> None:
        self._waiting -= 1
        self._held -= size
        if future.done():
            return
        if response is not None:
            future.set_result(response)
        elif failure is not None:
            future.set_exception(failure)

    def close(self) -> None:
        """Leave the thread behind."""
        self._works.put(None)
