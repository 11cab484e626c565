"""A head that was read before is not parsed again: nobody can tell by any answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoring.bench.attacks.fuzz_targets import CHANGING, SETTINGS, Line, server
from scoring.http.known_head import LONGEST
from scoring.http.reader import MOST_LESSONS
from scoring.http.server import Server

ROW = b'{"data": [[1, 2, 3]]}'
NEGATIVE = b'{"data": [[-1, -2, -3], [1, 2, 3]]}'
HEAD = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def request(body: bytes = ROW, more: bytes = b"", head: bytes = HEAD) -> bytes:
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, more, len(body), body)


def made(**settings: Any) -> Server:
    return server(replace(SETTINGS, **settings))


@pytest.fixture
def worker() -> Server:
    return server()


def answers(line: Line, *sent: bytes) -> list[bytes]:
    """What each of these is answered, sent one after another."""
    found = []
    for data in sent:
        line.transport.written = b""
        line.send_all(data)
        found.append(line.transport.written)
    return found


def status(answer: bytes) -> int:
    return int(answer[9:12]) if answer else 0


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def known(line: Line, sent: bytes | None = None) -> bool:
    """Whether the next request of these bytes goes past the parser."""
    head = line.server.known_head
    return head is not None and head.again(memoryview(sent or request())) is not None


def test_each_body_has_its_own_answer_however_long_it_is(worker: Server):
    line = Line(worker)
    found = answers(line, request(), request(NEGATIVE), request(), request(NEGATIVE + b" " * 99))
    assert known(line)
    assert known(line, request(NEGATIVE))
    assert [body(each) for each in found] == [b"[1]", b"[0, 1]", b"[1]", b"[0, 1]"]


def test_what_was_read_of_a_head_tells_the_length_that_is_declared_now(worker: Server):
    answers(Line(worker), request())
    assert worker.known_head is not None
    found = worker.known_head.again(memoryview(request(NEGATIVE)))
    assert found is not None
    assert found[0].headers[b"content-length"] == b"%d" % len(NEGATIVE)
    assert found[1] == NEGATIVE


def test_each_request_has_an_id_of_its_own(worker: Server):
    found = answers(Line(worker), *[request()] * 5)
    ids = {
        line for each in found for line in each.split(b"\r\n") if line.startswith(b"x-ms-request")
    }
    assert len(ids) == 5


@pytest.mark.parametrize("name", [b"x-ms-request-id: ", b"traceparent: 00-%b-00f067aa0ba902b7-01"])
def test_a_head_that_names_its_request_is_parsed_each_time(worker: Server, name: bytes):
    line = Line(worker)
    for number in range(1, 20):
        own = b"%032x" % number
        (found,) = answers(
            line, request(more=(name % own if b"%" in name else name + own) + b"\r\n")
        )
        assert b"x-ms-request-id: %b\r\n" % own in found
    assert worker.known_head is None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEAD.replace(b"application/json", b"text/plain_json_"), 415),
        (HEAD.replace(b"/score", b"/scorE"), 404),
        (HEAD.replace(b"POST", b"DELE"), 400),
        (HEAD.replace(b"POST", b"LOCK"), 405),
        (HEAD.replace(b"host: x", b"Hose: x"), 400),
        (HEAD.replace(b"HTTP/1.1", b"HTTP/9.1"), 400),
    ],
)
def test_another_head_of_the_same_length_has_another_answer(
    worker: Server, head: bytes, expected: int
):
    assert len(head) == len(HEAD)
    good, other = answers(Line(worker), request(), request(head=head))
    assert (status(good), status(other)) == (200, expected)


def test_what_follows_the_length_counts_too(worker: Server):
    tail = b"content-type: %b\r\n\r\n" + ROW
    start = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % len(ROW)
    line = Line(worker)
    found = answers(line, start + tail % b"application/json", start + tail % b"application/jsom")
    assert [status(each) for each in found] == [200, 415]


def test_no_client_is_taken_for_another_that_has_a_key(tmp_path: Path):
    file = tmp_path / "key"
    file.write_text("a-key-of-the-service-1")
    worker = made(key_file=file)
    given = request(more=b"authorization: Bearer a-key-of-the-service-1\r\n")
    wrong = given.replace(b"service-1", b"service-2")
    line = Line(worker)
    assert [status(each) for each in answers(line, given, given)] == [200, 200]
    assert known(line, given)
    for other in (wrong, request()):
        assert [status(each) for each in answers(Line(worker), other)] == [401]
    file.write_text("a-key-of-the-service-2")
    worker.application.tend()  # pyright: ignore[reportAttributeAccessIssue]
    assert [status(each) for each in answers(Line(worker), given)] == [401]
    assert [status(each) for each in answers(Line(worker), wrong, wrong)] == [200, 200]
    file.unlink()
    worker.application.tend()  # pyright: ignore[reportAttributeAccessIssue]
    assert [status(each) for each in answers(line, wrong)] == [503]


def test_a_wrong_key_is_not_remembered_as_a_good_head(tmp_path: Path):
    worker = made(key="a-key-of-the-service-1")
    wrong = request(more=b"authorization: Bearer a-key-of-the-service-2\r\n")
    for _ in range(3):
        assert [status(each) for each in answers(Line(worker), wrong)] == [401]
    assert worker.known_head is None


def test_the_limits_of_body_and_head_hold():
    worker = made(max_body_bytes=1024, max_header_bytes=1024)
    line = Line(worker)
    (good, long) = answers(line, request(), request(b" " * 2000))
    assert (status(good), status(long)) == (200, 413)
    # With one digit the head is as long as it may be.
    free = 1024 - len("/score") - sum(len(each) + 2 for each in HEAD.split(b"\r\n")[1:-1])
    padding = b"padding: %b\r\n" % (b"x" * (free - len("content-length1padding") - 4 - 4))
    head = HEAD + padding
    first, second = request(b"1" * 9, head=head), request(b"1" * 10, head=head)
    assert [status(each) for each in answers(Line(worker), first)] == [400]
    assert [status(each) for each in answers(Line(worker), second)] == [431]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(request() + b"\r\n", id="a blank line follows"),
        pytest.param(request(b"\r\n\r\n") + b"\r\n", id="blank lines are the body"),
        pytest.param(request() * 2, id="two"),
        pytest.param(request() + request()[:9], id="the next begins"),
        pytest.param(request()[:-1], id="the body's last byte is missing"),
        pytest.param(request(b""), id="no body"),
        pytest.param(b"\r\n" + request(), id="a blank line comes first"),
        pytest.param(request().replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(request(b"\r\n\r\n" + ROW).replace(b"\r\n\r\n\r\n", b"\n\n\r\n"), id="mixed"),
        pytest.param(request(head=HEAD.replace(b": ", b":")), id="no space"),
        pytest.param(request(more=b"x: y\r\n content-length: 5\r\n"), id="a folded line"),
        pytest.param(request(more=b"content-length: 21\r\n"), id="two lengths"),
        pytest.param(request(more=b"transfer-encoding: chunked\r\n"), id="two framings"),
        pytest.param(request(more=b"upgrade: h2c\r\nconnection: upgrade\r\n"), id="an upgrade"),
        pytest.param(request(more=b"expect: 100-continue\r\n"), id="a sign is waited for"),
        pytest.param(request(more=b"connection: close\r\n"), id="the last request"),
        pytest.param(request(more=b"content-encoding: gzip\r\n"), id="not gzip"),
        pytest.param(request(head=HEAD.replace(b"1.1", b"1.0")), id="HTTP/1.0"),
        pytest.param(
            request(head=HEAD.replace(b"1.1", b"1.0"), more=b"connection: keep-alive\r\n"),
            id="HTTP/1.0 that stays",
        ),
        pytest.param(request(head=HEAD.replace(b"POST", b"CONNECT")), id="CONNECT"),
        pytest.param(request().replace(b": 21", b": +21"), id="a sign"),
        pytest.param(request().replace(b": 21", b": 0021"), id="zeros"),
        pytest.param(request().replace(b": 21", b": 21 "), id="a space follows"),
    ],
)
def test_what_is_sent_again_is_answered_as_if_for_the_first_time(worker: Server, sent: bytes):
    """The same bytes, in the same connection and in new ones, after a usual request, too."""
    first = _without_ids(Line(server()), sent)
    for _ in range(2):
        assert _without_ids(Line(worker), sent) == first
    line = Line(worker)
    _without_ids(line, request())
    assert _without_ids(line, sent) == first


def _without_ids(line: Line, sent: bytes) -> bytes:
    (found,) = answers(line, sent)
    return CHANGING.sub(b"", found)


def test_what_is_learned_ends_and_so_does_its_length(worker: Server):
    line = Line(worker)
    for number in range(MOST_LESSONS + 5):
        answers(line, request(more=b"x-number: %d\r\n" % (10 + number)))
    assert known(line, request(more=b"x-number: %d\r\n" % (9 + MOST_LESSONS)))
    long = request(more=b"x: %b\r\n" % (b"x" * LONGEST))
    answers(Line(worker), long)
    assert not known(line, long)
