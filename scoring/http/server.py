"""One worker's HTTP: what all of its connections share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import Protocol

from scoring.http.body import Buffers
from scoring.http.fair_turns import FairTurns
from scoring.http.known_head import KnownHead
from scoring.routes.messages import Application
from scoring.settings import Settings


class Held(Protocol):
    """A connection, for who looks after all of them."""

    @property
    def idle(self) -> bool:
        """Nothing of a request was read, and nothing is owed."""
        ...

    def sweep(self, now: float) -> None:
        """End what has waited too long."""
        ...

    def close_unused(self, since: float) -> None:
        """Close it where its client has sent nothing since then."""
        ...


class Server:
    """The application, the limits, the open connections."""

    def __init__(
        self, application: Application, settings: Settings, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.application = application
        self.settings = settings
        self.loop = loop
        self.now: Callable[[], float] = loop.time
        self.connections: set[Held] = set()
        self.buffers = Buffers(settings)
        self.turns = FairTurns(loop)
        self.known_head: KnownHead | None = None  # the last that was learned, for new connections
        self.draining = False  # each answer is its connection's last
        self.last_active = 0.0  # when a client last connected or was answered
        self.date_line = ""
        self.tend()

    def tend(self) -> None:
        """Called a few times a second: tell the time, end what waits too long."""
        self.date_line = f"date: {formatdate(usegmt=True)}\r\n"
        now = self.now()
        for connection in tuple(self.connections):
            connection.sweep(now)

    @property
    def in_flight(self) -> int:
        """Requests that are being received or answered."""
        return sum(not connection.idle for connection in self.connections)
