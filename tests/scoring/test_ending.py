"""SIGTERM: no request is lost, nothing is waited for in vain, and the limit holds."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import psutil
import pytest

from scoring.bench import drain
from scoring.http.listener import begin_no_more, listen
from scoring.settings import Settings

ROW = [0.0] * 784
BODY = json.dumps({"data": [ROW]}).encode()
REQUEST = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


def until(condition: Any) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit, "it did not come true within 20 s"
        time.sleep(0.005)


def seconds_to_end(server: Any) -> float:
    began = time.monotonic()
    assert server.stop() == 0
    return time.monotonic() - began


def test_no_request_is_lost_under_load_and_the_end_comes_early(model_dir):
    """One and two workers, small and large requests, kept and new connections."""
    images = model_dir.parents[2] / "data" / "t10k-images-idx3-ubyte.gz"
    endings = list(drain.runs(model_dir, images, 1))
    assert [(each.workers, each.size) for each in endings] == [
        (workers, size) for workers in (1, 2) for size in drain.ROWS
    ]
    assert [each.lost for each in endings] == [[]] * 4
    assert [each.status for each in endings] == [0] * 4
    assert all(each.after for each in endings)
    assert max(each.seconds for each in endings) < 6  # of 8 that it may take


def test_ready_says_503_while_the_service_still_answers(start):
    server = start(SCORING_DRAIN_TIMEOUT="20")
    with socket.create_connection(("127.0.0.1", server.port), 10) as busy:
        busy.sendall(REQUEST[:-1])
        assert server.client.get("/ready").status_code == 200  # what came above was read before
        server.process.terminate()
        until(lambda: server.client.get("/ready").status_code == 503)
        answer = server.score({"data": [ROW]})
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        busy.sendall(REQUEST[-1:])
        assert busy.recv(65536).startswith(b"HTTP/1.1 200")
    server.client.close()
    assert server.process.wait(20) == 0


def test_a_kept_connection_is_answered_once_more_before_it_is_closed(start):
    server = start()
    with socket.create_connection(("127.0.0.1", server.port), 10) as kept:
        kept.sendall(REQUEST)
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        server.process.terminate()
        until(lambda: server.client.get("/ready").status_code == 503)
        kept.sendall(REQUEST)
        answer = b"".join(iter(lambda: kept.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\nconnection: close\r\n" in answer
    server.client.close()
    assert server.process.wait(20) == 0


def test_connections_without_a_request_do_not_delay_the_end(start):
    server = start(SCORING_DRAIN_TIMEOUT="20")
    silent = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(5)]
    silent[0].sendall(REQUEST)
    assert silent[0].recv(65536).startswith(b"HTTP/1.1 200")
    server.client.close()
    assert seconds_to_end(server) < 8
    for client in silent:
        assert client.recv(65536) == b""
        client.close()


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    "work",
    ["time.sleep(60)", "while True: pass", "re.match('(a|aa)+$', 'a' * 60 + 'b')"],
    ids=["waits", "computes", "holds the interpreter"],
)
def test_a_script_at_work_does_not_delay_the_end_beyond_its_limit(start, tmp_path, work, workers):
    script = tmp_path / "entry.py"
    script.write_text(f"import re, time\ndef init(): pass\ndef run(raw_data):\n    {work}\n")
    server = start("--entry", str(script), SCORING_DRAIN_TIMEOUT="1.5", SCORING_WORKERS=workers)
    clients = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(2)]
    for client in clients:
        client.sendall(REQUEST)
    family = psutil.Process(server.process.pid).children()
    until(lambda: any(each.num_threads() > 1 for each in family))  # the script's own has begun
    server.client.close()
    assert seconds_to_end(server) < 4
    assert not any(each.is_running() for each in family)
    for client in clients:
        client.close()


def test_a_listener_that_ends_takes_who_has_begun_and_nobody_else(model_dir):
    with listen(Settings(model_dir=model_dir, port=0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, 10) as early:
            early.sendall(b"early")
            assert begin_no_more(listener)
            with socket.socket() as late:
                late.settimeout(0.3)  # less than the second after which it would ask again
                with pytest.raises(TimeoutError):
                    late.connect(address)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(10) == b"early"
            with pytest.raises(BlockingIOError):
                listener.accept()
    with socket.socket() as late, pytest.raises(ConnectionRefusedError):
        late.connect(address)
