"""The bench measures what it says, stops at a wrong answer, and names a missed target."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from scoring.bench import bodies, generator, load, report
from scoring.bench.comparison import NEW_CONNECTIONS
from scoring.bench.load import Load, WrongAnswerError
from scoring.bench.plan import Comparison, Line, Pair

ROOT = Path(__file__).resolve().parents[2]


class Threading(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing: clients leave when their load ends."""


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Start a server that gives these answers in turn, the last for ever; its port."""
    servers: list[Threading] = []

    def start(*answers: tuple[int, bytes], close: bool = False) -> int:
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format, *args):
                pass

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                status, body = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if close:
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

        server = Threading(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


REQUEST = bodies.request("/score", b"{}")


@pytest.mark.parametrize("close", [False, True], ids=["kept", "closed each time"])
def test_right_answers_are_counted_and_timed(serve, close):
    port = serve((200, b"[7]"), close=close)
    found, elapsed = busy(lambda seconds: load.run(port, REQUEST, b"[7]", seconds, connections=2))
    agrees(found, elapsed, 2)


def busy(run: Callable[[float], Load]) -> tuple[Load, float]:
    """A load of more than ten answers, which takes longer on a machine that is busy; its time."""
    seconds = 0.3
    while True:
        began = time.perf_counter()
        found = run(seconds)
        elapsed = time.perf_counter() - began
        if found.answers > 10 or seconds > 30:
            return found, elapsed
        seconds *= 3


def agrees(found: Load, elapsed: float, connections: int) -> None:
    """Rate and latencies are those of one load, however busy the machine is."""
    assert found.answers > 10
    assert found.rate * elapsed > found.answers * 0.95  # it ended with the last answer, not later
    # Half of all answers took p50 or longer, and no more than all connections waited at a time.
    assert found.rate * found.p50 < 2.1 * connections
    assert 0 < found.p50 <= found.p99 < elapsed


@pytest.mark.parametrize(
    "answer", [(200, b"[8]"), (200, b"[7"), (200, b"[7] "), (500, b"[7]"), (200, b"")]
)
def test_one_wrong_answer_among_many_stops_it(serve, answer):
    port = serve(*[(200, b"[7]")] * 20, answer, (200, b"[7]"))
    with pytest.raises(WrongAnswerError, match="the server answered"):
        load.run(port, REQUEST, b"[7]", 5, connections=2)


def test_a_slow_machine_gives_at_least_one_answer(serve):
    assert load.run(serve((200, b"[7]")), REQUEST, b"[7]", 0, connections=1).answers == 1


@pytest.mark.parametrize("sleeping", [False, True])
def test_a_server_that_says_nothing_is_given_up(monkeypatch, sleeping):
    monkeypatch.setattr(load, "PATIENCE_SECONDS", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(WrongAnswerError, match=r"no answer came within 0\.3 s"),
    ):
        load.run(silent.getsockname()[1], REQUEST, b"[7]", 0.1, sleeping=sleeping)


def test_a_refusal_is_no_answer(serve):
    with pytest.raises(WrongAnswerError, match=r"HTTP/1\.1 400"):
        load.ask(serve((400, b"{}")), REQUEST)


def some(rate: float, p99: float = 0.0015) -> Load:
    return Load(rate, 0.001, p99, 100)


def a_line(form: str, rows: int, *loads: Load) -> Line:
    return Line(form, rows, 5000, loads, (some(100),) * len(loads), (0.9,) * len(loads))


def a_new_connection(rate: float) -> Line:
    return Line(NEW_CONNECTIONS, 1, 400, (some(rate),), (some(100),), mlserver=(some(50),))


def a_general(*loads: Load) -> Line:
    """One of Microsoft's 100 a second, and of MLServer's 50, a round."""
    others = (some(100),) * len(loads), (some(50),) * len(loads)
    return Line("SVC", 30, 5000, loads, others[0], mlserver=others[1])


def a_comparison(**changes) -> Comparison:
    good = a_line("JSON", 1, some(2600), some(3000), some(2000))
    megabytes = Pair(40e6, 100e6)
    scaling = {1: [100.0], 2: [150.0]}
    made = Comparison((good,), (Pair(0.1, 1.0),), megabytes, megabytes, scaling, 2)
    return replace(made, **changes)


def test_the_median_of_the_rounds_counts():
    (line,) = a_comparison().lines
    assert line.ratio == 26
    assert report.missed(a_comparison()) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"lines": (a_line("JSON", 1, some(1900)),)}, "19.0x, not 25x"),
        ({"lines": (a_line("UINT8", 30, some(1900)),)}, "19.0x, not 90x"),
        ({"lines": (a_line("JSON", 1, some(2600)), a_new_connection(1900))}, "19.0x, not 25x"),
        ({"lines": (a_line("JSON", 30, some(9000, 0.0025)),)}, "the p99 of JSON"),
        ({"starts": (Pair(0.2, 1.0),)}, "a cold start is 5.0x"),
        ({"resident": Pair(60, 100)}, "memory is 0.60"),
        ({"general": (a_general(some(60), some(98)),)}, "is 0.79 times Microsoft's"),
        ({"seen": (Pair(300, 60), Pair(300, 100))}, "is 4.0 times as fast"),
    ],
)
def test_a_missed_target_is_named(changes, named):
    (missed,) = report.missed(a_comparison(**changes))
    assert named in missed


def test_the_table_has_ratio_and_spread():
    text = report.markdown(a_comparison())
    assert "| JSON | 1 | 2,600 | 100 |  | **26.0x** (20.0 to 30.0) | 25x |" in text
    assert "10.0x as fast" in text
    assert "0.40 of theirs" in text
    assert "1.50 times (1.50 to 1.50) as many" in text


def test_mlserver_stands_beside_microsofts_server():
    line = replace(a_line("JSON", 1, some(2600)), mlserver=(some(150),))
    starts = (Pair(0.1, 1.0, 3.0),)
    text = report.markdown(a_comparison(lines=(line,), starts=starts))
    assert "| 2,600 | 100 | 150 (1.5x) | **26.0x**" in text
    assert "(MLServer 3.00 s)" in text


def test_processor_time_stands_beside_the_rates():
    line = replace(
        a_line("JSON", 30, some(1000)), spent=(Pair(0.0004, 0.0048), Pair(0.0005, 0.005))
    )
    text = report.markdown(a_comparison(lines=(line,)))
    assert "JSON of 30 11.0x (0.45 ms beside 4.9 ms)" in text


def test_connections_that_are_not_kept_have_a_row():
    lines = (a_line("JSON", 1, some(2600)), a_new_connection(2500))
    text = report.markdown(a_comparison(lines=lines))
    assert f"| {NEW_CONNECTIONS} | 1 | 2,500 | 100 | 50.0 (0.5x) | **25.0x**" in text


def test_models_that_are_not_linear_have_a_table_of_their_own():
    line = a_general(some(120), some(90), some(130))
    text = report.markdown(a_comparison(general=(line,)))
    ratios = "**1.20x** (0.90 to 1.30) | **2.40x** (1.80 to 2.60)"
    assert f"| SVC | 30 | 120 | 100 | 50.0 | {ratios} |" in text
    assert report.missed(a_comparison(general=(line,))) == []  # one slow round is the machine's


def test_the_table_names_its_generator_and_says_when_nobody_else_has_it():
    named = report.markdown(a_comparison(generator="wrk debian/4.1.0"))
    assert "Load by wrk debian/4.1.0, eight connections; every answer was compared" in named
    own = report.markdown(a_comparison(generator=generator.Own().name, foreign=False))
    assert "Such ratios compare with nothing" in own


def test_a_worker_that_sees_more_cores_than_it_has_gets_its_line():
    text = report.markdown(a_comparison(seen=(Pair(535, 64), Pair(500, 50))))
    assert "that sees 2: 518 requests of 1,000 rows of UINT8 a second" in text
    assert "9.2 times (8.4 to 10.0; target 8)" in text


def test_a_bare_server_shows_what_is_the_machines():
    loads = {"theirs": (some(100),), "bare": (some(5000, 0.004),)}
    text = report.markdown(a_comparison(lines=(replace(a_line("JSON", 1, some(2600)), **loads),)))
    assert "| 1.50 | 50.0x | 4.00 |" in text


def foreign() -> list[generator.Generator]:
    """Those that are on this machine; none is built for a test."""
    kinds = {"wrk": generator.Wrk, "bombardier": generator.Bombardier}
    return [kind(found) for name, kind in kinds.items() if (found := shutil.which(name))]


@pytest.mark.parametrize("tool", [generator.Own(), *foreign()], ids=lambda tool: tool.name)
def test_any_generator_measures_and_finds_answers_that_are_not_good(serve, tool):
    port = serve((200, b"[7]"))
    agrees(*busy(lambda seconds: tool.run(port, REQUEST, b"[7]", seconds)), load.CONNECTIONS)
    with pytest.raises(WrongAnswerError):
        tool.run(serve((500, b"[7]")), REQUEST, b"[7]", 1)


def test_an_answer_that_takes_longer_than_wrk_waits_by_default_is_no_broken_connection(tmp_path):
    """A thousand rows take Microsoft's server 2 s and more when eight clients ask at once."""
    wrk = tmp_path / "wrk"
    wrk.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho FOUND 9 1000000 5 6 0 0\n')
    wrk.chmod(0o755)
    assert generator.Wrk(str(wrk)).run(1, REQUEST, b"", 1).answers == 9
    assert "--timeout 30s" in (tmp_path / "asked").read_text()


