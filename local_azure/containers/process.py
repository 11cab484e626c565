"""A process that stands for a container: clean environment, limits, an end that leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from local_azure.containers.session import Session

_LAUNCHER = Path(__file__).with_name("launcher.py")
_CHUNK = 65_536
_DRAIN_SECONDS = 1.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Launch:
    """How to start a container.

    Attributes:
        command: The argument list; the program is looked for on the environment's PATH.
        environment: All of its environment.
        folder: Its working directory.
        cores: The CPUs that it may use.
        memory: Resident bytes of all of its processes together.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    cores: frozenset[int]
    memory: int


class Process:
    """A running container process.

    Attributes:
        session: It and its descendants.
        out_of_memory: Whether it was killed for its memory.
    """

    def __init__(self, launch: Launch, write: Callable[[bytes], None]) -> None:
        """Start it.

        Args:
            launch: How.
            write: Gets what it writes, piece by piece.

        Raises:
            OSError: the working directory is gone, or the machine has no room for a process.
        """
        self._launch = launch
        self.out_of_memory = False
        arguments = [str(os.getpid()), ",".join(map(str, sorted(launch.cores))), *launch.command]
        self._popen = subprocess.Popen(
            [sys.executable, "-IS", str(_LAUNCHER), *arguments],
            cwd=launch.folder,
            env=dict(launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.session = Session.of(self._popen.pid)
        self._task = asyncio.create_task(self._follow(write))

    async def wait(self) -> int:
        """Its exit code, 128 + N for a signal; by then none of its descendants runs."""
        return await asyncio.shield(self._task)

    async def stop(self, grace: float) -> None:
        """SIGTERM, a grace period in seconds, SIGKILL for whatever is left."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(signal.SIGTERM)
        done, _ = await asyncio.wait([self._task], timeout=grace)
        if not done:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL for all of it."""
        await asyncio.to_thread(self.session.kill)
        await asyncio.wait([self._task])

    async def run(self, command: Sequence[str], seconds: float) -> tuple[int, str]:
        """Run another command in the container: its exit code and what it wrote.

        Raises:
            TimeoutError: it took too long; it was killed.
        """
        written = bytearray()

        def write(piece: bytes) -> None:
            if len(written) < _CHUNK:
                written.extend(piece)

        other = Process(replace(self._launch, command=list(command)), write)
        try:
            async with asyncio.timeout(seconds):
                code = await other.wait()
        finally:
            await other.kill()
        return code, written.decode(errors="replace").strip()

    async def _follow(self, write: Callable[[bytes], None]) -> int:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        assert self._popen.stdout is not None  # noqa: S101 - it is a pipe
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._popen.stdout
        )
        pump = asyncio.create_task(_pump(reader, write))
        watch = asyncio.create_task(self._watch_memory())
        try:
            await self._exited(loop)
        finally:
            watch.cancel()
            await asyncio.to_thread(self.session.kill)
            # Somebody outside of the session may hold the pipe open.
            await asyncio.wait([pump], timeout=_DRAIN_SECONDS)
            pump.cancel()
            transport.close()
        code = self._popen.wait()
        return code if code >= 0 else 128 - code

    async def _exited(self, loop: asyncio.AbstractEventLoop) -> None:
        descriptor = os.pidfd_open(self._popen.pid)
        gone = asyncio.Event()
        loop.add_reader(descriptor, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    async def _watch_memory(self) -> None:
        while True:
            used = await asyncio.to_thread(self.session.memory, self._launch.memory)
            if used > self._launch.memory:
                self.out_of_memory = True
                await asyncio.to_thread(self.session.kill)
            await asyncio.sleep(_LOOK_SECONDS)


async def _pump(reader: asyncio.StreamReader, write: Callable[[bytes], None]) -> None:
    while piece := await reader.read(_CHUNK):
        write(piece)
