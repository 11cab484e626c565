"""HTTP/1.1 against a script that takes its time: order, refusals, slow and deaf clients."""

from __future__ import annotations

import gzip
import json
import re
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import pytest

from scoring.http.connection import LINGER_SECONDS

SCRIPT = """
import json, time

def init():
    pass

def run(raw_data):
    request = json.loads(raw_data)
    time.sleep(request["seconds"])
    return json.dumps(request["number"])
"""
BODY_LIMIT = 65536


@pytest.fixture(scope="module")
def slow(start_for_module: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The service with a script that sleeps as long as it is told, and short limits."""
    script = tmp_path_factory.mktemp("script") / "sleeper.py"
    script.write_text(SCRIPT, "utf-8")
    service = start_for_module(
        "--entry",
        str(script),
        SCORING_LOG_REQUESTS="false",
        SCORING_READ_TIMEOUT="0.6",
        SCORING_IDLE_TIMEOUT="0.6",
        SCORING_SCORE_TIMEOUT="2",
        SCORING_MAX_QUEUE="2",
        SCORING_MAX_BODY_BYTES=str(BODY_LIMIT),
        SCORING_MAX_HEADER_BYTES="8192",
        SCORING_MAX_CONNECTIONS="20",
    )
    # A kept connection that is idle ends after 0.6 s, which may be when the next test asks.
    service.client.headers["connection"] = "close"
    return service


def request(number: int, seconds: float = 0.02, head: str = "") -> bytes:
    body = json.dumps({"number": number, "seconds": seconds}).encode()
    lines = f"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}"
    return f"{lines}content-length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        yield client


def until_closed(client: socket.socket) -> bytes:
    received = b""
    while piece := client.recv(65536):
        received += piece
    return received


def talk(port: int, sent: bytes) -> bytes:
    """Everything that is answered until the server closes."""
    with connected(port) as client:
        client.sendall(sent)
        return until_closed(client)


def has_answer(client: socket.socket) -> bool:
    return bool(select.select([client], [], [], 0)[0])


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit


def score_again(slow: Any) -> Any:
    """The answer to a good request, once the script's thread has time for it."""
    limit = time.monotonic() + 10
    while (answer := slow.score({"number": 3, "seconds": 0})).status_code != 200:
        assert answer.status_code in (429, 503)
        assert time.monotonic() < limit
    return answer.json()


def statuses(answers: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def test_pipelined_requests_wait_for_their_turn(slow):
    answers = talk(slow.port, b"".join(request(number) for number in range(5)))
    assert re.findall(rb"\r\n\r\n(\d)", answers) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_client_that_only_closed_its_sending_side_is_answered(slow):
    with connected(slow.port) as client:
        client.sendall(request(1) + request(2))
        client.shutdown(socket.SHUT_WR)
        assert statuses(until_closed(client)) == [200, 200]


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n\r\n" + b"x" * 1000, 413),
        (b"POST /none HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc", 404),
        (
            b"POST /score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            + 3 * (b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            + b"0\r\n\r\n",
            413,
        ),
    ],
    ids=["not HTTP", "long body", "unknown path", "long chunked body"],
)
def test_a_refusal_does_not_overtake_or_drop_earlier_answers(slow, second, status):
    answers = talk(slow.port, request(1) + request(2) + second + request(3))
    assert statuses(answers) == [200, 200, status]


def test_a_pipeline_without_end_is_cut_after_its_answers(slow):
    answers = talk(slow.port, b"".join(request(number, 0) for number in range(300)))
    assert statuses(answers) == [*[200] * (len(statuses(answers)) - 1), 429]
    assert 100 < len(statuses(answers)) < 200


def test_a_script_that_takes_too_long_is_not_waited_for(slow):
    answer = slow.score({"number": 1, "seconds": 2.5})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["code"] == "script_too_slow"
    assert score_again(slow) == 3


def test_probes_are_answered_while_the_script_works_and_a_full_queue_refuses(start, tmp_path):
    script, gate = tmp_path / "entry.py", tmp_path / "gate"
    script.write_text(
        "import pathlib, time\n"
        "def init(): pass\n"
        "def run(raw_data):\n"
        f"    while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)\n"
        "    return '1'\n"
    )
    slow = start("--entry", str(script), SCORING_MAX_QUEUE="2")
    sockets = [socket.create_connection(("127.0.0.1", slow.port), timeout=10) for _ in range(5)]
    for client in sockets:
        client.sendall(request(1))
    until(lambda: sum(has_answer(client) for client in sockets) >= 3)
    assert slow.client.get("/").status_code == 200  # without waiting for the script:
    assert sum(has_answer(client) for client in sockets) == 3  # those that were refused
    gate.touch()
    answers = []
    for client in sockets:
        answers.append(client.recv(65536))
        client.close()
    assert sorted(status for answer in answers for status in statuses(answer)) == [
        *[200] * 2,
        *[429] * 3,
    ]
    assert b"".join(answers).count(b"retry-after: 1") == 3


