"""A worker: one process, one event loop, one copy of the script."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

import numpy as np
import uvloop

from scoring.http.acceptor import Acceptor
from scoring.http.connection import Connection
from scoring.manifest import Manifest, verified_bytes
from scoring.model.entry import load_entry_script
from scoring.process.scoreboard import Board
from scoring.routes.application import Service
from scoring.settings import Settings

SWEEP_SECONDS = 0.25
# Without traffic a draining worker waits so long for the requests that are on their way.
QUIET_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker stands among others: its number, and a pipe that ends with the supervisor."""

    board: Board
    number: int
    lifeline: int


def serve(
    settings: Settings,
    listener: socket.socket,
    ready: Callable[[], None],
    place: Place | None = None,
) -> None:
    """Load the script, call `ready`, and answer until SIGTERM or SIGINT."""
    # The script reads the model's place and identity from the environment, as on Azure ML.
    os.environ["AZUREML_MODEL_DIR"] = str(settings.model_dir)
    manifest = Manifest.read(settings.model_dir)
    verified_bytes(settings.model_dir, manifest, settings.model_sha256)
    script = load_entry_script(settings.script)
    np.seterr(over="ignore", invalid="ignore")  # what is not finite is refused, not warned of
    gc.collect()
    gc.freeze()  # what was loaded stays: looking through it again would only delay answers
    board, number = (place.board, place.number) if place else (Board(), 0)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        service = Service(settings, manifest, script, runner.get_loop(), board, number)
        try:
            runner.run(_serve(service, listener, ready, board, place))
        finally:
            service.close()


async def _serve(
    service: Service,
    listener: socket.socket,
    ready: Callable[[], None],
    board: Board,
    place: Place | None,
) -> None:
    loop = service.loop
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    service.date_line = _date_line()
    if place is None:
        server = await loop.create_server(lambda: Connection(service), sock=listener)
        board.set_ready(0)
        board.set_open()
    else:
        loop.add_reader(place.lifeline, stop.set)
        server = Acceptor(service, listener, board, place.number)
        board.set_ready(place.number)
    sweeper = loop.create_task(_sweep(service))
    ready()
    await stop.wait()
    if place is not None:
        loop.remove_reader(place.lifeline)
    await _drain(service, server)
    sweeper.cancel()


def _date_line() -> str:
    return f"date: {formatdate(usegmt=True)}\r\n"


async def _sweep(service: Service) -> None:
    """Keep the date, and let the service tend its connections, keys and numbers."""
    while True:
        service.date_line = _date_line()
        service.tend()
        await asyncio.sleep(SWEEP_SECONDS)


async def _drain(service: Service, server: asyncio.Server | Acceptor) -> None:
    """Lose no request: go on accepting, close each connection with its next answer, then leave.

    `/ready` answers 503 from now on. A connection that stays silent is closed; one whose request is
    already on its way gets its answer. The listener closes when nothing has come for a while.
    """
    service.draining = True
    end = service.now() + service.settings.drain_timeout
    service.last_active = service.now()
    while service.now() < end and service.now() - service.last_active < QUIET_SECONDS:
        await asyncio.sleep(0.02)
        if any(not connection.idle for connection in service.connections):
            service.last_active = service.now()
    server.close()
    for connection in tuple(service.connections):
        if connection.idle:
            connection.close()
    while service.connections and service.now() < end:
        await asyncio.sleep(0.02)
