"""Closed-loop load from one process: each connection sends its next request with the last answer.

It polls without sleeping. A sleeping client would have to be woken for every answer, and on a
virtual machine that costs the server's core more than the answer does.
"""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass

import numpy as np

CONNECTIONS = 8
PATIENCE_SECONDS = 30.0
_RECEIVE = 1 << 16


class WrongAnswerError(Exception):
    """A server answered something else than expected; the message shows what."""


@dataclass(frozen=True)
class Load:
    """What a server did under load.

    Attributes:
        rate: Answers a second.
        p50: Median latency in seconds.
        p99: The latency that one in a hundred exceeds, in seconds.
        answers: How many there were; each was compared byte by byte.
    """

    rate: float
    p50: float
    p99: float
    answers: int


def ask(port: int, request: bytes) -> bytes:
    """The body of one answer.

    Raises:
        WrongAnswerError: It is not a 200.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        data = b""
        while not whole(data) and (piece := connection.recv(_RECEIVE)):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    if head[9:12] != b"200":
        raise WrongAnswerError(f"the server answered {head + body[:200]!r}")
    return body


def run(
    port: int,
    request: bytes,
    body: bytes,
    seconds: float,
    connections: int = CONNECTIONS,
    *,
    sleeping: bool = False,
) -> Load:
    """Send the same request again and again.

    Args:
        port: The server's port on 127.0.0.1.
        request: The whole request.
        body: The only right answer.
        seconds: How long; on a machine that is busy, up to the first answer.
        connections: How many requests are on their way at once.
        sleeping: Wait without polling, for where the server needs this core, too.

    Raises:
        WrongAnswerError: A status other than 200, another body, or a closed connection.
    """
    poller = select.epoll()
    clients: dict[int, _Client] = {}
    latencies: list[int] = []
    wait = 1.0 if sleeping else 0
    last = 0

    def connected() -> _Client:
        client = _Client(port, request, body)
        clients[client.fileno] = client
        poller.register(client.fileno, select.EPOLLIN)
        return client

    try:
        for _ in range(connections):
            connected()
        begin = time.perf_counter_ns()
        end = begin + int(seconds * 1e9)
        given_up = end + int(PATIENCE_SECONDS * 1e9)
        for client in clients.values():
            client.send(poller)
        poll = poller.poll
        while (now := time.perf_counter_ns()) < end or (not latencies and now < given_up):
            for fileno, events in poll(wait):
                client = clients[fileno]
                if events & select.EPOLLOUT:
                    client.send_rest(poller)
                if events & ~select.EPOLLOUT and client.receive():
                    last = time.perf_counter_ns()
                    latencies.append(last - client.sent)
                    if client.closing:
                        clients.pop(fileno).close()
                        client = connected()
                    client.send(poller)
    finally:
        poller.close()
        for client in clients.values():
            client.close()
    if not latencies:
        raise WrongAnswerError(f"no answer came within {seconds + PATIENCE_SECONDS:g} s")
    p50, p99 = np.percentile(latencies, [50, 99]) / 1e9
    # Up to the last answer: what is half done at the end is no part of the rate.
    rate = len(latencies) / (last - begin) * 1e9
    return Load(rate, float(p50), float(p99), len(latencies))


class _Client:
    """One connection with one request on its way."""

    def __init__(self, port: int, request: bytes, body: bytes) -> None:
        self._request = request
        self._rest = memoryview(b"")
        self._body = body
        self._data = b""
        self.sent = 0
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.setblocking(False)
        self.fileno = self._connection.fileno()
        self.closing = False  # the server has said that this answer is its last

    def send(self, poller: select.epoll) -> None:
        self.sent = time.perf_counter_ns()
        self._data = b""
        try:
            count = self._connection.send(self._request)
        except BlockingIOError:
            count = 0
        if count < len(self._request):
            self._rest = memoryview(self._request)[count:]
            poller.modify(self.fileno, select.EPOLLIN | select.EPOLLOUT)

    def send_rest(self, poller: select.epoll) -> None:
        try:
            self._rest = self._rest[self._connection.send(self._rest) :]
        except BlockingIOError:
            return
        if not self._rest:
            poller.modify(self.fileno, select.EPOLLIN)

    def receive(self) -> bool:
        """Whether the answer is whole."""
        try:
            piece = self._connection.recv(_RECEIVE)
        except BlockingIOError:
            return False
        data = self._data + piece if self._data else piece
        if data.endswith(self._body) and data.startswith(b"HTTP/1.1 200"):
            head = data.find(b"\r\n\r\n")
            if len(data) - head - 4 == len(self._body):
                self.closing = b"onnection: close" in data[:head]
                return True
        if not piece or whole(data):
            shown = data[:120] + b" ... " + data[-120:] if len(data) > 240 else data
            raise WrongAnswerError(f"the server answered {shown!r}")
        self._data = data
        return False

    def close(self) -> None:
        self._connection.close()


def whole(data: bytes) -> bool:
    """Whether an answer that begins so is complete.

    Raises:
        WrongAnswerError: Its head does not say how long it is.
    """
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    if length is None:
        raise WrongAnswerError(f"an answer without a content-length: {head[:200]!r}")
    return len(body) >= int(length[1])
