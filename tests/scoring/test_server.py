"""The service over a real socket: routes, refusals, and the request after a refusal."""

from __future__ import annotations

import gzip
import json
import socket
from typing import Any

import pytest

from scoring.manifest import Manifest

ROW = [0.0] * 784


@pytest.fixture(scope="module", params=["ours", "under_uvicorn"])
def server(request: pytest.FixtureRequest) -> Any:
    """The application under our server and under another one."""
    return request.getfixturevalue(request.param)


def test_it_is_live_and_ready_and_says_which_model_it_holds(server, model_dir):
    manifest = Manifest.read(model_dir)
    assert server.client.get("/").json() == {"status": "live"}
    ready = server.client.get("/ready")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "model": {
            "name": manifest.name,
            "version": manifest.version,
            "sha256": manifest.sha256,
        },
    }


def test_scores_are_scikit_learns_and_carry_the_models_identity(
    server, images, estimator, model_dir
):
    answer = server.score({"data": images[:30].tolist()})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-model-sha256"] == Manifest.read(model_dir).sha256
    assert answer.json() == estimator.predict(images[:30]).tolist()


def test_probabilities_are_scikit_learns(server, images, estimator):
    answer = server.score({"data": images[:5].tolist(), "method": "predict_proba"})
    expected = estimator.predict_proba(images[:5])
    for given, row in zip(answer.json(), expected, strict=True):
        assert given == pytest.approx(row, rel=1e-12)


def test_gzip_bodies_are_read(server, images, estimator):
    body = gzip.compress(json.dumps({"data": images[:3].tolist()}).encode())
    answer = server.score(body, **{"content-encoding": "gzip"})
    assert answer.json() == estimator.predict(images[:3]).tolist()


def test_swagger_describes_score(server):
    document = server.client.get("/swagger.json").json()
    assert document["openapi"].startswith("3.")
    body = document["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["data"]["items"]["minItems"] == 784


def test_swagger_says_what_the_manifest_says_unless_told(server, start):
    info = server.client.get("/swagger.json").json()["info"]
    assert info["description"] == "Predict MNIST with sklearn"
    told = start(SERVICE_DESCRIPTION="Reads postcodes").client.get("/swagger.json").json()["info"]
    assert told["description"] == "Reads postcodes"


BAD_BODIES: dict[str, tuple[Any, int, str, str]] = {
    "empty body": (b"", 400, "not_json", "line 1"),
    "cut short": (b'{"data": [[1, 2', 400, "not_json", "column"),
    "not an object": (b"[[0]]", 400, "not_an_object", "a list"),
    "no data": (b'{"rows": []}', 400, "no_data", '"data"'),
    "data is text": ({"data": "0,0"}, 400, "bad_data", "a text"),
    "no rows": ({"data": []}, 400, "no_rows", "at least one row"),
    "783 values": (
        {"data": [ROW, ROW[1:]]},
        400,
        "bad_row",
        "row 1 has 783 values, 784 are expected",
    ),
    "785 values": ({"data": [[*ROW, 0]]}, 400, "bad_row", "row 0 has 785 values"),
    "row without its list": ({"data": ROW[:9]}, 400, "bad_row", "list of its own"),
    "row is null": ({"data": [None]}, 400, "bad_row", "row 0 is null"),
    "value is text": ({"data": [[*ROW[1:], "1"]]}, 400, "bad_value", "row 0, value 783 is a text"),
    "value is null": ({"data": [ROW, [None, *ROW[1:]]]}, 400, "bad_value", "row 1, value 0"),
    "value is true": ({"data": [[*ROW[1:], True]]}, 400, "bad_value", "value 783 is true"),
    "value is a list": ({"data": [[[0.0], *ROW[1:]]]}, 400, "bad_value", "value 0 is a list"),
    "NaN": ({"data": [[*ROW[1:], float("nan")]]}, 400, "not_finite", "NaN"),
    "Infinity": ({"data": [[float("-inf"), *ROW[1:]]]}, 400, "not_finite", "-Infinity"),
    "1e999": (
        json.dumps({"data": [ROW]}).replace("0.0", "1e999", 1).encode(),
        400,
        "not_finite",
        "row 0, value 0",
    ),
    "duplicate key": (b'{"data": [[1]], "data": [[1]]}', 400, "duplicate_key", "twice"),
    "unknown method": ({"data": [ROW], "method": "fit"}, 400, "unknown_method", '"fit"'),
    "not UTF-8": (b'{"data": "\xff"}', 400, "not_utf8", "byte 10"),
    "nested deeply": (b'{"data": ' + b"[" * 100_000, 400, "too_deep", "deeply"),
    "too many rows": ({"data": [[]] * 101}, 413, "too_many_rows", "101 rows; at most 100"),
    "too large": (b" " * ((1 << 20) + 1), 413, "body_too_long", "at most 1048576"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_is_named_and_the_next_good_one_answered(server, name):
    content, status, code, words = BAD_BODIES[name]
    answer = server.score(content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert words in answer.json()["error"]["message"]
    assert "Traceback" not in answer.text
    assert len(answer.headers["x-model-sha256"]) == 64
    good = server.score({"data": [ROW]})
    assert good.status_code == 200
    assert len(good.json()) == 1


@pytest.mark.parametrize(
    "kind", ["text/csv", "application/xml", "application/json; charset=utf-16"]
)
def test_another_content_type_is_refused(server, kind):
    answer = server.score({"data": [ROW]}, **{"content-type": kind})
    assert answer.status_code == 415
    assert "error" in answer.json()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/score", 405), ("DELETE", "/", 405), ("GET", "/nothing", 404)],
)
def test_other_routes_and_methods_are_refused(server, method, path, status):
    answer = server.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert status != 405 or answer.headers["allow"]


def test_a_gzip_bomb_is_refused_at_the_limit(server):
    answer = server.score(gzip.compress(b" " * (64 << 20)), **{"content-encoding": "gzip"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", b"431"),
        (b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
    ],
)
def test_broken_http_is_answered_and_closed(ours, request_bytes, status):
    with socket.create_connection(("127.0.0.1", ours.port), 10) as client:
        client.sendall(request_bytes)
        assert client.recv(65536).split()[1] == status
        while client.recv(65536):
            pass
    assert ours.client.get("/ready").status_code == 200


def test_pipelined_requests_are_answered_in_order(server):
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nhost: x\r\nx-ms-request-id: first\r\n\r\n"
            b"GET /ready HTTP/1.1\r\nhost: x\r\nx-ms-request-id: second\r\n"
            b"connection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.index(b"x-ms-request-id: first") < answer.index(b"x-ms-request-id: second")


def test_swaggers_example_is_answered_as_it_says(server):
    operation = server.client.get("/swagger.json").json()["paths"]["/score"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert server.score(example).status_code == 200
    for content, status, _, _ in BAD_BODIES.values():
        assert server.score(content).status_code == status
        assert str(status) in operation["responses"]
