"""What hostile clients send while the service is soaked: some kilobytes each that cost the most."""

from __future__ import annotations

import contextlib
import gzip
import socket
from collections.abc import Callable
from functools import cache

from scoring.bench.attacks.heavy_bodies import FEATURES, LARGEST, filled, rows_of_zeros
from scoring.bench.faults import FaultError, Target

_REFUSED = frozenset({400, 413, 503})
_PIECE = b"a" * 4096


@cache
def _zipped(body: Callable[[], bytes]) -> bytes:
    return gzip.compress(body(), 1)


def _lists() -> bytes:
    return filled('{"data":[', "[],", "]}")


def _texts() -> bytes:
    return filled('{"data":[[', '"",', "]]}")


def _keys() -> bytes:
    return filled("{", '"a":0,', "}")


def _beyond() -> bytes:
    row = f"[1e400,{','.join(['0.123456789'] * (FEATURES - 1))}]"
    return filled('{"data":[', f"{row},", "]}")


def _spaces() -> bytes:
    return b" " * LARGEST


def _refused(target: Target, body: Callable[[], bytes]) -> None:
    status, content = target.post(_zipped(body), {**target.headers, "content-encoding": "gzip"})
    if status not in _REFUSED:
        raise FaultError(f"HTTP {status} for {body.__name__}: {content[:120]!r}")


def million_lists(target: Target) -> None:
    """In place of rows."""
    _refused(target, _lists)


def million_texts(target: Target) -> None:
    """In place of numbers."""
    _refused(target, _texts)


def million_keys(target: Target) -> None:
    """All the same."""
    _refused(target, _keys)


def infinite_rows(target: Target) -> None:
    """A number in each row that only Python's parser reads."""
    _refused(target, _beyond)


def sixteen_megabytes_of_spaces(target: Target) -> None:
    """JSON that never begins."""
    _refused(target, _spaces)


def most_rows(target: Target) -> None:
    """A good request, as large as any; it is answered, or there is no room for it now."""
    status, content = target.post(
        _zipped(rows_of_zeros), {**target.headers, "content-encoding": "gzip"}
    )
    if status not in (200, 503):
        raise FaultError(f"HTTP {status} for as many rows as are taken: {content[:120]!r}")


def endless_trailer(target: Target) -> None:
    """It needs no end, and is refused at the limit of a head."""
    head = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    key = f"authorization: Bearer {target.key}\r\n".encode()
    with target.connect() as connection:
        connection.sendall(head + key + b"transfer-encoding: chunked\r\n\r\n0\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(256):
                connection.sendall(_PIECE)
        if not (answer := connection.recv(64)).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")):
            raise FaultError(f"{answer!r} in place of a refusal")


def unread_answer(target: Target) -> None:
    """Megabytes that are asked for and not read."""
    with target.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = _zipped(rows_of_zeros)
        connection.sendall(target.head(len(body))[:-2] + b"content-encoding: gzip\r\n\r\n" + body)


HOSTILE: tuple[Callable[[Target], None], ...] = (
    million_lists,
    million_texts,
    million_keys,
    infinite_rows,
    sixteen_megabytes_of_spaces,
    most_rows,
    endless_trailer,
    unread_answer,
)
