"""score.py, unchanged, under Microsoft's own inference server in an environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("azureml-inference-server.txt")
START_SECONDS = 90.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def environment() -> Path:
    """The virtual environment of exactly the locked packages, built once a lock and Python."""
    identity = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sklearn-mnist-svc"
    folder = cache / f"azureml-inference-server-{identity}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    uv = str(Path(sys.executable).with_name("uv"))
    draft = Path(tempfile.mkdtemp(dir=cache, prefix=".draft-"))
    try:
        # Relocatable, because it is renamed once it is whole: an interrupted build is never used.
        subprocess.run(
            [uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, draft / "env"],
            check=True,
        )
        subprocess.run(
            [
                *(uv, "pip", "sync", "--quiet", "--system-certs", "--require-hashes"),
                *("--python", draft / "env" / "bin" / "python", LOCK),
            ],
            check=True,
        )
        try:
            (draft / "env").rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was faster
                raise
    finally:
        shutil.rmtree(draft)
    return folder


@pytest.fixture(scope="module")
def uri(environment: Path, model_dir: Path, tmp_path_factory) -> Iterator[str]:
    """A running azmlinfsrv with our script; its whole process group is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("azmlinfsrv") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                environment / "bin" / "azmlinfsrv",
                *("--entry_script", ROOT / "scoring" / "score.py"),
                *("--model_dir", model_dir),
                *("--port", str(port)),
            ],
            cwd=log.parent,
            env={
                "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
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
