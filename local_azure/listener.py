"""An HTTPS listener inside the stand-in's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

HOST = "127.0.0.1"


class _Quiet(uvicorn.Server):
    """Leaves signals to the stand-in's main server, and does not wait for idle clients."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop the connections that carry no request, then end as usual."""
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            transport = getattr(connection, "transport", None)
            if transport and (cycle is None or cycle.response_complete):
                transport.abort()
        await super().shutdown(sockets)


class Listener:
    """Serves an application on 127.0.0.1 until it is closed.

    Attributes:
        port: The TCP port.
    """

    def __init__(self, app: Starlette, sock: socket.socket, certificate: Path, key: Path) -> None:
        self.port: int = sock.getsockname()[1]
        config = uvicorn.Config(
            app,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        self._server = _Quiet(config)
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
