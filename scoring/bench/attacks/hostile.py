"""What hostile clients send while the service is soaked: some kilobytes each that cost the most."""

from __future__ import annotations

import contextlib
import gzip
import socket
from collections.abc import Callable
from functools import cache

from scoring.bench.attacks.heavy_bodies import FEATURES, filled, rows_of_zeros
from scoring.bench.faults import Fault, FaultError, Target, posted

_PIECE = b"a" * 4096
_ROW = f"[1e400,{','.join(['0.123456789'] * (FEATURES - 1))}],"


def _zipped(
    body: Callable[[], bytes], statuses: frozenset[int] = frozenset({400, 413, 503})
) -> Fault:
    """A body that is made and zipped once."""
    content = cache(lambda: gzip.compress(body(), 1))
    return posted(lambda _: content(), statuses, content_encoding="gzip")


@cache
def _most_rows() -> bytes:
    return gzip.compress(rows_of_zeros(), 1)


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
        body = _most_rows()
        connection.sendall(target.head(len(body))[:-2] + b"content-encoding: gzip\r\n\r\n" + body)


HOSTILE: dict[str, Fault] = {
    "million_lists": _zipped(lambda: filled('{"data":[', "[],", "]}")),
    "million_texts": _zipped(lambda: filled('{"data":[[', '"",', "]]}")),
    "million_keys": _zipped(lambda: filled("{", '"a":0,', "}")),
    # A number in each row that only Python's parser reads.
    "infinite_rows": _zipped(lambda: filled('{"data":[', _ROW, "]}")),
    "sixteen_megabytes_of_spaces": _zipped(lambda: filled("", " ", "")),
    # As large as any good request; it is answered, or there is no room for it now.
    "most_rows": _zipped(rows_of_zeros, frozenset({200, 503})),
    "endless_trailer": endless_trailer,
    "unread_answer": unread_answer,
}
