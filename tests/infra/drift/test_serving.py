"""The first line: whether the endpoint answers now, with Azure's help or without."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.arm.errors import ArmError
from infra.disclosure.mask import Mask
from infra.drift import serving
from infra.drift.sample import Sample
from infra.drift.scoring_group import ActualGroup
from infra.drift.serving import Served
from infra.drift.stack import Stack
from infra.preview.events import STACK_TYPE

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
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def ask(port: int, group: Any, *, declared: bool = True, known: bool = True) -> Served:
    outputs = {"scoring_uri": f"http://127.0.0.1:{port}/score", "model_sha256": SHA256}
    resources: list[dict[str, Any]] = [
        {"urn": "s", "type": STACK_TYPE, "outputs": outputs if declared else {}}
    ]
    if known:
        resources.append(
            {"urn": "g", "type": azure_facts.CONTAINER_GROUP, "id": "/g", "custom": True}
        )
    stack = Stack("dev", Path(), {"deployment": {"resources": resources}})

    def read() -> Any:
        if isinstance(group, Exception):
            raise group
        return group

    return serving.ask(stack, read, Sample(rows=[[0]], answers=[1]), Mask())


def test_one_that_answers_as_declared(port: int) -> None:
    served = ask(port, ActualGroup("127.0.0.1", "Running", []))
    assert (served.now, served.how, served.findings) == ("The endpoint answers.", "answered", ())


def test_it_is_asked_where_it_was_declared_when_azure_does_not_say(port: int, closed: int) -> None:
    refused = ArmError("Azure refused the login")
    assert ask(port, refused).now == "The endpoint answers."
    gone = ask(closed, refused)
    assert gone.now == "The endpoint does not answer."
    assert gone.broken is not None


def test_another_address_is_asked_and_said() -> None:
    with ThreadingHTTPServer(("127.0.0.2", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        served = ask(server.server_address[1], ActualGroup("127.0.0.2", "Running", []))
        server.shutdown()
        thread.join()
    assert [one.path for one in served.findings] == ["scoring_uri"]
    assert served.now == "The endpoint answers."


def test_a_group_that_does_not_run_is_critical_and_is_not_asked(port: int) -> None:
    served = ask(port, ActualGroup("127.0.0.1", "Stopped", []))
    assert served.now.startswith("The endpoint does not answer: its container group does not run")
    assert [(one.path, one.actual) for one in served.findings] == [("state", "Stopped")]


@pytest.mark.parametrize("known", [True, False])
def test_without_a_group_it_is_told_whether_anybody_answers(
    port: int, closed: int, known: bool
) -> None:
    assert ask(port, None, known=known).now == "The endpoint answers."
    served = ask(closed, None, known=known)
    assert served.now == "The endpoint does not answer."
    assert ("is missing" if known else "is in no state") in served.how


def test_a_stack_without_an_endpoint_says_so(closed: int) -> None:
    assert ask(closed, None, declared=False).now == "No endpoint is declared."
