"""A worker: one process, one event loop, one copy of the script."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from dataclasses import dataclass
from email.utils import formatdate

import numpy as np
import uvloop

from scoring.http.acceptor import Acceptor
from scoring.manifest import Manifest, verified_bytes
from scoring.model.entry import load_entry_script
from scoring.process.scoreboard import Board
from scoring.routes.application import Service
from scoring.settings import Settings

SWEEP_SECONDS = 0.25
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


def serve(settings: Settings, listener: socket.socket, place: Place) -> None:
    """Load the script, say on the board that it is ready, and answer until SIGTERM or SIGINT."""
    # The script reads the model's place and identity from the environment, as on Azure ML.
    os.environ["AZUREML_MODEL_DIR"] = str(settings.model_dir)
    manifest = Manifest.read(settings.model_dir)
    verified_bytes(settings.model_dir, manifest, settings.model_sha256)
    script = load_entry_script(settings.script)
    np.seterr(over="ignore", invalid="ignore")  # what is not finite is refused, not warned of
    gc.collect()
    gc.freeze()  # what was loaded stays: looking through it again would only delay answers
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop = runner.get_loop()
        service = Service(settings, manifest, script, loop, place.board, place.number)
        try:
            runner.run(_serve(service, listener, place))
        finally:
            service.close()


async def _serve(service: Service, listener: socket.socket, place: Place) -> None:
    loop = service.loop
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(place.lifeline, stop.set)
    service.date_line = _date_line()
    acceptor = Acceptor(service, listener, place.board, place.number)
    place.board.set_ready(place.number)
    sweeper = loop.create_task(_sweep(service))
    await stop.wait()
    loop.remove_reader(place.lifeline)
    await _drain(service, acceptor)
    sweeper.cancel()


def _date_line() -> str:
    return f"date: {formatdate(usegmt=True)}\r\n"


async def _sweep(service: Service) -> None:
    """Keep the date, and let the service tend its connections, keys and numbers."""
    while True:
        service.date_line = _date_line()
        service.tend()
        await asyncio.sleep(SWEEP_SECONDS)


async def _drain(service: Service, acceptor: Acceptor) -> None:
    """Lose no request, and end as soon as there is none.

    From now on `/ready` answers 503 and each answer ends its connection. For a moment connections
    are accepted as before, so that balancers can look and turn away; then no more begin, and those
    that have begun are accepted. A connection without a request is closed last, when its client has
    had the time to send the next one and did not.
    """
    service.draining = True
    begin = service.last_active = service.now()
    limit = service.settings.drain_timeout
    end = begin + limit - min(0.5, limit / 10)  # after the limit the supervisor kills
    announced = begin + min(ANNOUNCE_SECONDS, limit / 4)
    while (now := service.now()) < announced and now - service.last_active < QUIET_SECONDS:
        await asyncio.sleep(0.02)
    await acceptor.end(end)
    while service.connections and (now := service.now()) < end:
        if now - begin >= IDLE_SECONDS:
            for connection in tuple(service.connections):
                connection.close_unused(now - IDLE_SECONDS)
        await asyncio.sleep(0.02)
