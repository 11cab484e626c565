"""A worker: one process, one event loop, one copy of the script."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from email.utils import formatdate

import uvloop

from scoring.entry import load_entry_script
from scoring.errors import ScoringError
from scoring.manifest import Manifest, verified_bytes
from scoring.server.connection import Connection
from scoring.server.service import Service
from scoring.settings import Settings

SWEEP_SECONDS = 0.25
# Without traffic a draining worker waits so long for the requests that are on their way.
QUIET_SECONDS = 0.2


def listen(settings: Settings) -> socket.socket:
    """Bind the address; a busy or foreign one is a one-line error."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ScoringError(
            f"{settings.host}:{settings.port} cannot be bound: {error.strerror};"
            " choose another with SCORING_HOST and SCORING_PORT"
        ) from None
    listener.setblocking(False)
    return listener


def serve(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Load the script, call `ready`, and answer until SIGTERM or SIGINT."""
    # The script reads the model's place and identity from the environment, as on Azure ML.
    os.environ["AZUREML_MODEL_DIR"] = str(settings.model_dir)
    manifest = Manifest.read(settings.model_dir)
    verified_bytes(settings.model_dir, manifest, settings.model_sha256)
    script = load_entry_script(settings.script)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        service = Service(settings, manifest, script, runner.get_loop())
        try:
            runner.run(_serve(service, listener, ready))
        finally:
            service.close()


async def _serve(service: Service, listener: socket.socket, ready: Callable[[], None]) -> None:
    loop = service.loop
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: Connection(service), sock=listener)
    sweeper = loop.create_task(_sweep(service))
    ready()
    await stop.wait()
    await _drain(service, server)
    sweeper.cancel()


async def _sweep(service: Service) -> None:
    """Keep the date and end what has waited too long."""
    while True:
        service.date_line = f"date: {formatdate(usegmt=True)}\r\n"
        now = service.now()
        for connection in tuple(service.connections):
            connection.sweep(now)
        await asyncio.sleep(SWEEP_SECONDS)


async def _drain(service: Service, server: asyncio.Server) -> None:
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
