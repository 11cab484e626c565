"""What is fuzzed, with what must hold for any bytes: each target raises where it does not.

A small model of three features keeps inputs short; pieces of a few bytes make long bodies of them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np

from scoring.errors import Rejection
from scoring.http.connection import Connection
from scoring.http.server import Server
from scoring.manifest import Manifest
from scoring.model.entry import EntryScript
from scoring.process.log import Log
from scoring.process.metrics import Metrics
from scoring.process.scoreboard import Board
from scoring.routes import json_cut, json_pieces, json_rows, v2
from scoring.routes.application import ScoringApplication
from scoring.routes.json_rows import RowReader
from scoring.routes.limits import Limits
from scoring.routes.messages import Request, Response
from scoring.settings import Settings

FEATURES, ROWS = 3, 20
_METHODS = ("predict", "predict_proba")
_LIMITS = Limits(features=FEATURES, rows=ROWS, memory=1 << 20, answer=1 << 20, classes=2)
_USUAL = (
    b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b'content-length: 21\r\n\r\n{"data": [[1, 2, 3]]}'
)
# What differs between two times, or by how much of a body came with its head.
CHANGING = re.compile(rb"(date|x-ms-request-id): [^\r]*\r\n|HTTP/1\.1 100 Continue\r\n\r\n")


def _model(rows: Any, method: str) -> Any:
    sums = np.asarray(rows, np.float64).sum(axis=1)
    return (sums > 0).astype(np.int64) if method == "predict" else np.stack([sums, -sums], axis=1)


_SCRIPT = EntryScript(
    run=lambda _: "[]", run_array=_model, methods=_METHODS, dtypes=("uint8",), quick=True
)
_MANIFEST = Manifest(
    name="m",
    version="1",
    file="model.pkl",
    sha256="0" * 64,
    estimator="Sum",
    features=FEATURES,
    classes=(0, 1),
    accuracy=None,
    framework={},
)
SETTINGS = Settings(
    model_dir=Path(), max_rows=ROWS, max_body_bytes=1 << 16, log_requests=False, workers=1
)


class _Quiet(Log):
    """Errors of clients are written nowhere."""

    def _add(self, line: str) -> None:
        del line


def application(settings: Settings = SETTINGS) -> ScoringApplication:
    """One of the small model, without a server."""
    metrics = Metrics(_MANIFEST, Board())
    return ScoringApplication(settings, _MANIFEST, _SCRIPT, metrics, _Quiet(), lambda: "ready")


_ROW_READER = RowReader(_LIMITS, _METHODS)


def score(data: bytes) -> None:
    """`/score`: short and long bodies are read as json.loads reads them, or refused by both."""
    short = _rows(data)
    with (  # every body is long, and is cut every few bytes
        mock.patch.object(json_pieces, "_PIECE", 8),
        mock.patch.object(json_rows, "LONGEST", -1),
        mock.patch.object(json_cut, "LONGEST", -1),
    ):
        long = _rows(data)
    legal = _legal(data)
    if isinstance(short, Rejection) != (legal is None):
        raise AssertionError(f"{short} for {data!r}, which json.loads reads as {legal}")
    if legal is None:
        if not isinstance(long, Rejection):
            raise AssertionError(f"read in pieces: {data!r}")
        return
    if not np.array_equal(short, legal):
        raise AssertionError(f"{short} is not {legal}")
    if not isinstance(long, Rejection) and not np.array_equal(long, legal):
        raise AssertionError(f"in pieces {long} is not {legal}")


def _rows(data: bytes) -> Any:
    try:
        return _ROW_READER.read(data)[0]
    except Rejection as rejection:
        if not 400 <= rejection.status < 500:
            raise
        return rejection


def _legal(data: bytes) -> Any:
    """The rows by Python's own parser; None where there are none."""
    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
        rows = document["data"]
        if set(document) - {"data", "method"} or document.get("method", "predict") not in _METHODS:
            return None
        numbers = [[_number(value) for value in row] for row in _lists(rows)]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError):
        return None
    if not 0 < len(numbers) <= ROWS or any(len(row) != FEATURES for row in numbers):
        return None
    return np.array(numbers, np.float64)


