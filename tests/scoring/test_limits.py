"""Slow, many and large clients meet limits, and others are answered meanwhile."""

from __future__ import annotations

import contextlib
import gzip
import json
import select
import socket
import time

import httpx
import pytest

ROW = [0.0] * 784


@pytest.fixture(scope="module")
def limited(start_for_module):
    """A service with every limit small."""
    return start_for_module(
        SCORING_READ_TIMEOUT="0.5",
        SCORING_IDLE_TIMEOUT="1",
        SCORING_MAX_CONNECTIONS="5",
        SCORING_MAX_BUFFERED_BYTES=str(1 << 20),
        SCORING_LOG_REQUESTS="false",
    )


def connect(server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 10)


def whole(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(
    "sent", [b"GET / HT", b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"]
)
def test_a_request_that_stops_coming_is_ended_with_408(limited, sent):
    with connect(limited) as client:
        client.sendall(sent)
        assert whole(client).startswith(b"HTTP/1.1 408")


def test_a_silent_connection_is_closed_without_a_word(limited):
    with connect(limited) as client:
        assert whole(client) == b""


def test_a_slow_sender_does_not_hold_up_others(limited):
    with connect(limited) as slow:
        slow.sendall(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n{")
        url = f"http://127.0.0.1:{limited.port}/score"
        assert httpx.post(url, json={"data": [ROW]}, trust_env=False, timeout=60).status_code == 200


def test_more_connections_than_allowed_are_sent_away(start):
    server = start(SCORING_MAX_CONNECTIONS="2")
    with connect(server) as one, connect(server) as two:
        for client in (one, two):
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        with connect(server) as third:
            answer = whole(third)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in answer


def test_unfinished_large_bodies_are_bounded_together(start):
    server = start(SCORING_MAX_BUFFERED_BYTES=str(1 << 20), SCORING_MAX_BODY_BYTES=str(1 << 20))
    head = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n"
    with connect(server) as first, connect(server) as second:
        first.sendall(head + b" " * 800_000)
        second.sendall(head + b" " * 800_000)
        # Whichever the service reads second is refused; the other goes on.
        (refused,), _, _ = select.select([first, second], [], [], 20)
        answer = whole(refused)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"out_of_buffers" in answer
        other = second if refused is first else first
        other.sendall(b" " * 100_000)
        assert other.recv(65536).startswith(b"HTTP/1.1 400")


def test_nothing_is_unzipped_while_too_much_is_held(start):
    server = start(SCORING_MAX_BUFFERED_BYTES=str(1 << 20), SCORING_MAX_BODY_BYTES=str(1 << 20))
    head = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    zipped = gzip.compress(json.dumps({"data": [[0] * 784]}).encode())

    def until(status: int) -> httpx.Response:
        limit = time.monotonic() + 20
        while True:
            answer = server.score(zipped, **{"content-encoding": "gzip"})
            if answer.status_code == status or time.monotonic() > limit:
                return answer

    with contextlib.ExitStack() as held:
        clients = [held.enter_context(connect(server)) for _ in range(5)]
        clients[0].sendall(head % 900_000 + b" " * 800_000)
        for client in clients[1:]:  # short ones are never refused
            client.sendall(head % 60_000 + b" " * 50_000)
        refused = until(503)
        assert refused.json()["error"]["code"] == "out_of_buffers"
    assert until(200).status_code == 200


def test_a_full_queue_is_429_and_a_slow_script_503(start, tmp_path):
    path = tmp_path / "entry.py"
    path.write_text(
        "import json, threading\n"
        "def init(): pass\n"
        "def run(raw_data):\n    threading.Event().wait(json.loads(raw_data))\n    return 'null'\n"
    )
    server = start("--entry", str(path), SCORING_MAX_QUEUE="1", SCORING_SCORE_TIMEOUT="0.5")
    with connect(server) as first, connect(server) as second:
        for client, seconds in ((first, b"1.5"), (second, b"0")):
            client.sendall(
                b"POST /score HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                b"content-length: %d\r\n\r\n%s" % (len(seconds), seconds)
            )
            if client is first:
                assert server.client.get("/").status_code == 200  # the first is being answered
        refused, late = whole(second), whole(first)
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["error"]["code"] == "queue_full"
    assert refused.startswith(b"HTTP/1.1 429")
    assert late.startswith(b"HTTP/1.1 503")


def test_a_client_that_leaves_in_the_middle_harms_nobody(limited):
    for _ in range(4):
        with connect(limited) as client:
            client.sendall(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n{")
    url = f"http://127.0.0.1:{limited.port}/ready"
    with httpx.Client(
        transport=httpx.HTTPTransport(retries=3), trust_env=False, timeout=60
    ) as client:
        assert client.get(url).status_code == 200
