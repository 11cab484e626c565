"""Parts of a request that never end, and what is hardly more than framing: none needs a key.

The endless ones are sent on eight connections at once; the service refuses them long before.
"""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from collections.abc import Callable
from functools import partial

from scoring.bench.attacks.arena import ALIVE, TIMEOUT, Arena, Attack, Figure, post
from scoring.bench.attacks.heavy_bodies import LARGEST, figures
from scoring.bench.faults import FaultError

CLIENTS = 8
SENT = 2 << 20
"""Bytes that each of them sends, where nobody stops it."""

PIPELINED = 30_000

_POST = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
_CHUNKED = _POST + b"transfer-encoding: chunked\r\n\r\n"
_ENDLESS: tuple[tuple[str, bytes, bytes], ...] = (
    ("one trailer without an end", _CHUNKED + b"0\r\nX: ", b"a"),
    ("trailers without an end", _CHUNKED + b"0\r\n", b"x: y\r\n"),
    ("a chunk's extension without an end", _CHUNKED + b"1;x=", b"a"),
    ("a chunk's size without an end", _CHUNKED, b"0"),
    ("an extension for each byte", _CHUNKED, b"1;x=" + b"a" * 4000 + b"\r\n \r\n"),
    ("a target without an end", b"GET /", b"a"),
    ("a header without an end", b"GET / HTTP/1.1\r\nx: ", b"a"),
    ("headers without an end", b"GET / HTTP/1.1\r\n", b"x: y\r\n"),
    ("empty lines without an end", b"", b"\r\n"),
)


def _endless(begin: bytes, piece: bytes, arena: Arena) -> list[Figure]:
    request = begin + piece * (SENT // len(piece))
    cost = arena.cost([request] * CLIENTS, at_once=True)
    # 0: it was closed while its client went on sending, which takes the answer with it.
    cost.check(0, 400, 431)
    return figures([cost], arena)


def _stored(size: int) -> bytes:
    """A gzip body of so many bytes that is nothing: stored blocks of no bytes."""
    return gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * (size // 5)


def _zipped(content: Callable[[], bytes], coding: str, arena: Arena) -> list[Figure]:
    cost = arena.cost([post("/score", content(), ("content-encoding", coding))])
    cost.check(400, 413)
    return figures([cost], arena)


def _bytes_in_chunks(arena: Arena) -> list[Figure]:
    """A body of a megabyte, each byte in a chunk of its own: it is allowed, and is no JSON."""
    chunks = b"1\r\n \r\n" * (1 << 20)
    cost = arena.cost([_CHUNKED + chunks + b"0\r\n\r\n"])
    cost.check(400)
    return figures([cost], arena)


def _pipeline(arena: Arena) -> list[Figure]:
    """Tens of thousands of requests in one write: each is answered, other clients between them."""
    more = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * PIPELINED
    answered = 0
    with socket.create_connection(("127.0.0.1", arena.port), TIMEOUT) as client:

        def read() -> None:
            nonlocal answered
            while piece := client.recv(1 << 16):
                answered += piece.count(b"HTTP/1.1 200")

        threads = [threading.Thread(target=client.sendall, args=(more + ALIVE,))]
        threads.append(threading.Thread(target=read))
        for thread in threads:
            thread.start()
        costs = []
        while threads[1].is_alive():
            costs.append(arena.cost([ALIVE]))
        for thread in threads:
            thread.join()
    if answered < 0.99 * PIPELINED:  # an answer may come in two pieces
        raise FaultError(f"{answered} of {PIPELINED} requests were answered")
    return figures(costs, arena)


ATTACKS: tuple[Attack, ...] = (
    *(
        Attack(f"framing: {name}", CLIENTS, partial(_endless, begin, piece))
        for name, begin, piece in _ENDLESS
    ),
    Attack("framing: a body in chunks of a byte", 1, _bytes_in_chunks),
    Attack("a pipeline that nobody waits for", PIPELINED, _pipeline),
    Attack("gzip: nothing, in 16 MB", 1, partial(_zipped, lambda: _stored(LARGEST - 10), "gzip")),
    Attack(
        "gzip: 100,000 files of nothing",
        1,
        partial(_zipped, lambda: gzip.compress(b"") * 100_000, "gzip"),
    ),
    Attack(
        "deflate: 64 MB of spaces",
        1,
        partial(_zipped, lambda: zlib.compress(b" " * (64 << 20)), "deflate"),
    ),
)