@pytest.mark.parametrize(
    "begin",
    [b"POST /sco", b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{"],
    ids=["head", "body"],
)
def test_a_sender_that_stops_is_told_and_closed(slow, begin):
    with connected(slow.port) as client:
        client.sendall(begin)
        assert statuses(until_closed(client)) == [408]


def test_a_connection_without_requests_is_closed(slow):
    assert talk(slow.port, b"") == b""


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\nlong: " + b"a" * 9000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 3000 + b"\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["one header without end", "many headers", "long target"],
)
def test_a_long_head_is_refused(slow, head):
    assert statuses(talk(slow.port, head)) == [431]


def open_connections(service: Any) -> int:
    found = re.findall(r"^scoring_connections (\d+)", service.client.get("/metrics").text, re.M)
    return int(found[0])


def test_a_client_that_asked_for_the_end_and_stays_takes_no_connection(slow):
    before = open_connections(slow)
    with connected(slow.port) as client:
        client.sendall(request(1, head="connection: close\r\n"))
        assert statuses(until_closed(client)) == [200]
        answered = time.monotonic()
        assert open_connections(slow) <= before
        assert time.monotonic() - answered < LINGER_SECONDS / 2


def test_a_long_head_that_comes_in_pieces_is_refused(slow):
    with connected(slow.port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nlong: ")
        for _ in range(9):
            client.sendall(b"a" * 1000)
        assert statuses(until_closed(client)) == [431]


def test_continue_is_sent_only_for_a_body_that_will_be_read(slow):
    head = b"POST /score HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
    with connected(slow.port) as client:
        body = json.dumps({"number": 7, "seconds": 0}).encode()
        client.sendall(head + b"content-length: %d\r\n\r\n" % len(body))
        assert statuses(client.recv(65536)) == [100]
        client.sendall(body)
        assert statuses(client.recv(65536)) == [200]
    assert statuses(talk(slow.port, head + b"content-length: 50000000\r\n\r\n")) == [413]


def test_chunks_and_gzip_are_read_and_trailers_ignored(slow):
    body = gzip.compress(json.dumps({"number": 7, "seconds": 0}).encode())
    sent = (
        b"POST /score HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"".join(b"1\r\n" + bytes([each]) + b"\r\n" for each in body)
        + b"0\r\nauthorization: Bearer x\r\n\r\n"
    )
    answer = talk(slow.port, sent)
    assert statuses(answer) == [200]
    assert answer.endswith(b"7")


def test_a_client_that_leaves_early_harms_nobody(slow):
    for cut in (20, 120, len(request(1))):
        with connected(slow.port) as client:
            client.sendall(request(1, 0.01)[:cut])
    assert score_again(slow) == 3


def test_work_of_clients_that_left_is_not_begun(slow):
    with connected(slow.port) as busy, connected(slow.port) as leaves:
        busy.sendall(request(1, 1.0))
        leaves.sendall(request(2, 1.9))
        assert slow.client.get("/").status_code == 200
        # A reset: a plain close might be a client that waits with its sending side closed.
        leaves.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        leaves.close()
        assert statuses(busy.recv(65536)) == [200]
        began = time.monotonic()
        assert score_again(slow) == 3
        assert time.monotonic() - began < 1.5


def test_a_client_that_never_reads_does_not_fill_the_memory(slow):
    def resident() -> int:
        (worker,) = psutil.Process(slow.process.pid).children()
        return worker.memory_info().rss

    before = resident()
    flood = b"GET /swagger.json HTTP/1.1\r\nhost: x\r\n\r\n" * 2000
    with connected(slow.port) as client:
        client.settimeout(0.5)
        try:  # until the buffers on the way are full, or the server gave up
            while True:
                client.sendall(flood)
        except (TimeoutError, ConnectionError):
            pass
        assert resident() - before < 64 << 20
    assert slow.client.get("/").status_code == 200


def test_more_connections_than_allowed_are_turned_away(slow):
    clients = [socket.create_connection(("127.0.0.1", slow.port), timeout=10) for _ in range(25)]
    try:
        assert 503 in statuses(clients[-1].recv(65536))
    finally:
        for client in clients:
            client.close()
    limit = time.monotonic() + 5
    while time.monotonic() < limit:
        try:
            if httpx.get(f"http://127.0.0.1:{slow.port}/", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            continue
    pytest.fail("the service did not recover")
