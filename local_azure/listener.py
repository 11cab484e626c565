"""HTTPS on 127.0.0.1: the stand-in's own server, and listeners inside its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"


class Server(uvicorn.Server):
    """Uvicorn, but idle clients cannot delay its end.

    A polite end of TLS waits for the client's own, which an idle client does not send.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop the connections that carry no request, then end as usual."""
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            transport = getattr(connection, "transport", None)
            if transport and (cycle is None or cycle.response_complete):
                transport.abort()
        await super().shutdown(sockets)


class _Quiet(Server):
    """Leaves signals to the stand-in's main server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers."""
        yield


def config(app: ASGIApp, certificate: Path, key: Path, grace_seconds: int) -> uvicorn.Config:
    """HTTPS without a log of its own; requests may go on for so long after the end has begun."""
    return uvicorn.Config(
        app,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )


class Listener:
    """Serves an application on 127.0.0.1 until it is closed.

    Attributes:
        port: The TCP port.
    """

    def __init__(self, app: ASGIApp, sock: socket.socket, certificate: Path, key: Path) -> None:
        self.port: int = sock.getsockname()[1]
        self._server = _Quiet(config(app, certificate, key, grace_seconds=2))
        self._task = asyncio.create_task(self._server.serve(sockets=[sock]))

    async def started(self) -> None:
        """Wait until it accepts connections."""
        while not (self._server.started or self._task.done()):
            await asyncio.sleep(0.01)
        if self._task.done():
            self._task.result()

    async def close(self) -> None:
        """Stop."""
        self._server.should_exit = True
        await self._task


def bound(port: int) -> socket.socket:
    """A socket on the port of the last time, or on a free one where that is taken."""
    for candidate in (port, 0):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it; without, answers wait 40 ms for an acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.bind((HOST, candidate))
        except (OSError, OverflowError):
            sock.close()
            if candidate == 0:
                raise
        else:
            return sock
    raise AssertionError("port 0 is always tried")
