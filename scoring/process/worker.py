"""A worker: one process, one event loop, one copy of the script."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from dataclasses import dataclass

import numpy as np
import uvloop

from scoring.http.acceptor import Acceptor
from scoring.http.server import Server
from scoring.manifest import Manifest, model_files
from scoring.model.entry import EntryScript, load_entry_script
from scoring.process.log import Log
from scoring.process.memory import Heap
from scoring.process.metrics import Metrics
from scoring.process.scoreboard import Board
from scoring.routes.application import ScoringApplication
from scoring.settings import Settings

TEND_SECONDS = 0.25
# Who looks at /ready twice a second has seen that the service ends.
ANNOUNCE_SECONDS = 1.0
# Without traffic for so long, nobody is told anything by waiting.
QUIET_SECONDS = 0.2
# A client that is about to send its next request does so within this time.
IDLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker stands among others: its number, and a pipe that ends with the supervisor."""

    board: Board
    number: int
    lifeline: int

    def hold(self, connections: int) -> None:
        """Publish how many connections the worker has."""
        self.board.hold(self.number, connections)

    def crowded(self) -> bool:
        """Whether another worker that is ready has fewer."""
        return self.board.crowded(self.number)


class Worker:
    """The application, its server, and what is looked after beside them."""

    def __init__(
        self,
        settings: Settings,
        manifest: Manifest,
        script: EntryScript,
        loop: asyncio.AbstractEventLoop,
        place: Place,
    ) -> None:
        self._place = place
        self._log = Log()
        self._heap = Heap()
        self._metrics = Metrics(
            manifest,
            place.board,
            place.number,
            lambda: (len(self.server.connections), self.server.in_flight),
        )
        self._application = ScoringApplication(
            settings, manifest, script, self._metrics, self._log, self._state
        )
        self.server = Server(self._application, settings, loop)

    def _state(self) -> str:
        """Of all workers together."""
        board = self._place.board
        if self.server.draining or board.draining:
            return "draining"
        return "ready" if board.open else "starting"

    async def serve(self, listener: socket.socket) -> None:
        """Answer until SIGTERM or SIGINT, or until the supervisor is gone."""
        loop, place = self.server.loop, self._place
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_reader(place.lifeline, stop.set)
        acceptor = Acceptor(self.server, listener, place)
        place.board.set_ready(place.number)
        tending = loop.create_task(self._tend())
        await stop.wait()
        loop.remove_reader(place.lifeline)
        await _drain(self.server, acceptor)
        tending.cancel()

    async def _tend(self) -> None:
        """A few times a second: connections, keys, numbers, lines, memory."""
        server = self.server
        while True:
            server.tend()
            self._application.tend()
            self._metrics.publish()
            self._log.flush()
            if not server.in_flight:
                self._heap.tend(server.now(), server.last_active)
            await asyncio.sleep(TEND_SECONDS)

    def close(self) -> None:
        """Leave the script's thread behind, and no line unwritten."""
        self._application.close()
        self._metrics.publish()
        self._log.flush()


def load(settings: Settings) -> tuple[Manifest, EntryScript]:
    """The checked manifest and the script, once its init() has run."""
    # The script reads the model's place and identity from the environment, as on Azure ML.
    os.environ["AZUREML_MODEL_DIR"] = str(settings.model_dir)
    manifest, _ = model_files(settings.model_dir, settings.model_sha256)
    script = load_entry_script(settings.script)
    np.seterr(over="ignore", invalid="ignore")  # what is not finite is refused, not warned of
    gc.collect()
    gc.freeze()  # what was loaded stays: looking through it again would only delay answers
    return manifest, script


def serve(settings: Settings, listener: socket.socket, place: Place) -> None:
    """Load the script, say on the board that it is ready, and answer until SIGTERM or SIGINT."""
    manifest, script = load(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        worker = Worker(settings, manifest, script, runner.get_loop(), place)
        try:
            runner.run(worker.serve(listener))
        finally:
            worker.close()


async def _drain(server: Server, acceptor: Acceptor) -> None:
    """Lose no request, and end as soon as there is none.

    From now on `/ready` answers 503 and each answer ends its connection. For a moment connections
    are accepted as before, so that balancers can look and turn away; then no more begin, and those
    that have begun are accepted. A connection without a request is closed last, when its client has
    had the time to send the next one and did not.
    """
    server.draining = True
    begin = server.last_active = server.now()
    limit = server.settings.drain_timeout
    end = begin + limit - min(0.5, limit / 10)  # after the limit the supervisor kills
    announced = begin + min(ANNOUNCE_SECONDS, limit / 4)
    while (now := server.now()) < announced and now - server.last_active < QUIET_SECONDS:
        await asyncio.sleep(0.02)
    await acceptor.end(end)
    while server.connections and (now := server.now()) < end:
        if now - begin >= IDLE_SECONDS:
            for connection in tuple(server.connections):
                connection.close_unused(now - IDLE_SECONDS)
        await asyncio.sleep(0.02)
