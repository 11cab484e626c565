"""A process that stands for a container: its own session, limits, and an end with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import math
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Launch:
    """How to start a container.

    Attributes:
        command: The argument list; the program is looked for on the environment's PATH.
        environment: All of its environment.
        folder: Its working directory.
        cores: CPU cores, rounded up to whole ones.
        memory: Resident bytes of all of its processes together.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    cores: float
    memory: int


class Process:
    """A running container process.

    Attributes:
        out_of_memory: Whether it was killed for its memory.
    """

    def __init__(self, process: asyncio.subprocess.Process, launch: Launch) -> None:
        self._process = process
        self._launch = launch
        self.out_of_memory = False

    @classmethod
    async def start(cls, launch: Launch) -> Process:
        """Start it.

        Raises:
            OSError: There is no such program, or it cannot be run.
        """
        program = shutil.which(launch.command[0], path=launch.environment.get("PATH"))
        if program is None:
            raise FileNotFoundError(2, "no such program in the container", launch.command[0])
        process = await asyncio.create_subprocess_exec(
            program,
            *launch.command[1:],
            cwd=launch.folder,
            env=dict(launch.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_limits(launch.cores),
        )
        return cls(process, launch)

    @property
    def pid(self) -> int:
        """The first process of the container."""
        return self._process.pid

    async def wait(self, line: Callable[[str], None]) -> int:
        """Hand on what it writes, watch its memory, return its exit code (128 + N for a signal)."""
        watch = asyncio.create_task(self._watch_memory())
        try:
            reader = self._process.stdout
            while reader is not None:
                try:
                    content = await reader.readline()
                except ValueError:  # a line of more than 64 KiB was dropped
                    line("[a line was too long]")
                    continue
                if not content:
                    break
                line(content.decode(errors="replace").rstrip("\n"))
            code = await self._process.wait()
        finally:
            watch.cancel()
            self.kill(signal.SIGKILL)
        return code if code >= 0 else 128 - code

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to all of the container's processes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def run(self, command: tuple[str, ...]) -> int:
        """Run another command in the container, as an exec probe does."""
        other = await Process.start(
            Launch(
                command,
                self._launch.environment,
                self._launch.folder,
                self._launch.cores,
                self._launch.memory,
            )
        )
        try:
            return await other.wait(lambda _: None)
        finally:
            other.kill(signal.SIGKILL)

    async def _watch_memory(self) -> None:
        while True:
            if self._resident() > self._launch.memory:
                self.out_of_memory = True
                self.kill(signal.SIGKILL)
            await asyncio.sleep(_LOOK_SECONDS)

    def _resident(self) -> int:
        total = 0
        try:
            first = psutil.Process(self._process.pid)
            for each in (first, *first.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += each.memory_info().rss
        except psutil.Error:
            return 0
        return total


def _limits(cores: float) -> Callable[[], None]:
    """What the child does before it becomes the program."""
    libc = ctypes.CDLL(None, use_errno=True)
    allowed = sorted(os.sched_getaffinity(0))[: max(1, math.ceil(cores))]

    def limit() -> None:
        # A container must not outlive a stand-in that was killed.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, allowed)

    return limit
