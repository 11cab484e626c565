"""As in the container: nobody's user, nothing to write on, and a gigabyte of memory."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from scoring.bench.servers import clean

ROOT = Path(__file__).resolve().parents[2]
ROW = [0.0] * 784
LARGEST = 16 << 20
SANDBOX = (
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'for place in /tmp /var/tmp "$HOME"; do mount -o remount,bind,ro "$place" 2>/dev/null; done; '
    'mount -o remount,bind,ro / && exec unshare --user "$@"',
    "sh",
)
"""What can be written made read-only, then a user without a name and without rights."""


@pytest.fixture
def confined(model_dir: Path, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start the service so, as the image does; its port."""
    if (
        not shutil.which("unshare")
        or subprocess.run([*SANDBOX, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this kernel does not let a user make namespaces")
    started: list[subprocess.Popen[str]] = []

    def start(**variables: str) -> int:
        process = subprocess.Popen(
            [*SANDBOX, sys.executable, "-m", "scoring.process"],
            cwd=tmp_path,
            env={
                **clean(),
                "PYTHONPATH": str(ROOT),
                "AZUREML_MODEL_DIR": str(model_dir),
                "SCORING_PORT": "0",
                "SCORING_WORKERS": "2",
                **variables,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return json.loads(process.stdout.readline())["port"]

    yield start
    for process in started:
        process.terminate()
        assert process.wait(20) == 0
        assert process.stdout is not None
        process.stdout.close()


def test_it_serves_as_nobody_with_a_read_only_file_system(confined):
    port = confined()
    answer = httpx.post(
        f"http://127.0.0.1:{port}/score", json={"data": [ROW]}, trust_env=False, timeout=60
    )
    assert answer.status_code == 200
    assert len(answer.json()) == 1


def test_the_confinement_is_real(confined, tmp_path):
    """A script in the same place may neither write nor be root."""
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, tempfile\n"
        "def init(): pass\n"
        "def run(raw_data):\n"
        "    writable = []\n"
        "    for folder in (os.getcwd(), os.path.expanduser('~'), '/tmp', '/var/tmp', '/'):\n"
        "        try:\n"
        "            tempfile.TemporaryFile(dir=folder).close()\n"
        "            writable.append(folder)\n"
        "        except OSError: pass\n"
        "    return json.dumps([os.getuid(), writable])\n"
    )
    port = confined(SCORING_SCRIPT=str(script))
    answer = httpx.post(f"http://127.0.0.1:{port}/score", json={}, trust_env=False, timeout=60)
    user, writable = answer.json()
    assert user != 0
    assert writable == []


@pytest.mark.slow
def test_64_clients_with_the_largest_bodies_stay_under_a_gigabyte(start):
    """All workers together, at the worst moment; who is turned away is told when to come back."""
    server = start(SCORING_WORKERS="2", SCORING_LOG_REQUESTS="false")
    row = json.dumps([0.12345678901234567] * 784)
    count = (LARGEST - 100) // (len(row) + 2)
    body = ('{"data": [' + ", ".join([row] * count) + "]}").encode()
    assert LARGEST * 0.99 < len(body) <= LARGEST
    head = f"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    statuses: list[str] = []
    go = threading.Barrier(65)

    def send() -> None:
        with socket.create_connection(("127.0.0.1", server.port), 60) as client:
            go.wait()
            data = b""
            with contextlib.suppress(OSError):  # turned away in the middle
                client.sendall(head + body)
            with contextlib.suppress(OSError):
                while b"\r\n\r\n" not in data and (piece := client.recv(65536)):
                    data += piece
            statuses.append(data[9:12].decode() + (" retry" if b"retry-after" in data else ""))

    threads = [threading.Thread(target=send) for _ in range(64)]
    for thread in threads:
        thread.start()
    go.wait()
    top, most = psutil.Process(server.process.pid), 0
    while any(thread.is_alive() for thread in threads):
        tree = [top, *top.children(recursive=True)]
        most = max(most, sum(process.memory_full_info().pss for process in tree))
    for thread in threads:
        thread.join()
    assert most < 1_000_000_000
    assert set(statuses) <= {"200", "503 retry", ""}
    assert "200" in statuses
    assert server.score({"data": [ROW]}).status_code == 200
