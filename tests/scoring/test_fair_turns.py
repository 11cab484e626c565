"""Who sends much takes turns with the others, one large request at a time."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from scoring.bench.attacks import fuzz_targets
from scoring.http.connection import ARRIVED
from scoring.http.fair_turns import FairTurns


def test_between_two_turns_a_new_client_is_accepted_read_and_answered():
    """Each of the three takes a round of the event loop."""

    async def rounds_between() -> int:
        loop = asyncio.get_running_loop()
        turns = FairTurns(loop)
        rounds, seen = 0, []
        for _ in range(3):
            turns.take(lambda: seen.append(rounds))
        while len(seen) < 3:
            rounds += 1
            await asyncio.sleep(0)
        return min(seen[1] - seen[0], seen[2] - seen[1])

    assert asyncio.run(rounds_between()) >= 3


def post(body: bytes, *lines: bytes) -> bytes:
    head = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += b"".join(line + b"\r\n" for line in lines)
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


ROW = b'{"data": [[1, 2, 3]]}'


@pytest.mark.parametrize(
    ("request_", "at_once"),
    [
        (post(ROW), True),
        (post(gzip.compress(ROW), b"content-encoding: gzip"), False),
    ],
    ids=["short", "zipped"],
)
def test_a_short_request_is_answered_at_once_and_a_zipped_one_in_its_turn(request_, at_once):
    line = fuzz_targets.Line()
    line.send(request_)
    assert (b"HTTP/1.1 200" in line.transport.written) == at_once
    line.loop.run()
    assert line.transport.written.count(b"HTTP/1.1 200") == 1


def test_who_fills_the_buffer_is_read_again_only_after_the_others():
    line: Any = fuzz_targets.Line()
    pipeline = (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 3000)[: len(ARRIVED)]
    line.send(pipeline)
    assert not line.transport.reading
    line.loop.run()
    assert line.transport.reading
    line.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert line.transport.reading
