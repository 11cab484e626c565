"""A running container group: its containers at their address."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from local_azure.arm.text import printable
from local_azure.containers.container import Container, Plan
from local_azure.containers.session import Session

LOG_LINES_SHOWN = 15


class Group:
    """Containers that live and end together.

    Attributes:
        plans: What they are started from.
        containers: The same, running.
        folder: Of their logs.
    """

    def __init__(self, plans: Sequence[Plan], folder: Path) -> None:
        self.plans = plans
        self.folder = folder
        self._stopped = False
        self.containers: list[Container] = []

    def start(self) -> None:
        """Start all containers, with empty logs."""
        self._stopped = False
        self.containers = [Container(plan, self.folder) for plan in self.plans]
        for container in self.containers:
            container.log.clear()
            container.start()

    async def stop(self) -> None:
        """End all containers; what they wrote stays."""
        self._stopped = True
        await asyncio.gather(*(container.stop() for container in self.containers))

    async def failure(self, seconds: float) -> str:
        """Wait until the group is ready. Returns why it does not get so, "" when it is."""
        waiting = [asyncio.create_task(each.settled()) for each in self.containers]
        done, late = await asyncio.wait(waiting, timeout=seconds)
        for task in late:
            task.cancel()
        for container, task in zip(self.containers, waiting, strict=True):
            if task in done and task.result():
                continue
            return _obituary(container, "" if task in done else f" within {seconds:g} s")
        return ""

    @property
    def state(self) -> str:
        """The group's state in its `instanceView`."""
        if self._stopped:
            return "Stopped"
        if not all(each.over for each in self.containers):
            running = all(each.history.state["state"] != "Waiting" for each in self.containers)
            return "Running" if running else "Pending"
        codes = [each.history.state.get("exitCode") for each in self.containers]
        return "Succeeded" if not any(codes) else "Failed"


def reap(folder: Path) -> None:
    """End what a killed stand-in left running; one call for all groups, before any is started."""
    for file in folder.glob("*/*.session"):
        session = Session.read(file)
        if session is not None:
            session.kill()
        file.unlink()


def _obituary(container: Container, limit: str) -> str:
    view = container.history.view()
    state = view["currentState"]
    if state["state"] == "Waiting":
        state = view.get("previousState", state)
    words = [state["state"].lower()]
    if "exitCode" in state:
        words.append(f"exit code {state['exitCode']}")
    if state.get("detailStatus"):
        words.append(state["detailStatus"])
    warnings = [event["message"] for event in view["events"] if event["type"] == "Warning"]
    tail = printable(container.log.tail(LOG_LINES_SHOWN).strip())
    return (
        f"Container '{container.plan.name}' did not become ready{limit}: {', '.join(words)}; "
        f"{view['restartCount']} restarts. "
        + (f"Last warning: {warnings[-1]}. " if warnings else "")
        + (f"The end of its log:\n{tail}" if tail else "Its log is empty.")
    )
