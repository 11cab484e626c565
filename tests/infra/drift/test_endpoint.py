"""The endpoint is asked over real HTTP; a server that lies, fails or is gone is told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.disclosure.mask import Mask
from infra.drift import endpoint
from infra.drift.endpoint import Declared
from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.sample import Sample
from tests.support.answering import answering

SHA256, OTHER = "a" * 64, "b" * 64
KEY = "the-key-of-the-door"
ASKED = Sample(rows=[[0, 255], [255, 0]], divisor=255, answers=[1, 0])


class Service(ThreadingHTTPServer):
    """A scoring service that answers what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.not_ready = 0
        self.ready: Any = {"status": "ready", "model": {"sha256": SHA256}}
        self.score: Any = [1, 0]
        self.status = 200
        self.key = ""
        self.described: Any = {}
        self.bodies: list[Any] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Service  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        if self.server.not_ready:
            self.server.not_ready -= 1
            self._send(503, {"status": "starting"})
        elif self.path.startswith("/v2/"):
            self._send(401 if self._locked() else 200, self.server.described)
        else:
            self._send(200, self.server.ready)

    def _locked(self) -> bool:
        key = self.server.key
        return bool(key) and self.headers["authorization"] != f"Bearer {key}"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self._locked():
            self._send(401, {})
            return
        self.server.bodies.append(json.loads(body))
        self._send(self.server.status, self.server.score)

    def _send(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def service() -> Iterator[Service]:
    with answering(Service()) as server:
        yield server


def ask(service: Service, key: str = "", patience: float = 0) -> list[Finding]:
    declared = Declared(service.url, SHA256, key)
    return list(endpoint.check(declared, ASKED, Mask.of([KEY]), patience, pause=lambda _: None))


def rows(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.path, one.declared, one.actual) for one in found]


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"ready": {"model": {"sha256": OTHER}}}, "model.sha256", "another model answers"),
        ({"key": "another"}, "key", "clients are turned away"),
        ({"score": [0, 0]}, "answers", "predictions are wrong"),
        ({"status": 500}, "score", ""),
        ({"not_ready": 9}, "ready", ""),
    ],
)
def test_whatever_is_wrong_with_the_endpoint_is_critical_and_says_why(
    service: Service, changes: dict[str, Any], path: str, reason: str
) -> None:
    for name, value in changes.items():
        setattr(service, name, value)
    (one,) = ask(service)
    assert one == Finding(
        question=Question.ENDPOINT,
        resource="endpoint",
        type="",
        path=path,
        label="",
        declared=one.declared,
        actual=one.actual,
        kind=Kind.CHANGED,
        severity=Severity.CRITICAL,
        reason=reason,
    )


