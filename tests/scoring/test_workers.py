"""Several workers on one port: shared work, a killed one, one sum of counters, one end."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scoring.http.listener import listen
from scoring.manifest import Manifest
from scoring.process import cores
from scoring.process.scoreboard import Board
from scoring.settings import Settings
from tests.scoring.conftest import environment

ROW = [0.0] * 784


def until(condition: Callable[[], Any]) -> Any:
    limit = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < limit, "it did not come true within 20 s"
        time.sleep(0.01)
    return found


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def get(server: Any, path: str) -> httpx.Response:
    """On a connection of its own, so that any worker may answer."""
    return httpx.get(f"http://127.0.0.1:{server.port}{path}", trust_env=False, timeout=20)


def metrics(server: Any) -> dict[str, float]:
    text = get(server, "/metrics").text
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


@pytest.fixture
def pair(start: Any) -> Any:
    """Two workers."""
    return start(SCORING_WORKERS="2", SCORING_LOG_REQUESTS="false")


def test_two_workers_answer_side_by_side_and_count_together(pair):
    assert len(children(pair.process.pid)) == 2
    body = json.dumps({"data": [ROW]}).encode()
    head = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    clients = [socket.create_connection(("127.0.0.1", pair.port), 10) for _ in range(8)]
    try:
        seen = 0.0
        for _ in range(5):
            for client in clients:
                client.sendall(head + body)
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
            rows = metrics(pair)["scoring_rows_total"]
            assert rows >= seen  # whichever worker is asked, no counter falls
            seen = rows
        until(lambda: metrics(pair)["scoring_rows_total"] == 40)
        assert metrics(pair)["scoring_latency_seconds_count"] == 40
        until(lambda: metrics(pair)["scoring_connections"] == 9)
    finally:
        for client in clients:
            client.close()


def test_neither_of_two_workers_takes_all_connections(pair):
    """One that gets no processor while they come is left out; it does at one of ten times."""
    pair.client.close()
    shares: list[list[int]] = []

    def held() -> list[int]:
        return [connections(pid, pair.port) for pid in children(pair.process.pid)]

    while len(shares) < 10 and not (shares and min(shares[-1]) >= 3):
        until(lambda: sum(held()) == 0)
        clients = [socket.create_connection(("127.0.0.1", pair.port), 10) for _ in range(8)]
        until(lambda: sum(held()) == 8)
        shares.append(held())
        for client in clients:
            client.close()
    assert min(shares[-1]) >= 3, shares


def connections(pid: int, port: int) -> int:
    """Established connections of a process to a port, by the kernel's tables."""
    ours = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[3] == "01":
            ours.add(f"socket:[{fields[9]}]")
    links = Path(f"/proc/{pid}/fd").iterdir()
    return sum(str(link.readlink()) in ours for link in links)


def test_a_killed_worker_is_replaced_and_no_counter_falls(pair):
    for _ in range(20):
        answer = httpx.post(
            f"http://127.0.0.1:{pair.port}/score", json={"data": [ROW]}, trust_env=False
        )
        assert answer.status_code == 200
    until(lambda: metrics(pair)["scoring_rows_total"] == 20)
    victim, other = children(pair.process.pid)
    os.kill(victim, signal.SIGKILL)
    until(lambda: metrics(pair)["scoring_worker_restarts_total"] == 1)
    until(lambda: metrics(pair)["scoring_workers"] == 2)
    now = children(pair.process.pid)
    assert other in now
    assert victim not in now
    assert metrics(pair)["scoring_rows_total"] == 20
    assert get(pair, "/ready").status_code == 200
    pair.client.close()
    assert pair.stop() == 0
    lines = [json.loads(line) for line in pair.process.stdout.read().splitlines()]
    assert [(each["event"], each["status"]) for each in lines] == [("worker_ended", -9)]


def test_workers_that_keep_dying_end_the_service(start, tmp_path):
    script = tmp_path / "entry.py"
    script.write_text(
        "import os\n"
        "def init(): pass\n"
        "def run(raw_data):\n    os._exit(3) if raw_data == 'true' else None\n    return '1'\n"
    )
    server = start("--entry", str(script), SCORING_WORKERS="2")

    def ask() -> bool:
        with suppress(httpx.TransportError):
            httpx.post(
                f"http://127.0.0.1:{server.port}/score",
                content=b"true",
                trust_env=False,
                timeout=60,
            )
        return server.process.poll() is not None

    until(ask)
    assert server.process.returncode == 1


def test_a_failing_start_of_several_workers_is_one_line(fail_to_start, model_dir, tmp_path):
    script = tmp_path / "entry.py"
    script.write_text("def init(): raise ValueError('no disk')\ndef run(raw_data): ...")
    result = fail_to_start("--model", str(model_dir), "--entry", str(script), SCORING_WORKERS="3")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "no disk" in result.stderr
    assert result.stderr.count("\n") == 1


