"""score.py, unchanged, under Microsoft's own inference server in an environment of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scoring.bench.servers import MICROSOFT, packages

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def uri(model_dir: Path, tmp_path_factory) -> Iterator[str]:
    """A running azmlinfsrv with our script; its whole process group is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = packages(MICROSOFT)
    log = tmp_path_factory.mktemp("azmlinfsrv") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                folder / "bin" / "azmlinfsrv",
                *("--entry_script", ROOT / "scoring" / "score.py"),
                *("--model_dir", model_dir),
                *("--port", str(port)),
            ],
            cwd=log.parent,
            env={
                "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
                "HOME": str(log.parent),
                "PYTHONPATH": str(ROOT),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        base = f"http://127.0.0.1:{port}"
        limit = time.monotonic() + START_SECONDS
        while not answers(base):
            if process.poll() is not None or time.monotonic() > limit:
                pytest.fail(f"azmlinfsrv does not answer:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)
        yield base
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def answers(base: str) -> bool:
    try:
        return httpx.get(base, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_it_answers_as_scikit_learn_and_as_our_server(uri, server, images, estimator):
    request = {"data": images[:30].tolist()}
    theirs = httpx.post(f"{uri}/score", json=request, timeout=30, trust_env=False)
    assert theirs.status_code == 200
    # This server encodes the text that run() returns once more, as Azure ML's clients know.
    labels = json.loads(theirs.json())
    assert labels == estimator.predict(images[:30]).tolist()
    assert labels == server.score(request).json()
