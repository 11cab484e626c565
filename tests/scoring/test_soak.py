"""The soak stands a good service, and names what a bad one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scoring.bench.attacks.hostile import HOSTILE
from scoring.bench.faults import FAULTS, Target
from scoring.bench.servers import Running
from scoring.bench.soak import Outcome, Question, Soak, thirds

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
    import http.server, json, os, socketserver, sys, time
    kept, count, killed = [], 0, 0

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass
        def do_POST(self):
            global count
            count += 1
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = 200, b"[7]"
            {fault}
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    while "workers" in sys.argv and os.fork():
        os.wait()
        killed += 1
    server.serve_forever()
"""
DROP_LATER = "if killed and count % 20 == 0: return self.connection.shutdown(2)"


@pytest.fixture
def bad(tmp_path: Path) -> Iterator[Callable[[str], Running]]:
    """Start a server that answers `[7]`, but for a line of Python that goes wrong."""
    started: list[subprocess.Popen[bytes]] = []

    def start(fault: str, *arguments: str) -> Running:
        script = tmp_path / "server.py"
        script.write_text(textwrap.dedent(SERVER).replace("{fault}", fault))
        process = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        return Running("bad", process, int(process.stdout.readline()), tmp_path / "log")

    yield start
    for process in started:
        with suppress(ProcessLookupError):  # one that ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def soak(server: Running, *problems: str, verdict: str = "", seconds: float = 0.6) -> Outcome:
    """Go on, each time for longer, until these problems were seen, and a verdict that begins so:
    a busy machine answers less."""
    question = Question("/score", {}, b"{}", json.loads, [7])
    target = Target(server.port, "key", [0.0], 7)
    while True:
        outcome = Soak(server, target, [question], kill=False).run(seconds)
        told = any(one.startswith(verdict) for one in outcome.verdict()) or not verdict
        if (told and all(outcome.problems[problem] for problem in problems)) or seconds > 20:
            return outcome
        seconds *= 3


def test_a_wrong_answer_is_reported(bad):
    outcome = soak(bad('if count % 20 == 0: body = b"[8]"'), "a wrong answer")
    assert outcome.answers > 0
    assert outcome.problems["a wrong answer"] > 0
    assert any("times a wrong answer" in one for one in outcome.verdict())


def test_an_answer_that_is_no_json_is_a_wrong_one(bad):
    outcome = soak(bad('if count % 20 == 0: body = b"["'), "a wrong answer")
    assert outcome.problems["a wrong answer"] > 0


def test_a_server_error_is_reported(bad):
    problem = "HTTP 503 to a good request"
    assert soak(bad("if count % 20 == 0: status = 503"), problem).problems[problem] > 0


def test_a_connection_that_breaks_off_is_reported(bad):
    problem = "a good request broke off"
    server = bad("if count % 20 == 0: self.connection.shutdown(2); return")
    assert soak(server, problem).problems[problem] > 0


@pytest.mark.parametrize(
    ("fault", "dropped"),
    [("pass", False), (DROP_LATER, True)],
    ids=["killed only", "killed and dropped"],
)
def test_a_connection_that_a_kill_took_is_told_from_one_that_was_dropped(
    bad, monkeypatch, fault, dropped
):
    """However short the time between them; a bad server's other faults are not looked at here."""
    monkeypatch.setattr("scoring.bench.soak.KILL_SECONDS", 0.2)
    monkeypatch.setattr("scoring.bench.soak.Soak._replaced", lambda *_: True)
    question, seconds = Question("/score", {}, b"{}", json.loads, [7]), 1.0
    while True:
        server = bad(fault, "workers")
        outcome = Soak(server, Target(server.port, "key", [0.0], 7), [question]).run(seconds)
        broken = outcome.problems["a good request broke off"]
        if (outcome.killed > 1 and outcome.excused and broken >= dropped) or seconds > 20:
            break
        seconds *= 2
    assert outcome.killed > 1
    assert outcome.excused > 0
    assert (broken > 0) == dropped


def test_a_fault_that_is_accepted_is_reported(bad):
    problems = ["bad_json answered otherwise", "wrong_key answered otherwise"]
    outcome = soak(bad("pass"), *problems)
    assert all(outcome.problems[problem] > 0 for problem in problems)
    assert any("instead of 400" in one for one in outcome.examples)


def test_memory_that_grows_is_reported(bad):
    outcome = soak(bad('kept.append(b"x" * 2_000_000)'), verdict="memory grew", seconds=2)
    assert any(one.startswith("memory grew") for one in outcome.verdict())


def test_open_files_that_grow_are_reported(bad):
    outcome = soak(bad('kept.append(open("/dev/null"))'), verdict="open files grew")
    assert any(one.startswith("open files grew") for one in outcome.verdict())


def test_a_service_that_ends_is_reported_and_ends_the_soak(bad):
    outcome = soak(bad("if count == 20: os._exit(3)"), seconds=60)
    assert outcome.problems["the service ended"] == 1
    assert outcome.seconds < 30


def test_a_service_that_answers_nothing_is_reported():
    assert Outcome().verdict() == ["no request was answered"]


def test_a_warm_up_is_not_growth():
    values = [1] * 2 + [50] * 18
    assert thirds(values) == (50, 50)
    assert Outcome(answers=1, memory=[10**9] * 30, files=[9] * 30).verdict() == []


@pytest.mark.slow
def test_our_service_stands_it(tmp_path):
    """Long enough for a worker to be killed and replaced."""
    file = tmp_path / "soak.json"
    done = subprocess.run(
        [sys.executable, "-m", "scoring.bench", "soak", "--minutes", "0.3", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(file.read_text())
    assert outcome["answers"] > 100
    assert outcome["killed"] == 1
    assert set(outcome["faults"]) == {*FAULTS, *HOSTILE}
    assert outcome["problems"] == {}
