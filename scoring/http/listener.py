"""The listening socket: how it begins, and how it ends without a connection being reset."""

from __future__ import annotations

import ctypes
import socket
import struct

from scoring.errors import ScoringError
from scoring.settings import Settings

BACKLOG = 2048
_SO_ATTACH_FILTER = 26
# Classic BPF on a TCP header: drop what has SYN set (byte 13, bit 2), keep all else whole.
_NO_SYN = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep
)


def listen(settings: Settings) -> socket.socket:
    """Bind the address; a busy or foreign one is a one-line error."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit it; without it a second small write waits 40 ms for the first's echo.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ScoringError(
            f"{settings.host}:{settings.port} cannot be bound: {error.strerror};"
            " choose another with SCORING_HOST and SCORING_PORT"
        ) from None
    listener.setblocking(False)
    return listener


def begin_no_more(listener: socket.socket) -> bool:
    """Let the kernel ignore new connections, while those that have begun can still be accepted.

    Closing a listener resets every connection that waits in its queue or is being established, and
    its client may have sent a request already. A client that is ignored has sent nothing: it asks
    again after a second, and is refused once the listener is closed. False where the kernel knows
    no such filters.
    """
    program = b"".join(struct.pack("HBBI", *each) for each in _NO_SYN)
    held = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, and where they are.
    described = struct.pack("HP", len(_NO_SYN), ctypes.addressof(held))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
    except OSError:
        return False
    return True
