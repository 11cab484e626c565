"""The service as a real process on a free port, and the MNIST test images."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import joblib
import numpy as np
import pytest

from scoring.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"


@dataclass
class Server:
    """A running service: its address, its process, a client."""

    process: subprocess.Popen[str]
    port: int
    client: httpx.Client

    def score(self, content: Any, **headers: str) -> httpx.Response:
        """POST a value as JSON, or bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.client.post(
            "/score", content=body, headers={"content-type": "application/json", **headers}
        )

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings of the service, plus the given ones."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SCORING_", "MODEL_", "AZUREML_"))
    }
    return {**clean, "PYTHONPATH": str(ROOT), **variables}


@contextmanager
def starting() -> Iterator[Callable[..., Server]]:
    """Start `python -m scoring serve`, which says itself when it is ready; at the end all stop."""
    servers: list[Server] = []

    def begin(*options: str, **variables: str) -> Server:
        variables = {"SCORING_WORKERS": "1", **variables}
        model = [] if "--model" in options else ["--model", str(MODEL)]
        process = subprocess.Popen(
            [sys.executable, "-m", "scoring", "serve", "--port", "0", *model, *options],
            env=environment(**variables),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            pytest.fail(f"the server ended with {process.wait(20)} before it was ready")
        port = json.loads(line)["port"]
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)
        servers.append(Server(process, port, client))
        return servers[-1]

    try:
        yield begin
    finally:
        for server in servers:
            server.client.close()
            if server.process.poll() is None:
                server.process.terminate()
        for server in servers:
            server.process.wait(60)
            assert server.process.stdout is not None
            server.process.stdout.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start services that end with the test."""
    with starting() as begin:
        yield begin


@pytest.fixture(scope="module")
def start_for_module() -> Iterator[Callable[..., Server]]:
    """Start services that end with the file."""
    with starting() as begin:
        yield begin


@pytest.fixture
def fail_to_start() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m scoring serve` where it must end by itself."""

    def run(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "scoring", "serve", "--port", "0", *options],
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


SMALL = {
    "SCORING_MAX_BODY_BYTES": str(1 << 20),
    "SCORING_MAX_ROWS": "100",
    "SCORING_LOG_REQUESTS": "false",
}


@pytest.fixture(scope="session")
def ours() -> Iterator[Server]:
    """One service with the committed model and small limits, for all tests that do not end it."""
    with starting() as begin:
        yield begin(**SMALL)


@pytest.fixture(scope="session")
def server(ours: Server) -> Server:
    """The same; where the application alone is tested, also under another server."""
    return ours


@pytest.fixture(scope="session")
def under_uvicorn() -> Iterator[Server]:
    """The same application under uvicorn, with the same limits."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "--factory", "scoring.asgi:create"),
                *("--fd", str(listener.fileno()), "--log-level", "warning", "--no-access-log"),
            ],
            env=environment(AZUREML_MODEL_DIR=str(MODEL), **SMALL),
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[listener.fileno()],
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)
    assert client.get("/ready", timeout=60).status_code == 200
    yield Server(process, port, client)
    client.close()
    process.terminate()
    assert process.wait(20) in (0, -signal.SIGTERM)
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """The committed model directory."""
    return MODEL


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """The 10,000 test images, (rows, 784), each value from 0 to 1."""
    packed = ROOT / "model_eval" / "data" / "t10k-images-idx3-ubyte.gz"
    pixels = np.frombuffer(gzip.decompress(packed.read_bytes()), np.uint8, offset=16)
    return pixels.reshape(-1, 784) / 255.0


@pytest.fixture(scope="session")
def estimator() -> Any:
    """The committed model as scikit-learn reads it."""
    return joblib.load(MODEL / Manifest.read(MODEL).file)
