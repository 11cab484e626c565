"""What the ASGI face adds to the application: bodies, one thread, lines, the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from tests.scoring.conftest import environment

ROW = [0.0] * 784
HEAD = b"POST /score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


def test_bodies_in_pieces_are_read_and_limited(under_uvicorn):
    body = json.dumps({"data": [ROW, ROW]}).encode()
    pieces = iter([body[:100], body[100:]])
    answer = under_uvicorn.client.post("/score", content=pieces)
    assert (answer.status_code, len(answer.json())) == (200, 2)
    answer = under_uvicorn.client.post("/score", content=iter([b" " * 600_000] * 2))
    assert answer.status_code == 413


def test_a_client_that_leaves_with_half_a_body_harms_nobody(under_uvicorn):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", under_uvicorn.port), 10) as client:
            client.sendall(HEAD + b"5\r\nabc")
    assert under_uvicorn.score({"data": [ROW]}).status_code == 200


def test_head_has_the_length_and_no_body(under_uvicorn):
    whole, head = (under_uvicorn.client.request(method, "/ready") for method in ("GET", "HEAD"))
    assert head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core is visible")
def test_no_library_takes_a_second_thread(model_dir):
    """Under uvicorn libuv's own would be counted, too."""
    script = (
        "from pathlib import Path\n"
        "from scoring.asgi import create\n"
        "create()\n"
        "print(len(list(Path('/proc/self/task').iterdir())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(AZUREML_MODEL_DIR=str(model_dir)),
        capture_output=True,
        check=True,
    )
    assert int(done.stdout) == 1


def test_metrics_count_what_the_process_answered(under_uvicorn):
    assert under_uvicorn.score({"data": [ROW]}).status_code == 200
    text = under_uvicorn.client.get("/metrics").text
    assert 'scoring_requests_total{route="score",status="200"}' in text
    assert "scoring_workers 1" in text
