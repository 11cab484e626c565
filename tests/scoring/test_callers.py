"""Callers count what was answered and what was lost, and never hide the latter."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator

import pytest

from scoring.bench.callers import Callers

BODY = b'{"data": []}'


class Service(http.server.ThreadingHTTPServer):
    """Answers as told, and remembers how it was asked."""

    daemon_threads = True

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.keys: set[str | None] = set()
        self.connections = 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/score"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Service  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_POST(self) -> None:
        assert self.rfile.read(int(self.headers["content-length"])) == BODY
        self.server.keys.add(self.headers["authorization"])
        status = self.server.statuses.pop() if self.server.statuses else 200
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def services() -> Iterator[list[Service]]:
    made: list[Service] = []
    yield made
    for each in made:
        each.shutdown()
        each.server_close()


def test_answers_are_counted_and_every_other_caller_keeps_its_connection(
    services: list[Service],
) -> None:
    service = Service()
    services.append(service)
    with Callers(service.uri, BODY, callers=1, pause=0.0, key="one") as callers:
        callers.wait(20)
    assert callers.failures == []
    assert callers.answers >= 20
    assert service.connections == 1
    assert service.keys == {"Bearer one"}
    with Callers(service.uri, BODY, callers=2, pause=0.0) as callers:
        callers.wait(20)
    assert service.connections > 3
    assert service.keys == {"Bearer one", None}


@pytest.mark.parametrize(("keep", "connections"), [(True, 3), (False, 20)])
def test_callers_keep_all_their_connections_or_none_when_told(
    services: list[Service], keep: bool, connections: int
) -> None:
    service = Service()
    services.append(service)
    with Callers(service.uri, BODY, keep=keep, pause=0.0) as callers:
        callers.wait(20)
    assert callers.failures == []
    assert (service.connections == connections) if keep else (service.connections >= connections)


@pytest.mark.parametrize(("status", "said"), [(503, "503"), (0, "RemoteDisconnected")])
def test_what_was_lost_is_kept_in_words_and_the_callers_go_on(
    services: list[Service], status: int, said: str
) -> None:
    service = Service(status)
    services.append(service)
    began = time.monotonic()
    with Callers(service.uri, BODY, callers=1, pause=0.0) as callers:
        while callers.answers < 3:
            callers.wait(1)
    (failure,) = callers.failures
    assert said in failure
    assert began < callers.last_failure < time.monotonic()


def test_a_service_that_is_not_there_is_no_answer_and_a_wait_has_an_end(
    services: list[Service],
) -> None:
    service = Service()
    uri = service.uri
    service.shutdown()
    service.server_close()
    with Callers(uri, BODY, callers=1, pause=0.0) as callers:
        callers.wait(1)
    assert callers.answers == 0
    assert "refused" in callers.failures[0]
    alive = Service()
    services.append(alive)
    with (
        Callers(alive.uri, BODY, callers=1, pause=60.0) as callers,
        pytest.raises(TimeoutError, match="no 5 answers within"),
    ):
        callers.wait(5, 0.2)
