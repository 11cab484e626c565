"""What clients do wrong, and what the service has to answer.

Each fault raises `FaultError` where the service behaves otherwise than it should.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from scoring.bench import bodies
from scoring.bench.cases import Case

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
        _, _, body = bodies.parts(case.request)
        return cls(port, key, json.loads(body)["data"][0], case.labels[0])

    @property
    def headers(self) -> dict[str, str]:
        """Of a good request."""
        return {"content-type": "application/json", "authorization": f"Bearer {self.key}"}

    @property
    def body(self) -> bytes:
        """Of a good request."""
        return json.dumps({"data": [self.row]}).encode()

    @property
    def request(self) -> bytes:
        """A good one, whole."""
        return self.head(len(self.body)) + self.body

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


Fault = Callable[[Target], None]


def posted(body: Callable[[Target], bytes], statuses: Collection[int], **headers: str) -> Fault:
    """A whole request with other headers than a good one, and the statuses that it may get."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}

    def send(target: Target) -> None:
        status, answer = target.post(body(target), {**target.headers, **changed})
        if status not in statuses:
            wanted = " or ".join(map(str, sorted(statuses)))
            raise FaultError(f"HTTP {status} instead of {wanted}: {answer[:120]!r}")
        try:
            refused = status == 200 or json.loads(answer)["error"]
        except (ValueError, KeyError, TypeError):
            refused = None
        if not refused:
            raise FaultError(f"HTTP {status} without an error in JSON: {answer[:120]!r}")

    return send


def sent(data: Callable[[Target], bytes], status: bytes = b"") -> Fault:
    """Bytes after which the client goes, or waits for this status."""

    def send(target: Target) -> None:
        with target.connect() as connection:
            connection.sendall(data(target))
            line = connection.recv(1 << 16)[:12] if status else b""
            if status and not line:
                raise EndedError(f"it ended without an answer instead of {status.decode()}")
            if status and line != b"HTTP/1.1 " + status:
                raise FaultError(f"{line!r} instead of {status.decode()}")

    return send


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
        connection.sendall(target.request * 3)
        _expect_labels(connection, target, 3)


FAULTS: dict[str, Fault] = {
    "bad_json": posted(lambda _: b'{"data": [[0.5, ', {400}),
    "bad_row": posted(lambda target: json.dumps({"data": [target.row[1:]]}).encode(), {400}),
    # As long as the right one.
    "wrong_key": posted(lambda target: target.body, {401}, authorization=f"Bearer {'x' * 32}"),
    "wrong_type": posted(lambda _: b"1,2", {415}, content_type="text/csv"),
    "gzip_bomb": posted(lambda _: BOMB, {413}, content_encoding="gzip"),
    # Refused before a byte of the body comes.
    "too_long": sent(lambda target: target.head(1 << 40), b"413"),
    "garbage": sent(lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    "half_a_head": sent(lambda _: b"POST /score HTTP/1.1\r\nhost: 127"),
    "half_a_body": sent(lambda target: target.head(5 << 20) + b" " * (1 << 20)),
    "gone_before_the_answer": sent(lambda target: target.request),
    "slow_sender": slow_sender,
    "chunked": chunked,
    "pipelined": pipelined,
}


def _expect_labels(connection: socket.socket, target: Target, count: int) -> None:
    right = f"\r\n\r\n[{target.label}]".encode()
    data = b""
    while data.count(right) < count:
        piece = connection.recv(1 << 16)
        if not piece:
            found = data.count(right)
            raise EndedError(f"it ended after {found} of {count} answers: {data[-200:]!r}")
        data += piece