def test_workers_end_when_their_supervisor_is_killed(start):
    server = start(SCORING_WORKERS="2")
    workers = children(server.process.pid)
    assert len(workers) == 2
    server.process.kill()
    until(lambda: not any(map(alive, workers)))


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("command", ["scoring", "scoring.process"])
def test_no_library_takes_threads_for_cores_that_a_worker_only_sees(
    start, model_dir, tmp_path, workers, command
):
    """With two visible cores OpenBLAS would start a second thread as soon as numpy is imported."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core is visible")
    log = tmp_path / "log"
    given = {"SCORING_WORKERS": workers, "SCORING_PORT": "0"}
    arguments = ["-m", command] + (["serve"] if command == "scoring" else [])
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment(AZUREML_MODEL_DIR=str(model_dir), **given),
            stdout=output,
        )
    try:
        until(lambda: b'"ready"' in log.read_bytes() or process.poll() is not None)
        port = json.loads(log.read_bytes().splitlines()[0])["port"]
        answer = httpx.post(
            f"http://127.0.0.1:{port}/score", json={"data": [ROW] * 30}, trust_env=False
        )
        assert answer.status_code == 200
        family = psutil.Process(process.pid).children()
        assert [each.num_threads() for each in family] == [1] * int(workers)
    finally:
        process.terminate()
        process.wait(20)


def test_one_worker_is_started_and_replaced_as_several_are(start):
    server = start(SCORING_WORKERS="1")
    (victim,) = children(server.process.pid)
    os.kill(victim, signal.SIGKILL)
    until(lambda: children(server.process.pid) not in ([], [victim]))
    assert until(lambda: get(server, "/ready")).status_code == 200


@pytest.mark.parametrize("declared", [True, False])
def test_a_model_that_is_swapped_while_the_service_runs_is_not_served(
    start, model_dir, tmp_path, declared
):
    """A worker that is started later serves the bytes of the first ones."""
    model = tmp_path / "model"
    shutil.copytree(model_dir, model)
    variables = {"MODEL_SHA256": Manifest.read(model).sha256.upper()} if declared else {}
    server = start("--model", str(model), **variables)
    before = get(server, "/ready").json()
    (victim,) = children(server.process.pid)
    for path in model.iterdir():
        path.unlink()
    (model / "manifest.json").write_text("{}")
    os.kill(victim, signal.SIGKILL)
    until(lambda: children(server.process.pid) not in ([], [victim]))
    assert until(lambda: get(server, "/ready")).json() == before
    assert server.score({"data": [ROW]}).status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_hundreds_of_clients_may_connect_at_once(start, workers):
    """While nobody accepts: what the queue does not hold would wait a second, or for ever."""
    count = 600
    with Path("/proc/sys/net/core/somaxconn").open() as file:
        if int(file.read()) < count:
            pytest.skip("net.core.somaxconn allows fewer")
    server = start(SCORING_WORKERS=workers)
    family = children(server.process.pid)
    clients = [socket.socket() for _ in range(count)]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        for client in clients:
            client.settimeout(0.5)
            client.connect(("127.0.0.1", server.port))
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
        for client in clients:
            client.close()
    assert get(server, "/ready").status_code == 200


def test_without_a_free_descriptor_a_client_is_told_so(start):
    server = start(SCORING_WORKERS="1", SCORING_LOG_REQUESTS="false")
    (worker,) = children(server.process.pid)
    used = psutil.Process(worker).num_fds()
    before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + 10, before[1]))
    clients = [socket.create_connection(("127.0.0.1", server.port), 20) for _ in range(30)]
    try:
        answers = []
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            answers.append(client.recv(65536))
    finally:
        for client in clients:
            client.close()
    told = [each for each in answers if each.startswith(b"HTTP/1.1 503")]
    assert len(told) >= 20
    assert all(b"retry-after: 1" in each and b"out_of_descriptors" in each for each in told)
    assert sum(each.startswith(b"HTTP/1.1 200") for each in answers) == 30 - len(told)
    assert get(server, "/ready").status_code == 200


@pytest.mark.parametrize(
    ("soft", "hard", "most"), [(100, 100, 36), (100, 4096, 1024), (20, 20, 1), (4096, 4096, 1024)]
)
def test_connections_are_no_more_than_descriptors_allow(soft, hard, most):
    script = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "from scoring.process.descriptors import connections\n"
        "print(connections(1024))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, check=True
    )
    assert int(done.stdout) == most


def test_a_note_is_read_whole_while_it_is_written():
    board = Board(2)
    stop = threading.Event()

    def write() -> None:
        length = 0
        while not stop.is_set():
            length = (length + 7) % 9000
            board.publish(1, bytes([length % 251]) * length)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3000):
            assert len(set(board.note(1))) <= 1
    finally:
        stop.set()
        writer.join()
    assert board.note(0) == b""


@pytest.mark.parametrize(
    ("maximum", "expected"), [("max 100000", None), ("150000 100000", 1), ("20000 100000", 1)]
)
def test_cores_follow_the_control_groups_quota(tmp_path, maximum, expected):
    group = tmp_path / "cgroup" / "pod" / "container"
    group.mkdir(parents=True)
    (group / "cpu.max").write_text("max 100000\n")
    (group.parent / "cpu.max").write_text(f"{maximum}\n")
    membership = tmp_path / "membership"
    membership.write_text("0::/pod/container\n")
    found = cores.available(tmp_path / "cgroup", membership)
    assert found == (expected or len(os.sched_getaffinity(0)))


def test_accepted_sockets_send_small_answers_at_once(model_dir):
    with listen(Settings(model_dir=model_dir, port=0)) as listener:
        with socket.create_connection(listener.getsockname(), 10):
            accepted = until(lambda: accept(listener))
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        accepted.close()


def accept(listener: socket.socket) -> socket.socket | None:
    try:
        return listener.accept()[0]
    except BlockingIOError:
        return None