def test_wrk_comes_first_then_what_go_builds_then_our_own(monkeypatch):
    monkeypatch.setattr(generator, "go_program", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/true" if name == "wrk" else None)
    assert isinstance(generator.find(), generator.Wrk)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert isinstance(generator.find(), generator.Own)
    monkeypatch.setattr(generator, "go_program", lambda _: Path("/bin/true"))
    assert isinstance(generator.find(), generator.Bombardier)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_bench_runs_in_short(tmp_path):
    files = tmp_path / "bench.json", tmp_path / "bench.md"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scoring.bench", "compare"),
            "--quick",
            *("--json", str(files[0]), "--markdown", str(files[1])),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert files[0].exists(), done.stderr
    found = json.loads(files[0].read_text())
    # A fraction of a second judges nobody; but what it says has to be what it found.
    assert done.returncode == 0, done.stderr
    assert all(missed in done.stderr.splitlines()[-1] for missed in found["missed"])
    assert len(found["lines"]) == 7
    assert found["lines"][-1]["form"] == "JSON, a connection each"
    assert [len(line["mlserver"]) for line in found["lines"]] == [2, 2, 0, 0, 0, 0, 2]
    assert all(load["answers"] for line in found["lines"] for load in line["bare"])
    assert [len(line["bare"]) for line in found["lines"]] == [2] * 7
    assert len(found["general"]) == 6
    assert files[1].read_text() in done.stdout
    assert found["ratios"]["JSON 1"] > 5


def test_a_model_that_is_not_there_is_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "scoring.bench", "soak", "--model", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_bench_that_is_told_to_end_leaves_no_server():
    command = [sys.executable, "-m", "scoring.bench", "soak", "--minutes", "5"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as bench:
        below: list[psutil.Process] = []
        try:
            limit = time.monotonic() + 60
            while len(below) < 2:  # the service and a worker of it
                assert time.monotonic() < limit
                assert bench.poll() is None
                below = psutil.Process(bench.pid).children(recursive=True)
            bench.send_signal(signal.SIGTERM)
            assert bench.wait(60)
            assert not psutil.wait_procs(below, timeout=10)[1]
        finally:
            bench.kill()
            for each in psutil.wait_procs(below, timeout=0)[1]:
                each.kill()
