"""Accepts from a listener that all workers share, each its part of the connections.

A worker that takes whatever it sees first ends with all of them: connections live long, and the
first to wake empties the queue. So a worker that holds more than another leaves the next to that
one for a moment; if nobody took it meanwhile, the worker does.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol

from scoring.http.connection import Connection
from scoring.http.listener import begin_no_more
from scoring.http.server import Server

LEAVE_SECONDS = 0.001
# No descriptor is free: so long a client that was told so may take to read it.
FULL_SECONDS = 0.02
MOST_AT_ONCE = 32
# Without a new connection for so long, nobody is still establishing one.
LAST_SECONDS = 0.1
_FULL = b'{"error": {"code": "out_of_descriptors", "message": "no file descriptor is free"}}'
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_FULL), _FULL)
)


class Share(Protocol):
    """This worker's part of the connections, beside the others'."""

    def hold(self, connections: int) -> None:
        """Publish how many it has."""
        ...

    def crowded(self) -> bool:
        """Whether another one that is ready has fewer."""
        ...


class Acceptor:
    """One worker's side of the shared listener."""

    def __init__(self, server: Server, listener: socket.socket, share: Share) -> None:
        self._server = server
        self._listener = listener
        self._share = share
        self._waiting: asyncio.TimerHandle | None = None
        self._accepting: set[Coroutine[Any, Any, Any]] = set()
        self._new_connection = partial(Connection, server)
        self._reserve = os.open(os.devnull, os.O_RDONLY)
        self._last = 0.0  # when a connection was accepted
        server.loop.add_reader(listener, self._offered)

    def _offered(self) -> None:
        for _ in range(MOST_AT_ONCE):
            self._share.hold(len(self._server.connections) + len(self._accepting))
            if self._share.crowded() and not self._server.draining:
                self._pause(LEAVE_SECONDS)
                return
            if not self._accept():
                return

    def _pause(self, seconds: float) -> None:
        self._server.loop.remove_reader(self._listener)
        self._waiting = self._server.loop.call_later(seconds, self._left_over)

    def _left_over(self) -> None:
        self._waiting = None
        self._server.loop.add_reader(self._listener, self._offered)
        self._accept()

    def _accept(self) -> bool:
        """Take one connection; whether there may be another."""
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):  # another worker took it, or the client left
            return False
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and self._reserve >= 0:
                self._turn_away()
            return False
        self._last = self._server.now()
        joining = self._server.loop.connect_accepted_socket(self._new_connection, client)
        self._accepting.add(joining)
        self._join(joining, client)
        return True

    def _join(self, joining: Coroutine[Any, Any, Any], client: socket.socket, *_: object) -> None:
        """Go on until the connection is made: a task for each would take longer than the rest."""
        try:
            waited: asyncio.Future[Any] = joining.send(None)
            waited.add_done_callback(partial(self._join, joining, client))
            return
        except StopIteration:
            pass
        except OSError:  # it left, or no descriptor was free for the loop's own copy
            client.close()
        self._accepting.discard(joining)

    def _turn_away(self) -> None:
        """Say that no descriptor is free, with the one that was kept for this."""
        os.close(self._reserve)
        self._reserve = -1
        try:
            client, _ = self._listener.accept()
        except OSError:
            self._keep_reserve()
            return
        with contextlib.suppress(OSError):
            client.setblocking(False)
            client.send(FULL)
            client.shutdown(socket.SHUT_WR)
        self._server.loop.remove_reader(self._listener)
        self._waiting = self._server.loop.call_later(FULL_SECONDS, self._turned_away, client)

    def _turned_away(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.recv(1 << 16)  # what is not read when it is closed would destroy the answer
        client.close()
        self._keep_reserve()
        self._left_over()

    def _keep_reserve(self) -> None:
        with contextlib.suppress(OSError):
            self._reserve = os.open(os.devnull, os.O_RDONLY)

    async def end(self, until: float) -> None:
        """Let nobody begin a connection, accept those that have, then close the listener."""
        now = self._server.now
        if begin_no_more(self._listener):
            self._last = now()
            while now() < min(until, self._last + LAST_SECONDS):
                await asyncio.sleep(LAST_SECONDS / 10)
        if self._waiting is not None:
            self._waiting.cancel()
        self._server.loop.remove_reader(self._listener)
        while self._accept():  # what came since the last look
            pass
        self._listener.close()
        while self._accepting:
            await asyncio.sleep(0)
