"""The listening socket."""

from __future__ import annotations

import socket

from scoring.errors import ScoringError
from scoring.settings import Settings


def listen(settings: Settings) -> socket.socket:
    """Bind the address; a busy or foreign one is a one-line error."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit it; without it a second small write waits 40 ms for the first's echo.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