def test_a_proxy_of_the_environment_is_not_asked(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert ask(service) == []
    assert endpoint.answers(service.url)


def test_the_declared_model_with_right_answers_is_in_sync(service: Service) -> None:
    assert ask(service) == []
    assert service.bodies == [{"data": [[0, 1], [1, 0]]}]


def test_another_model_is_critical(service: Service) -> None:
    service.ready = {"model": {"sha256": OTHER}}
    (found,) = ask(service)
    assert (found.path, found.declared, found.actual) == ("model.sha256", SHA256, OTHER)
    assert found.severity is Severity.CRITICAL


@pytest.mark.parametrize("content", [[], {}, {"model": 7}, {"model": {"sha256": 7}}, b"no JSON"])
def test_a_service_that_does_not_say_its_model_is_found(service: Service, content: Any) -> None:
    service.ready = content
    assert rows(ask(service)) == [("model.sha256", SHA256, "(none)")]


def test_a_model_that_is_no_digest_is_not_shown(service: Service) -> None:
    service.ready = {"model": {"sha256": f"| {KEY} @everyone"}}
    assert rows(ask(service)) == [("model.sha256", SHA256, "[hidden]")]


@pytest.mark.parametrize(
    ("answer", "right"),
    [([1, 1], 1), ([0, 1], 0), ([1], 1), ([1, 0, 0], 2), ({"a": 1}, 0), (b"?", 0), (["1", "0"], 0)],
)
def test_wrong_answers_are_counted(service: Service, answer: Any, right: int) -> None:
    service.score = answer
    assert rows(ask(service)) == [("answers", "2 of 2 right", f"{right} of 2 right")]


def test_a_failing_service_is_found(service: Service) -> None:
    service.status = 500
    assert rows(ask(service)) == [("score", "HTTP 200", "HTTP 500")]


def test_the_key_is_sent_and_not_shown(service: Service) -> None:
    service.key = KEY
    assert ask(service, KEY) == []
    assert KEY not in repr(Declared(service.url, SHA256, KEY))


def test_a_key_that_is_refused_is_found(service: Service) -> None:
    service.key = "another"
    assert rows(ask(service, KEY)) == [("key", "[secret]", "refused")]
    assert rows(ask(service)) == [("key", "none is asked for", "one is asked for")]


def test_a_container_that_just_starts_is_waited_for(service: Service) -> None:
    service.not_ready = 3
    pauses: list[float] = []
    declared = Declared(service.url, SHA256)
    assert list(endpoint.check(declared, ASKED, Mask(), 10, pauses.append)) == []
    assert len(pauses) == 3
    assert all(0 < each <= 1 for each in pauses)


def test_one_that_does_not_get_ready_is_drift(service: Service) -> None:
    service.not_ready = 1_000_000
    assert rows(ask(service, patience=0.05)) == [("ready", "HTTP 200", "HTTP 503")]


def test_one_that_cannot_be_reached_breaks_the_check(closed_port: int) -> None:
    declared = Declared(f"http://127.0.0.1:{closed_port}", SHA256)
    with pytest.raises(DriftError, match="was not reached") as caught:
        list(endpoint.check(declared, ASKED, Mask(), patience=0))
    assert "\n" not in str(caught.value)


def a_model(features: Any, name: str = "own") -> tuple[Any, Any]:
    """(what /ready says, how the model is described)."""
    return (
        {"model": {"sha256": SHA256, "name": name}},
        {"inputs": [{"name": "input", "shape": [-1, features]}]},
    )


def notes(service: Service, asked: Sample, key: str = "") -> tuple[list[Finding], list[str]]:
    told: list[str] = []
    declared = Declared(service.url, SHA256, key)
    found = list(endpoint.check(declared, asked, Mask(), 0, lambda _: None, told.append))
    return found, told


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_sample_that_the_endpoint_refuses_breaks_the_check(service: Service, status: int) -> None:
    service.status = status
    with pytest.raises(DriftError, match=rf"HTTP {status}; .* --sample FILE"):
        ask(service)


@pytest.mark.parametrize("features", [1, 3, 784])
def test_a_sample_of_another_shape_breaks_the_check_and_is_not_sent(
    service: Service, features: int
) -> None:
    service.ready, service.described = a_model(features)
    with pytest.raises(DriftError, match=rf"rows of 2 values, .* takes {features}; .* --sample"):
        ask(service)
    assert service.bodies == []


def test_a_sample_that_fits_is_compared(service: Service) -> None:
    service.ready, service.described = a_model(2)
    service.score = [1, 1]
    assert rows(ask(service)) == [("answers", "2 of 2 right", "1 of 2 right")]


def test_of_another_model_the_shape_is_asked_and_no_prediction_is_called_wrong(
    service: Service,
) -> None:
    service.ready, service.described = a_model(3, "own model/1")
    service.score = ["anything"]
    found, told = notes(service, ASKED.model_copy(update={"model": "sklearn_mnist"}))
    assert (found, service.bodies) == ([], [{"data": [[0.0, 0.0, 0.0]]}])
    assert "not compared" in told[0]
    assert "sklearn_mnist" in told[0]
    assert service.paths == ["/ready", "/v2/models/own%20model%2F1"]
    service.score = []
    found, _ = notes(service, ASKED.model_copy(update={"model": "sklearn_mnist"}))
    assert rows(found) == [("answers", "1 of 1 right", "0 of 1 right")]


@pytest.mark.parametrize(
    "description",
    [
        *({}, [], None, {"inputs": []}, {"inputs": [{}, {}]}, {"inputs": [{"shape": 7}]}),
        *a_model("3")[1:],
        *a_model(True)[1:],
        *a_model(0)[1:],
        *a_model(10**9)[1:],
    ],
)
def test_a_model_that_does_not_say_its_shape_is_not_guessed(
    service: Service, description: Any
) -> None:
    service.ready, service.described = a_model(3)[0], description
    found, told = notes(service, ASKED.model_copy(update={"model": "sklearn_mnist"}))
    assert (found, service.bodies) == ([], [])
    assert "not asked for" in told[0]


def test_a_key_that_is_refused_is_found_whatever_the_sample(service: Service) -> None:
    service.ready, service.described = a_model(3)
    service.key = KEY
    found, _ = notes(service, ASKED.model_copy(update={"model": "sklearn_mnist"}), "another")
    assert rows(found) == [("key", "[secret]", "refused")]


def test_whether_anybody_answers_is_told(service: Service, closed_port: int) -> None:
    assert endpoint.answers(service.url)
    assert not endpoint.answers(f"http://127.0.0.1:{closed_port}")


def test_an_endless_answer_is_not_read_to_its_end(service: Service) -> None:
    service.score = b"[" * 3_000_000
    assert rows(ask(service)) == [("answers", "2 of 2 right", "0 of 2 right")]
