"""Accepts from a listener that several workers share, each its part of the connections.

A worker that takes whatever it sees first ends with all of them: connections live long, and the
first to wake empties the queue. So one is taken at a time, and a worker that holds more than
another leaves it to that one for a moment; if nobody took it meanwhile, the worker does.
"""

from __future__ import annotations

import asyncio
import socket

from scoring.http.connection import Connection
from scoring.process.scoreboard import Board
from scoring.routes.application import Service

LEAVE_SECONDS = 0.001
FULL_SECONDS = 0.05


class Acceptor:
    """One worker's side of the shared listener."""

    def __init__(
        self, service: Service, listener: socket.socket, board: Board, worker: int
    ) -> None:
        self._service = service
        self._listener = listener
        self._board = board
        self._worker = worker
        self._waiting: asyncio.TimerHandle | None = None
        self._accepting: set[asyncio.Task[None]] = set()
        service.loop.add_reader(listener, self._offered)

    def _offered(self) -> None:
        self._board.hold(self._worker, len(self._service.connections))
        if self._board.crowded(self._worker):
            self._pause(LEAVE_SECONDS)
        else:
            self._accept()

    def _pause(self, seconds: float) -> None:
        self._service.loop.remove_reader(self._listener)
        self._waiting = self._service.loop.call_later(seconds, self._left_over)

    def _left_over(self) -> None:
        self._waiting = None
        self._service.loop.add_reader(self._listener, self._offered)
        self._accept()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):  # another worker took it, or the client left
            return
        except OSError:  # no descriptor is free: trying on at once would only keep the core busy
            self._pause(FULL_SECONDS)
            return
        client.setblocking(False)
        task = self._service.loop.create_task(self._connect(client))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _connect(self, client: socket.socket) -> None:
        service = self._service
        await service.loop.connect_accepted_socket(lambda: Connection(service), client)
        self._board.hold(self._worker, len(service.connections))

    def close(self) -> None:
        """Accept nothing more."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._service.loop.remove_reader(self._listener)
        self._listener.close()
