"""Every part of a request has an end, in bytes; what frames a request is what HTTP/1.1 says."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import shutil
import socket
import subprocess
import zlib
from collections.abc import Iterable
from typing import Any

import pytest

LIMIT = 16 << 10  # SCORING_MAX_HEADER_BYTES
BODY_LIMIT = 1 << 20  # of the fixture `server`
ROW = [0.0] * 784
GOOD = json.dumps({"data": [ROW]}).encode()
POST = b"POST /score HTTP/1.1\r\nhost: x\r\n"
OLD_POST = POST.replace(b"1.1", b"1.0")
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def talk(port: int, *pieces: bytes) -> bytes:
    """Everything that is answered until the server closes; pieces are sent one by one."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client.sendall(piece)
        return b"".join(iter(lambda: client.recv(65536), b""))


def statuses(answers: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def sent_until_refused(port: int, begin: bytes, pieces: Iterable[bytes]) -> tuple[int, int]:
    """(status, bytes that were sent before the server's answer came), at most a megabyte."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(begin)
        client.setblocking(False)
        sent = 0
        for piece in pieces:
            try:
                return int(client.recv(65536).split()[1]), sent
            except BlockingIOError:
                pass
            assert sent < 1 << 20, "a megabyte was taken without an answer"
            client.setblocking(True)
            client.settimeout(10)
            client.sendall(piece)
            sent += len(piece)
            # The one that answers is the server: let it read what was sent.
            client.settimeout(0.02)
            try:
                return int(client.recv(65536).split()[1]), sent
            except TimeoutError:
                client.setblocking(False)
        raise AssertionError("the pieces have an end")


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (CHUNKED + b"0\r\nX: ", b"a" * 4096),
        (CHUNKED + b"0\r\n", b"x: y\r\n" * 700),
        (CHUNKED + b"1;x=", b"a" * 4096),
        (CHUNKED + b"0;x=", b"a" * 4096),
        (CHUNKED, b"0" * 4096),
        (CHUNKED, b"1;x=" + b"a" * 4000 + b"\r\n \r\n"),
        (b"GET /", b"a" * 4096),
        (b"GET / HTTP/1.1\r\nx: ", b"a" * 4096),
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 700),
        (b"GET / HTTP/1.1\r\nx: y", b"\t" * 4096),
        (b"GET / HTTP/1.1\r\n", b"x" * 4096),
        (b"", b"\r\n" * 2048),
        (CLOSE.replace(b"close", b"keep-alive"), b"\r\n" * 2048),
    ],
    ids=[
        "one trailer",
        "many trailers",
        "a chunk's extension",
        "the last chunk's extension",
        "digits of a chunk's size",
        "an extension for each byte",
        "the target",
        "a header's value",
        "many headers",
        "space around a value",
        "a header's name",
        "empty lines",
        "empty lines after a request",
    ],
)
def test_a_part_of_a_request_without_an_end_is_refused_at_the_limit(server, begin, piece):
    if begin.endswith(b"keep-alive\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(begin)
            assert statuses(client.recv(65536)) == [200]
            client.sendall(piece * (3 + LIMIT // len(piece)))
            assert statuses(client.recv(65536)) == [431]
        return
    status, sent = sent_until_refused(server.port, begin, itertools.repeat(piece))
    assert status in (400, 431)
    assert sent <= LIMIT + 3 * len(piece)


def head(size: int) -> bytes:
    """A head with one long header, and lines that come to about `size` bytes."""
    begin = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    lines = b"".join(b"h%d: %s\r\n" % (n, b"v" * 500) for n in range((size - 2000) // 507))
    rest = size - len(begin) - len(lines) - len("long: \r\n\r\n")
    return begin + lines + b"long: " + b"v" * rest + b"\r\n\r\n"


@pytest.mark.parametrize("step", [LIMIT * 2, 1400, 97])
@pytest.mark.parametrize(("size", "status"), [(LIMIT - 100, 200), (LIMIT + 100, 431)])
def test_a_head_has_the_documented_limit_in_whatever_pieces_it_comes(server, step, size, status):
    whole = head(size)
    assert len(whole) == size
    pieces = [whole[at : at + step] for at in range(0, size, step)]
    assert statuses(talk(server.port, *pieces)) == [status]


def test_short_trailers_and_extensions_are_ignored(server):
    sent = POST + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    sent += b"%x;name=value\r\n%s\r\n" % (len(GOOD), GOOD) + b"0;x\r\nx: y\r\n\r\n"
    assert statuses(talk(server.port, sent)) == [200]
    assert statuses(talk(server.port, *(bytes([each]) for each in sent[:300]), sent[300:])) == [200]


def test_headers_repeated_without_an_end_are_refused(server):
    assert statuses(talk(server.port, CLOSE[:-2] + b"a:\r\n" * 64 + b"\r\n")) == [200]
    assert statuses(talk(server.port, CLOSE[:-2] + b"a:\r\n" * 70 + b"\r\n")) == [431]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_host"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", 400, "bad_host"),
        (POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "unknown_transfer"),
        (POST + b"transfer-encoding: gzip\r\n\r\n0\r\n\r\n", 501, "unknown_transfer"),
        (
            POST.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked\r\n\r\n0\r\n",
            400,
            "bad_http",
        ),
        (POST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n", 400, "bad_http"),
        (POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabc", 400, "bad_http"),
        (b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n" + CLOSE, 404, "not_found"),
    ],
)
def test_what_frames_a_request_wrongly_is_refused_and_nothing_after_it_is_read(
    server, sent, status, code
):
    answers = talk(server.port, sent + CLOSE)
    assert statuses(answers) == [status]
    assert code.encode() in answers
    assert b"connection: close" in answers


def test_http_1_0_needs_no_host_and_an_absolute_target_is_a_path(server):
    assert statuses(talk(server.port, b"GET / HTTP/1.0\r\n\r\n")) == [200]
    absolute = CLOSE.replace(b"GET /", b"GET http://else.where:80/ready")
    assert b'"ready"' in talk(server.port, absolute)
    assert b'"live"' in talk(server.port, CLOSE.replace(b"GET /", b"GET http://else.where"))


H2C = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n"


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("rows", [1, 60], ids=["small", "large"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_request_to_upgrade_is_answered_as_any_other(server, pieces, rows, chunked):
    """As Java's client and `curl --http2` send it, with a body, and a request after it."""
    body = json.dumps({"data": [ROW] * rows}).encode()
    if chunked:
        sent = H2C + b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        sent = H2C + b"content-length: %d\r\n\r\n%s" % (len(body), body)
    sent = POST + sent + POST + sent + b"GET / HTTP/1.1\r\nhost: x\r\n" + H2C + b"\r\n" + CLOSE
    size = len(sent) // pieces + 1
    answers = talk(server.port, *(sent[at : at + size] for at in range(0, len(sent), size)))
    assert statuses(answers) == [200] * 4
    assert answers.count(b"connection: close") == 1


def test_an_upgrade_is_refused_like_any_other_request(server):
    sent = POST.replace(b"/score", b"/none") + H2C + b"content-length: 3\r\n\r\nabc"
    assert statuses(talk(server.port, sent)) == [404]
    sent = POST + H2C + b"content-length: 9999999\r\n\r\nabc"
    assert statuses(talk(server.port, sent)) == [413]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_with_http2_gets_its_answer(server, tmp_path):
    (tmp_path / "body").write_bytes(GOOD)
    url = f"http://127.0.0.1:{server.port}/score"
    done = subprocess.run(
        [
            *("curl", "--silent", "--http2", "--max-time", "10", "--noproxy", "*"),
            *("--header", "content-type: application/json"),
            *("--data-binary", f"@{tmp_path / 'body'}", url),
        ],
        capture_output=True,
        check=False,
    )
    assert len(json.loads(done.stdout)) == 1


def test_a_sign_to_send_on_comes_after_the_answers_before_it(server):
    """Zipped requests wait for their turn; the next client in the pipeline waits for a sign."""
    packed = gzip.compress(GOOD)
    zipped = POST + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s"
    plain = POST + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(zipped % (len(packed), packed) + plain % len(GOOD))
        found = b""
        while statuses(found)[-1:] != [100]:
            piece = client.recv(65536)
            assert piece, found
            found += piece
        assert statuses(found) == [200, 100]
        client.sendall(GOOD + CLOSE)
        rest = b"".join(iter(lambda: client.recv(65536), b""))
    assert statuses(rest) == [200, 200]


def test_no_sign_is_given_for_a_body_that_came_meanwhile(server):
    packed = gzip.compress(GOOD)
    zipped = POST + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s"
    plain = POST + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n%s"
    sent = zipped % (len(packed), packed) + plain % (len(GOOD), GOOD) + CLOSE
    assert statuses(talk(server.port, sent)) == [200, 200, 200]


def test_a_body_of_several_gzip_files_is_read_as_one(server):
    third = len(GOOD) // 3
    packed = b"".join(map(gzip.compress, (GOOD[:third], b"", GOOD[third:])))
    answer = server.score(packed, **{"content-encoding": "gzip"})
    assert answer.status_code == 200
    pieces = b"".join(b"1\r\n" + bytes([each]) + b"\r\n" for each in packed)
    sent = POST + b"connection: close\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n"
    assert statuses(talk(server.port, sent + b"\r\n" + pieces + b"0\r\n\r\n")) == [200]


@pytest.mark.parametrize(
    ("packed", "coding", "status"),
    [
        (gzip.compress(GOOD) + b"more", "gzip", 400),
        (gzip.compress(GOOD) + gzip.compress(b"")[:-1], "gzip", 400),
        (gzip.compress(GOOD) + gzip.compress(b"") * 3000, "gzip", 400),
        (gzip.compress(GOOD) + gzip.compress(b" " * BODY_LIMIT), "gzip", 413),
        (zlib.compress(GOOD) * 2, "deflate", 400),
    ],
    ids=["other bytes", "cut short", "thousands", "a bomb at the end", "deflate twice"],
)
def test_what_follows_a_zipped_body_is_limited_too(server, packed, coding, status):
    assert server.score(packed, **{"content-encoding": coding}).status_code == status


def test_a_zipped_body_that_never_gives_a_byte_is_refused_at_the_limit(server):
    empty = b"\x00\x00\x00\xff\xff" * 6000  # stored blocks of no bytes
    packed = gzip.compress(b"")[:10] + empty
    head = POST + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(each), each) for each in (packed, *[empty] * 40)]
    assert statuses(talk(server.port, head, *chunks)) == [413]


def test_the_service_is_well_after_all_of_this(server: Any) -> None:
    assert server.client.get("/ready").status_code == 200
