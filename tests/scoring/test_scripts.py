"""Whatever a script raises or returns is one request's answer, and ends nothing else."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from scoring.errors import Rejection, message_of
from scoring.routes.messages import Response
from scoring.routes.script_thread import ScriptThread

SCRIPT = """
import asyncio, builtins, json, threading, time
import numpy as np

class Unreadable(Exception):
    def __str__(self):
        raise ValueError("no message")

def init(): pass

def run(raw_data):
    asked = json.loads(raw_data)
    if asked.get("raise") == "Unreadable":
        raise Unreadable
    if "raise" in asked:
        kind = getattr(builtins, asked["raise"], None) or getattr(asyncio, asked["raise"])
        raise kind("on purpose")
    if "sleep" in asked:
        time.sleep(asked["sleep"])
    return eval(asked.get("return", "'[1]'"), {"np": np, "json": json})
"""
QUICK = """
import asyncio, builtins
import numpy as np

NAMES = ["StopIteration", "CancelledError", "GeneratorExit", "SystemExit", "KeyboardInterrupt"]

def init(): pass
def run(raw_data): return "[1]"
def quick(): return {quick}

def run_array(rows, method):
    if rows[0, 0] == -1:
        return np.zeros(len(rows), int)
    name = NAMES[int(rows[0, 0])]
    raise (getattr(builtins, name, None) or getattr(asyncio, name))("on purpose")
"""
KINDS = [
    "StopIteration",
    "StopAsyncIteration",
    "CancelledError",
    "GeneratorExit",
    "TimeoutError",
    "SystemExit",
    "KeyboardInterrupt",
    "MemoryError",
    "RecursionError",
    "ValueError",
]


@pytest.fixture(scope="module")
def odd(start_for_module, tmp_path_factory) -> Any:
    """A script that does as it is told, and a queue of four places."""
    path: Path = tmp_path_factory.mktemp("odd") / "entry.py"
    path.write_text(SCRIPT)
    return start_for_module(
        "--entry", str(path), SCORING_MAX_QUEUE="4", SCORING_LOG_REQUESTS="false"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_script_raises_is_answered_and_gives_its_place_back(odd, kind):
    for _ in range(6):  # more often than the queue has places
        answer = odd.score({"raise": kind})
        assert answer.status_code == 500
        error = answer.json()["error"]
        assert error["code"] == "script_failed"
        assert f"{kind}: on purpose" in error["message"]
    assert odd.score({}).json() == [1]


def test_an_error_whose_message_fails_too_gives_its_place_back(odd):
    for _ in range(6):
        answer = odd.score({"raise": "Unreadable"})
        assert answer.status_code == 500
        assert answer.json()["error"]["message"] == (
            "the scoring script failed: Unreadable: (its message cannot be read: ValueError)"
        )
    assert odd.score({}).json() == [1]


def test_a_message_without_end_is_cut():
    assert message_of(ValueError("x" * 10_000_000)) == "x" * 2000 + "..."


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("kind", range(5))
def test_what_a_script_for_arrays_raises_ends_nothing(start, tmp_path_factory, quick, kind):
    path: Path = tmp_path_factory.mktemp("quick") / "entry.py"
    path.write_text(QUICK.replace("{quick}", str(quick)))
    server = start("--entry", str(path), SCORING_MAX_QUEUE="2", SCORING_LOG_REQUESTS="false")
    row = [0.0] * 783
    for _ in range(3):
        answer = server.score({"data": [[kind, *row]]})
        assert answer.status_code == 500
        assert "on purpose" in answer.json()["error"]["message"]
    assert server.score({"data": [[-1, *row]]}).json() == [0]
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("float('nan')", "return None in place of NaN"),
        ("[1, float('inf')]", "return None in place of NaN"),
        ("'[NaN]'", "NaN, which is neither JSON"),
        ("str([np.float64(0.0)])", "tolist()"),
        ("np.zeros(2)", "tolist()"),
        ("'good'", "not JSON"),
        ("b'x'", "tolist()"),
    ],
)
def test_an_answer_that_is_no_json_is_the_scripts_fault_and_has_a_remedy(odd, returned, words):
    answer = odd.score({"return": returned})
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert error["code"] == "script_failed"
    assert words in error["message"]


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        ("'[1.50]'", "[1.50]"),
        ("{'a': None}", '{"a": null}'),
        ("'18446744073709551616'", "18446744073709551616"),
        ("[np.float64(0.5)]", "[0.5]"),
    ],
)
def test_an_answer_in_json_goes_out_as_it_is(odd, returned, body):
    assert odd.score({"return": returned}).text == body


def test_a_long_text_that_is_no_json_is_the_clients_fault(odd):
    answer = odd.score(b'{"a": "' + b"x" * 300_000 + b'", }')
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "not_json"


def test_a_service_whose_script_works_on_ends_within_the_limit(start, tmp_path):
    path = tmp_path / "entry.py"
    path.write_text(SCRIPT)
    server = start("--entry", str(path), SCORING_DRAIN_TIMEOUT="1", SCORING_SCORE_TIMEOUT="0.2")
    assert server.score({"sleep": 60}).status_code == 503  # nobody waits for it, and it works on
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 5


def test_numbers_that_numpy_printed_are_named_with_the_remedy(server):
    for path in ("/score", "/v2/models/sklearn_mnist/infer"):
        body = b'{"data": [[np.float64(0.0), np.float64(1.0)]]}'
        answer = server.client.post(
            path, content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400
        assert "json.dumps(rows.tolist())" in json.dumps(answer.json())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"columns": ["a"]}, 'df.to_dict("split")["data"]'),
        ({"index": [0]}, "cannot be compared"),
        ({"rows": [1]}, 'the key "rows"'),
        ({"Method": "predict"}, 'the key "Method"'),
    ],
)
def test_a_key_that_would_be_ignored_is_refused(server, more, words):
    for data in ([[0.0] * 784], [[0.0] * 784] * 90):  # short, and long enough to be cut
        answer = server.score({"data": data, **more})
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "unknown_key"
        assert words in error["message"]


def test_what_waits_for_a_script_is_bounded_in_bytes_and_gives_them_back():
    async def run() -> None:
        thread = ScriptThread(longest_queue=10, timeout=20, most_bytes=100)
        begun, go_on = threading.Event(), threading.Event()

        def work() -> Response:
            begun.set()
            assert go_on.wait(20)
            return Response(b"")

        try:
            first = asyncio.create_task(thread.run(work, 60))
            await asyncio.to_thread(begun.wait, 20)
            with pytest.raises(Rejection, match="too large") as refused:
                await thread.run(work, 60)
            assert refused.value.status == 503
            second = asyncio.create_task(thread.run(work, 40))
            go_on.set()
            await asyncio.gather(first, second)
            begun.clear()
            go_on.clear()
            held = asyncio.create_task(thread.run(work, 40))
            await asyncio.to_thread(begun.wait, 20)
            another = asyncio.create_task(thread.run(work, 60))
            go_on.set()
            await asyncio.gather(held, another)
        finally:
            go_on.set()
            thread.close()

    asyncio.run(run())
