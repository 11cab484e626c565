"""One container: started, probed, restarted by the policy, ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from local_azure.containers.log import Log
from local_azure.containers.probe import Probe
from local_azure.containers.process import Launch, Process

RestartPolicy = Literal["Always", "OnFailure", "Never"]
GRACE_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
STABLE_SECONDS = 60.0
"""A container that ran for so long starts its back-off anew."""

EVENTS_KEPT = 20


@dataclass
class Container:
    """A supervised container.

    Attributes:
        name: Its name in the group.
        launch: How it is started.
        policy: What happens when it ends.
        liveness: Restarts it, or None.
        readiness: Says whether it may get requests, or None.
        log: What it writes.
        restarts: How often it was started again.
        ready: Whether it may get requests.
    """

    name: str
    launch: Launch
    policy: RestartPolicy
    liveness: Probe | None
    readiness: Probe | None
    log: Log
    restarts: int = 0
    ready: bool = False
    _state: dict[str, Any] = field(default_factory=lambda: {"state": "Waiting"}, init=False)
    _previous: dict[str, Any] | None = field(default=None, init=False)
    _events: list[dict[str, Any]] = field(default_factory=list, init=False)
    _process: Process | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition, init=False)
    _reason: str = field(default="", init=False)

    def start(self) -> None:
        """Begin to supervise."""
        self._task = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """SIGTERM, a grace period, SIGKILL; return when no process is left."""
        task, self._task = self._task, None
        if task is None:
            return
        process = self._process
        if process is not None:
            self._reason = "Stopped"
            process.kill(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    while self._process is process:
                        await self._wait_for_change()
            process.kill(signal.SIGKILL)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self.ready = False

    async def settled(self) -> bool:
        """Wait until it is ready (True), or has failed for good or three times (False)."""
        while not self.ready:
            if self._task is None or self._task.done() or self.restarts >= 3:
                ended = self._state.get("exitCode")
                return self.policy != "Always" and ended == 0
            await self._wait_for_change()
        return True

    def view(self) -> dict[str, Any]:
        """The container's `instanceView`."""
        view: dict[str, Any] = {
            "restartCount": self.restarts,
            "currentState": dict(self._state),
            "events": list(self._events),
        }
        if self._previous:
            view["previousState"] = dict(self._previous)
        return view

    async def _supervise(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._run_once()
            if asyncio.get_running_loop().time() - began > STABLE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            if self.policy == "Never" or (self.policy == "OnFailure" and code == 0):
                await self._notify()
                return
            self._previous = dict(self._state)
            self._state = {"state": "Waiting", "detailStatus": "CrashLoopBackOff"}
            self.restarts += 1
            await self._notify()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_once(self) -> int:
        self._reason = ""
        try:
            process = await Process.start(self.launch)
        except OSError as error:
            self.log.line(f"cannot start {self.launch.command[0]}: {error.strerror}")
            self._end(127, "Error")
            self._event("Failed", f"Error: {error.strerror}: {self.launch.command[0]}", "Warning")
            return 127
        self._process = process
        self._state = {"state": "Running", "startTime": _now(), "detailStatus": ""}
        self._event("Started", "Started container", "Normal")
        watchers = self._watch(process)
        if self.readiness is None:
            self.ready = True
        await self._notify()
        try:
            code = await process.wait(self.log.line)
        finally:
            for watcher in watchers:
                watcher.cancel()
            process.kill(signal.SIGKILL)
            self._process = None
            self.ready = False
        status = "OOMKilled" if process.out_of_memory else self._reason
        self._end(code, status or ("Completed" if code == 0 else "Error"))
        if code != 0 and self._reason != "Stopped":
            self._event("Killing" if status else "BackOff", f"Exit code {code} {status}", "Warning")
        await self._notify()
        return code

    def _watch(self, process: Process) -> list[asyncio.Task[None]]:
        def alive(verdict: bool) -> None:
            if not verdict:
                self._reason = "LivenessProbeFailed"
                self._event("Unhealthy", "Liveness probe failed; restarting", "Warning")
                process.kill(signal.SIGKILL)

        def ready(verdict: bool) -> None:
            if verdict != self.ready:
                self.ready = verdict
                word = "succeeded" if verdict else "failed"
                self._event(
                    "Ready" if verdict else "Unhealthy", f"Readiness probe {word}", "Normal"
                )
                notify = asyncio.ensure_future(self._notify())
                self._background.add(notify)
                notify.add_done_callback(self._background.discard)

        watched = [(self.liveness, alive), (self.readiness, ready)]
        return [
            asyncio.create_task(probe.watch(process.run, judged))
            for probe, judged in watched
            if probe is not None
        ]

    _background: set[asyncio.Future[None]] = field(default_factory=set, init=False)

    def _end(self, code: int, status: str) -> None:
        self._state = {
            "state": "Terminated",
            "exitCode": code,
            "startTime": self._state.get("startTime", _now()),
            "finishTime": _now(),
            "detailStatus": status,
        }

    def _event(self, name: str, message: str, kind: str) -> None:
        now = _now()
        last = self._events[-1] if self._events else None
        if last and last["name"] == name and last["message"] == message:
            last.update(count=last["count"] + 1, lastTimestamp=now)
            return
        self._events.append(
            {
                "name": name,
                "message": message,
                "type": kind,
                "count": 1,
                "firstTimestamp": now,
                "lastTimestamp": now,
            }
        )
        del self._events[:-EVENTS_KEPT]

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _wait_for_change(self) -> None:
        # The time limit is a safety net: a state may change between the look and the wait.
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await self._changed.wait()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
