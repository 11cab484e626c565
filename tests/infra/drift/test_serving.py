"""The first line: whether the endpoint answers now, with Azure's help or without."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.arm.errors import ArmError
from infra.disclosure.mask import Mask
from infra.drift import serving
from infra.drift.actual import Actual
from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.sample import Sample
from infra.drift.serving import Served
from infra.drift.stack import Stack
from infra.preview.events import STACK_TYPE
from tests.support.answering import answering

SHA256 = "a" * 64


class Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        self.answer(b'{"model": {"sha256": "%s"}}' % SHA256.encode())

    def do_POST(self) -> None:
        self.answer(b"[1]")

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def port() -> Iterator[int]:
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield server.server_address[1]


def ask(
    port: int,
    group: Any,
    *,
    declared: bool = True,
    known: bool = True,
    kind: str = azure_facts.CONTAINER_GROUP,
    asked: Sample | None = None,
    mask: Mask | None = None,
) -> Served:
    outputs = {"scoring_uri": f"http://127.0.0.1:{port}/score", "model_sha256": SHA256}
    resources: list[dict[str, Any]] = [
        {"urn": "s", "type": STACK_TYPE, "outputs": outputs if declared else {}}
    ]
    if known:
        resources.append({"urn": "g", "type": kind, "id": "/g", "custom": True})
    stack = Stack("dev", Path(), {"deployment": {"resources": resources}})

    def read() -> Any:
        if isinstance(group, Exception):
            raise group
        return group

    sample = asked or Sample(rows=[[0]], answers=[1])
    return serving.ask(stack, read, sample, mask or Mask())


def test_one_that_answers_as_declared(port: int) -> None:
    running = Actual("127.0.0.1", "Running", [])
    assert ask(port, running) == Served("The endpoint answers.")
    assert ask(port, running).how == "answered"
    without_a_host = Actual("", "Running", [])
    assert ask(port, without_a_host) == Served("The endpoint answers.")


def test_one_that_answers_wrong_says_so_before_anything_else(port: int) -> None:
    wrong = Sample(rows=[[0]], answers=[2])
    served = ask(port, Actual("127.0.0.1", "Running", []), asked=wrong)
    assert served.now == "The endpoint answers, but not as declared."
    assert [one.path for one in served.findings] == ["answers"]


def test_a_sample_that_is_for_another_model_is_said_beside_the_answer(port: int) -> None:
    asked = Sample(rows=[[0]], answers=[1], model="other")
    served = ask(port, Actual("127.0.0.1", "Running", []), asked=asked)
    assert served.now == "The endpoint answers."
    assert served.how == f"answered; its predictions were not asked for: {asked.other}"


def test_a_roll_out_that_is_stuck_is_told_and_no_reason_to_doubt_the_endpoint(port: int) -> None:
    stuck = Actual("127.0.0.1", "Running", [], stuck="pull of hunter2-hunter2 failed")
    served = ask(port, stuck, mask=Mask.of(["hunter2-hunter2"]))
    assert served == Served(
        "The endpoint answers.",
        findings=(
            Finding(
                question=Question.ENDPOINT,
                resource="endpoint",
                type="",
                path="rollout",
                label="",
                declared="complete",
                actual="pull of [hidden] failed",
                kind=Kind.CHANGED,
                severity=Severity.MAJOR,
                reason="what was there before serves on",
            ),
        ),
    )


def test_it_is_asked_where_it_was_declared_when_azure_does_not_say(
    port: int, closed_port: int
) -> None:
    refused = ArmError("Azure refused the login")
    assert ask(port, refused).now == "The endpoint answers."
    gone = ask(closed_port, refused)
    assert (gone.now, gone.how) == ("The endpoint does not answer.", "not reached")
    assert "was not reached" in str(gone.broken)
    # It is not waited for: the check breaks anyway.
    assert ask(closed_port, DriftError("the cluster was not reached")).now == gone.now


def test_another_address_is_asked_and_said() -> None:
    with answering(ThreadingHTTPServer(("127.0.0.2", 0), Handler)) as server:
        served = ask(server.server_address[1], Actual("127.0.0.2", "Running", []))
    (moved,) = served.findings
    port = server.server_address[1]
    assert (moved.path, moved.declared) == ("scoring_uri", f"http://127.0.0.1:{port}/score")
    assert moved.actual == f"http://127.0.0.2:{port}/score"
    assert (moved.severity, moved.reason) == (Severity.MAJOR, "it has another address")
    assert served.now == "The endpoint answers."


def test_an_address_that_may_not_be_shown_is_hidden() -> None:
    moved = serving._moved("http://a.test/score", "hunter2.test", Mask.of(["hunter2.test"]))
    assert [one.actual for one in moved] == ["[hidden]"]


def test_a_group_that_does_not_run_is_critical_and_is_not_asked(port: int) -> None:
    for state, shown in (("Stopped", "Stopped"), ("", "(none)")):
        served = ask(port, Actual("127.0.0.1", state, []))
        assert served.now == "The endpoint does not answer: its container group does not run."
        assert served.how == "not asked: its container group does not run"
        (one,) = served.findings
        assert (one.path, one.declared, one.actual) == ("state", "Running", shown)
        assert one.severity is Severity.CRITICAL


def test_without_a_deployment_it_is_told_whether_anybody_answers(port: int) -> None:
    served = ask(port, None, kind=azure_facts.DEPLOYMENT)
    assert served == Served("The endpoint answers.", "not asked: its Deployment is missing")


def test_a_service_that_is_not_ready_is_told_from_one_that_answers_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving.endpoint, "PATIENCE", 0.0)

    class Starting(Handler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.send_header("content-length", "0")
            self.end_headers()

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Starting)) as server:
        served = ask(server.server_address[1], Actual("127.0.0.1", "Running", []))
    assert (served.now, served.how) == ("The endpoint is not ready.", "answered")


def test_a_sample_that_is_refused_breaks_the_check_of_an_endpoint_that_answers() -> None:
    class Refusing(Handler):
        def do_POST(self) -> None:
            self.send_response(422)
            self.send_header("content-length", "0")
            self.end_headers()

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Refusing)) as server:
        group = Actual("127.0.0.1", "Running", [], stuck="late")
        served = ask(server.server_address[1], group)
    assert (served.now, served.how) == ("The endpoint answers.", "not answered")
    assert "HTTP 422" in str(served.broken)
    assert [one.path for one in served.findings] == ["rollout"]


@pytest.mark.parametrize("known", [True, False])
def test_without_a_group_it_is_told_whether_anybody_answers(
    port: int, closed_port: int, known: bool
) -> None:
    assert ask(port, None, known=known).now == "The endpoint answers."
    served = ask(closed_port, None, known=known)
    assert served.now == "The endpoint does not answer."
    assert ("is missing" if known else "is in no state") in served.how


def test_a_stack_without_an_endpoint_says_so(closed_port: int) -> None:
    assert ask(closed_port, None, declared=False) == Served(
        "No endpoint is declared.", "no endpoint is declared"
    )