def _lists(rows: Any) -> Any:
    if type(rows) is not list or any(type(row) is not list for row in rows):
        raise TypeError
    return rows


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(float(value)):
        raise TypeError
    return float(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_APPLICATION = application()


def infer(data: bytes) -> None:
    """Tensors: an answer or a refusal, and the same one however the body is read.

    The first two bytes are the length of a head before raw values; 0 is none.
    """
    if len(data) < 2:
        return
    length = int.from_bytes(data[:2], "little")
    headers = {b"inference-header-content-length": b"%d" % length} if length else {}
    short = _infer(data[2:], headers)
    with (
        mock.patch.object(json_pieces, "_PIECE", 8),
        mock.patch.object(v2, "LONGEST", -1),
        mock.patch.object(json_cut, "LONGEST", -1),
    ):
        long = _infer(data[2:], headers)
    for answer in (short, long):
        if answer.status not in (200, 400, 413):
            raise AssertionError(f"{answer.status} {answer.body!r}")
        head = dict(answer.headers).get(b"inference-header-content-length", len(answer.body))
        json.loads(answer.body[: int(head)])
    if long.status == 200 and (short.status, short.body) != (long.status, long.body):
        raise AssertionError(f"{short.body!r} is not {long.body!r}")


def _infer(body: bytes, headers: dict[bytes, bytes]) -> Response:
    request = Request("POST", "/v2/models/m/infer", "", dict(headers))
    refusal = _APPLICATION.admit(request)
    if refusal is not None:
        return refusal
    request.body = body
    answer = _APPLICATION.handle(request)
    if not isinstance(answer, Response):
        raise AssertionError("a quick script is answered at once")
    return answer


class _Loop:
    """As much of an event loop as a connection asks for."""

    def __init__(self) -> None:
        self.calls: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return 0.0

    def call_soon(self, call: Callable[..., None], *arguments: Any) -> None:
        self.calls.append((call, arguments))

    def run(self) -> None:
        while self.calls:
            call, arguments = self.calls.pop(0)
            call(*arguments)


class _Transport:
    """A client's end: what was written, whether it may send."""

    def __init__(self, protocol: Any) -> None:
        self.protocol, self.written = protocol, b""
        self.reading, self.closed = True, False

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_reading(self) -> bool:
        return self.reading

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Nothing more is written."""

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True

    abort = close


def connection(data: bytes) -> None:
    """The bytes of a connection: the same answers however they are cut, and nothing held after.

    The first byte says how. They are the same, too, where a worker has read this head before, or
    one like it.
    """
    if not data:
        return
    whole = _talk([data[1:]], server())
    size = 1 + data[0] % 64
    cut = _talk([data[at : at + size] for at in range(1, len(data), size)], server())
    if whole != cut:
        raise AssertionError(f"{whole!r} at once, {cut!r} in pieces of {size}")
    usual = server()
    for sent in (_USUAL, data[1:], data[1:]):
        again = _talk([sent], usual)
        if sent != _USUAL and whole != again:
            raise AssertionError(f"{whole!r} at first, {again!r} later")
    for part in whole.split(b"HTTP/1.1 ")[1:]:
        if not re.match(rb"(200|4\d\d|501|503) ", part):
            raise AssertionError(part)


def server(settings: Settings = SETTINGS) -> Server:
    """One of the small model, on a loop that turns when it is told to."""
    asked = _APPLICATION if settings is SETTINGS else application(settings)
    return Server(asked, settings, cast(Any, _Loop()))


class Line:
    """A client's connection to the small model's application, without sockets."""

    def __init__(self, of: Server | None = None) -> None:
        self.server = of or server()
        self.loop: Any = self.server.loop
        client = Connection(self.server)
        self.transport: Any = _Transport(client)
        client.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        """As much of it as is read at once, without another turn of the loop."""
        self._receive(memoryview(data))

    def send_all(self, data: bytes) -> None:
        """All of it, with a turn of the loop after each time that it is read."""
        rest = memoryview(data)
        while rest and self.transport.reading and not self.transport.closed:
            rest = self._receive(rest)
            self.loop.run()

    def _receive(self, data: memoryview) -> memoryview:
        room = self.transport.protocol.get_buffer(-1)
        size = min(len(room), len(data))
        room[:size] = data[:size]
        self.transport.protocol.buffer_updated(size)
        return data[size:]


def _talk(pieces: list[bytes], of: Server) -> bytes:
    line = Line(of)
    for piece in pieces:
        line.send_all(piece)
    line.loop.run()
    line.transport.protocol.connection_lost(None)
    if line.server.buffers.held or line.server.connections:
        raise AssertionError(f"{line.server.buffers.held} bytes are held")
    return CHANGING.sub(b"", line.transport.written)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "score": score,
    "infer": infer,
    "connection": connection,
}
CORPUS = Path(__file__).resolve().parents[3] / "tests" / "scoring" / "attacks" / "corpus"
