"""The end of an event loop in which a Pulumi program ran with mocks."""

from __future__ import annotations

import asyncio

import pulumi


def end(loop: asyncio.AbstractEventLoop) -> None:
    """Close it, and forget the program's configuration.

    A program that failed leaves outputs that nobody waits for; one that never began is a warning.
    """
    pulumi.runtime.set_all_config({}, [])
    while unfinished := asyncio.all_tasks(loop):
        for task in unfinished:
            task.cancel()
        loop.run_until_complete(asyncio.wait(unfinished))
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()
