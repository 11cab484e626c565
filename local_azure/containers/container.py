"""One container: started, probed, restarted by the policy, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from local_azure.containers.history import History
from local_azure.containers.log import Log
from local_azure.containers.probe import Probe
from local_azure.containers.process import Launch, Process

LOG = logging.getLogger(__name__)

RestartPolicy = Literal["Always", "OnFailure", "Never"]

GIVE_UP_AFTER = 3
"""Crashes in a row after which a container that starts is called broken; it goes on trying."""


@dataclass(frozen=True)
class Timing:
    """Seconds.

    Attributes:
        grace: Between SIGTERM and SIGKILL.
        first_pause: Before the first restart; each further one doubles it.
        longest_pause: Where doubling ends.
        stable: A container that ran for so long starts its back-off anew.
        settle: How long one without a readiness probe must run to be called ready.
    """

    grace: float = 10.0
    first_pause: float = 0.5
    longest_pause: float = 60.0
    stable: float = 60.0
    settle: float = 1.0


@dataclass(frozen=True)
class Plan:
    """Everything that a container is started from.

    Attributes:
        name: Its name in the group.
        image: As the group names it.
        launch: How it is started.
        policy: What happens when it ends.
        liveness: Restarts it, or None.
        readiness: Says whether it may get requests, or None.
        startup: Must succeed before the others are asked, or None.
    """

    name: str
    image: str
    launch: Launch
    policy: RestartPolicy
    liveness: Probe | None
    readiness: Probe | None
    startup: Probe | None = None


@dataclass
class Container:
    """A supervised container.

    Attributes:
        plan: What it is started from.
        folder: Of its log and of what a killed stand-in leaves to be found.
        timing: How patient its supervisor is.
        ready: Whether it may get requests.
        started: Whether it runs, and its startup probe has succeeded.
        over: Whether it has ended and will not be started again.
    """

    plan: Plan
    folder: Path
    timing: Timing = field(default_factory=Timing)
    ready: bool = field(default=False, init=False)
    started: bool = field(default=False, init=False)
    over: bool = field(default=False, init=False)
    history: History = field(default_factory=History, init=False)
    _crashes: int = field(default=0, init=False)
    _process: Process | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _killed_for: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = Log(self.folder / f"{self.plan.name}.log")
        self._session_file = self.folder / f"{self.plan.name}.session"
        self.history.event("Pulled", f'Successfully pulled image "{self.plan.image}"')

    def start(self) -> None:
        """Begin to supervise."""
        self._task = asyncio.create_task(self._supervise())

    async def stop(self, grace: float | None = None) -> None:
        """SIGTERM, a grace period, SIGKILL; return when no process is left.

        Args:
            grace: Seconds; None for the timing's.
        """
        if self._task is None:
            return
        self._stopping.set()
        if self._process is not None:
            await self._process.stop(self.timing.grace if grace is None else grace)
        await self._task

    def processes(self) -> list[psutil.Process]:
        """What runs of it now."""
        return self._process.session.members() if self._process is not None else []

    async def change(self) -> None:
        """Wait until something about it changes."""
        await self._changed.wait()

    async def settled(self) -> bool:
        """Wait until it is ready or has done its work (True), or is broken (False)."""
        while True:
            changed = self._changed
            if self.ready:
                return True
            if self.over:
                return self.plan.readiness is None and not self._stopping.is_set()
            if self._crashes >= GIVE_UP_AFTER:
                return False
            await changed.wait()

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                began = loop.time()
                code = await self._run()
                if loop.time() - began > self.timing.stable:
                    self._crashes = 0
                if self._stopping.is_set() or not self._again(code):
                    return
                pause = min(self.timing.first_pause * 2**self._crashes, self.timing.longest_pause)
                self._crashes += 1
                self.history.waiting(f"CrashLoopBackOff: restarted in {pause:g} s")
                self.history.event("BackOff", "Back-off restarting failed container", warning=True)
                self._tell()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                    return
                self.history.restarts += 1
        except Exception:
            LOG.exception("container %s", self.plan.name)
            self.history.terminated(-1, "the stand-in failed; its log has the reason")
        finally:
            self.ready, self.over = False, True
            self._tell()

    def _again(self, code: int) -> bool:
        return self.plan.policy == "Always" or (self.plan.policy == "OnFailure" and code != 0)

    async def _run(self) -> int:
        """From one start to one end. Returns the exit code."""
        self._killed_for = ""
        try:
            process = Process(self.plan.launch, self.log.write)
        except OSError as error:
            self.history.terminated(128, f"cannot be started: {error.strerror}")
            self.history.event("Failed", f"Error: {error.strerror}", warning=True)
            return 128
        self._process = process
        process.session.write(self._session_file)
        self.started = self.plan.startup is None
        self.history.running()
        self._tell()
        watcher = asyncio.create_task(self._watch(process))
        try:
            code = await process.wait()
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            self.log.flush()
            self._process, self.ready, self.started = None, False, False
            self._session_file.unlink(missing_ok=True)
        if process.out_of_memory:
            limit = self.plan.launch.memory / 1e9
            self.history.event(
                "OOMKilled", f"Container used more than its {limit:g} GB of memory", warning=True
            )
        detail = "OOMKilled" if process.out_of_memory else self._killed_for
        self.history.terminated(code, detail or ("Completed" if code == 0 else "Error"))
        if self._stopping.is_set():
            self.history.event("Killing", f"Killing container {self.plan.name}")
        return code

    async def _watch(self, process: Process) -> None:
        """Ask the startup probe until it succeeds, and only then the others."""
        try:
            if self.plan.startup is not None:
                await self._startup(process, self.plan.startup)
            async with asyncio.TaskGroup() as probes:
                probes.create_task(self._readiness(process))
                probes.create_task(self._liveness(process))
        except Exception:
            LOG.exception("a probe of container %s", self.plan.name)

    async def _startup(self, process: Process, probe: Probe) -> None:
        async for verdict, reason in self._verdicts("Startup", probe, process):
            if verdict is False:
                await self._unhealthy(process, "startup", reason)
            elif verdict:
                self.started = True
                self._tell()
                return

    async def _liveness(self, process: Process) -> None:
        if self.plan.liveness is None:
            return
        async for verdict, reason in self._verdicts("Liveness", self.plan.liveness, process):
            if verdict is False:
                await self._unhealthy(process, "liveness", reason)

    async def _readiness(self, process: Process) -> None:
        if self.plan.readiness is None:
            await asyncio.sleep(self.timing.settle)
            self._set_ready(True)
            return
        async for verdict, _ in self._verdicts("Readiness", self.plan.readiness, process):
            if verdict is not None:
                self._set_ready(verdict)

    async def _verdicts(
        self, kind: str, probe: Probe, process: Process
    ) -> AsyncIterator[tuple[bool | None, str]]:
        """See `Probe.verdicts`; a try that fails is an event."""
        async for verdict, reason in probe.verdicts(process.run):
            if reason:
                self.history.event("Unhealthy", f"{kind} probe failed: {reason}", warning=True)
            yield verdict, reason

    async def _unhealthy(self, process: Process, probe: str, reason: str) -> None:
        if self._stopping.is_set():
            return
        self._killed_for = f"{probe} probe failed: {reason}"
        message = f"Container {self.plan.name} failed {probe} probe, will be restarted"
        self.history.event("Killing", message)
        await process.stop(self.timing.grace)

    def _set_ready(self, ready: bool) -> None:
        self.ready = ready
        self._tell()

    def _tell(self) -> None:
        """Wake those who wait for a change."""
        self._changed.set()
        self._changed = asyncio.Event()
