"""What clients do wrong, and what the service has to answer; one function each.

Each raises `FaultError` where the service behaves otherwise than it should.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scoring.bench.comparison import Case

JSON = {"content-type": "application/json"}
BOMB = gzip.compress(b" " * (64 << 20))
"""64 MB of nothing in 64 KB."""

_TIMEOUT = 20.0


class FaultError(Exception):
    """A fault was not answered as it has to be; the message says how."""


class EndedError(FaultError):
    """The connection ended before the answer was whole."""


class Asking(http.client.HTTPConnection):
    """A connection that remembers which it was after it is closed.

    Attributes:
        opened: Each of its sockets' own port, and when it was connected, in monotonic seconds.
    """

    def __init__(self, port: int, timeout: float, opened: list[tuple[int, float]]) -> None:
        super().__init__("127.0.0.1", port, timeout=timeout)
        self.opened = opened

    def connect(self) -> None:
        """Connect, and remember."""
        super().connect()
        self.opened.append((self.sock.getsockname()[1], time.monotonic()))


@dataclass(frozen=True)
class Target:
    """The service under fire.

    Attributes:
        port: Its port on 127.0.0.1.
        key: The right Bearer key.
        row: A good row.
        label: The right label of it.
        opened: The connections that were made: their own ports, and when.
    """

    port: int
    key: str
    row: list[float]
    label: int
    opened: list[tuple[int, float]] = field(default_factory=list)

    @classmethod
    def of(cls, port: int, key: str, case: Case) -> Target:
        """A target with the first row of a JSON case."""
        body = case.request.partition(b"\r\n\r\n")[2]
        return cls(port, key, json.loads(body)["data"][0], case.labels[0])

    @property
    def headers(self) -> dict[str, str]:
        """Of a good request."""
        return {**JSON, "authorization": f"Bearer {self.key}"}

    @property
    def body(self) -> bytes:
        """Of a good request."""
        return json.dumps({"data": [self.row]}).encode()

    def connect(self) -> socket.socket:
        """A connection of its own."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT)
        self.opened.append((connection.getsockname()[1], time.monotonic()))
        return connection

    def post(self, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        """(status, body) of an answer on a connection of its own."""
        connection = Asking(self.port, _TIMEOUT, self.opened)
        try:
            connection.request("POST", "/score", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def head(self, length: int) -> bytes:
        """The head of a good request that announces so many bytes."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        start = (
            f"POST /score HTTP/1.1\r\nhost: 127.0.0.1\r\n{lines}content-length: {length}\r\n\r\n"
        )
        return start.encode()


def bad_json(target: Target) -> None:
    """Cut off in the middle of a list."""
    _expect(target.post(b'{"data": [[0.5, ', target.headers), 400)


def bad_row(target: Target) -> None:
    """One value too few."""
    _expect(target.post(json.dumps({"data": [target.row[1:]]}), target.headers), 400)


def wrong_key(target: Target) -> None:
    """Another key of the same length."""
    wrong = {**JSON, "authorization": f"Bearer {'x' * len(target.key)}"}
    _expect(target.post(target.body, wrong), 401)


def wrong_type(target: Target) -> None:
    """CSV."""
    _expect(target.post(b"1,2", {**target.headers, "content-type": "text/csv"}), 415)


def gzip_bomb(target: Target) -> None:
    """Small until it is unpacked."""
    _expect(target.post(BOMB, {**target.headers, "content-encoding": "gzip"}), 413)


def too_long(target: Target) -> None:
    """A length that is refused before a byte of the body comes."""
    with target.connect() as connection:
        connection.sendall(target.head(1 << 40))
        _expect_line(connection, b"413")


def garbage(target: Target) -> None:
    """No HTTP at all."""
    with target.connect() as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        _expect_line(connection, b"400")


def half_a_head(target: Target) -> None:
    """Gone before the head was whole."""
    with target.connect() as connection:
        connection.sendall(b"POST /score HTTP/1.1\r\nhost: 127")


def half_a_body(target: Target) -> None:
    """Gone in the middle of five megabytes."""
    with target.connect() as connection:
        connection.sendall(target.head(5 << 20) + b" " * (1 << 20))


def gone_before_the_answer(target: Target) -> None:
    """The request is whole, and nobody waits for the answer."""
    with target.connect() as connection:
        connection.sendall(target.head(len(target.body)) + target.body)


def slow_sender(target: Target) -> None:
    """A good request in many pieces is a good request."""
    with target.connect() as connection:
        connection.sendall(target.head(len(target.body)))
        size = len(target.body) // 8 + 1
        for first in range(0, len(target.body), size):
            connection.sendall(target.body[first : first + size])
            time.sleep(0.05)
        _expect_labels(connection, target, 1)


def chunked(target: Target) -> None:
    """A good request without a length is a good request; http.client sends it in chunks."""
    pieces = [target.body[:100], target.body[100:]]
    status, body = target.post(iter(pieces), target.headers)
    if (status, json.loads(body)) != (200, [target.label]):
        raise FaultError(f"a chunked request got {status} {body[:80]!r}")


def pipelined(target: Target) -> None:
    """Three requests at once get three answers."""
    with target.connect() as connection:
        connection.sendall((target.head(len(target.body)) + target.body) * 3)
        _expect_labels(connection, target, 3)


FAULTS: tuple[Callable[[Target], None], ...] = (
    bad_json,
    bad_row,
    wrong_key,
    wrong_type,
    gzip_bomb,
    too_long,
    garbage,
    half_a_head,
    half_a_body,
    gone_before_the_answer,
    slow_sender,
    chunked,
    pipelined,
)


def _expect(answer: tuple[int, bytes], status: int) -> None:
    if answer[0] != status:
        raise FaultError(f"HTTP {answer[0]} instead of {status}: {answer[1][:120]!r}")
    try:
        json.loads(answer[1])["error"]
    except (ValueError, KeyError, TypeError):
        raise FaultError(f"HTTP {status} without an error in JSON: {answer[1][:120]!r}") from None


def _expect_line(connection: socket.socket, status: bytes) -> None:
    line = connection.recv(1 << 16)[:12]
    if not line:
        raise EndedError(f"it ended without an answer instead of {status.decode()}")
    if line != b"HTTP/1.1 " + status:
        raise FaultError(f"{line!r} instead of {status.decode()}")


def _expect_labels(connection: socket.socket, target: Target, count: int) -> None:
    right = f"\r\n\r\n[{target.label}]".encode()
    data = b""
    while data.count(right) < count:
        piece = connection.recv(1 << 16)
        if not piece:
            found = data.count(right)
            raise EndedError(f"it ended after {found} of {count} answers: {data[-200:]!r}")
        data += piece
