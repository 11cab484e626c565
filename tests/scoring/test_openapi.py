"""`/swagger.json` against the service: schemathesis with every check, and the examples it gives."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import jsonschema_rs
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

INFER = "/v2/models/sklearn_mnist/infer"


@pytest.fixture(scope="module")
def small(start_for_module: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same kind of model with four features, for which a request is generated in no time."""
    folder: Path = tmp_path_factory.mktemp("small")
    data: Any = load_iris(return_X_y=True)
    fitted = OneVsRestClassifier(LogisticRegression()).fit(*data)
    joblib.dump(fitted, folder / "model.pkl")
    manifest = {
        "name": "small",
        "version": "1",
        "file": "model.pkl",
        "sha256": hashlib.sha256((folder / "model.pkl").read_bytes()).hexdigest(),
        "estimator": "OneVsRestClassifier",
        "framework": {"scikit-learn": "any"},
        "input": {"features": 4},
        "classes": [0, 1, 2],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return start_for_module("--model", str(folder), SCORING_LOG_REQUESTS="false")


def fuzz(server: Any, folder: Path, *options: str) -> int:
    """Run schemathesis with all checks; the number of cases it made.

    It is not shown the schema of many rows, which cannot tie `data` to `shape`: half of what it
    would make of it is refused for that.
    """
    document = server.client.get("/swagger.json").json()
    for path, operations in document["paths"].items():
        if path.endswith("/infer"):
            content = operations["post"]["requestBody"]["content"]["application/json"]
            tensors = content["schema"]["properties"]["inputs"]["items"]["anyOf"]
            exact = [each for each in tensors if "enum" in each["properties"]["shape"]]
            assert 0 < len(exact) < len(tensors)
            tensors[:] = exact
    described = folder / "swagger.json"
    described.write_text(json.dumps(document))
    result = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", "--checks", "all"),
            *("--no-color", "--generation-database", "none", "--seed", "1", "--no-shrink"),
            *(*options, "--url", f"http://127.0.0.1:{server.port}", described),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert result.returncode == 0, (
        result.stdout[:1000] + result.stdout[-3000:] + result.stderr[-2000:]
    )
    found = re.search(r"(\d+) generated", result.stdout)
    assert found is not None, result.stdout[-2000:]
    return int(found[1])


def score_again(server: Any, features: int) -> None:
    answer = server.score({"data": [[0.0] * features]})
    assert answer.status_code == 200
    assert len(answer.json()) == 1


@pytest.mark.timeout(1000)
def test_generated_requests_are_answered_as_described(server, tmp_path):
    assert fuzz(server, tmp_path, "--max-examples", "10") > 300
    score_again(server, 784)


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_ten_thousand_generated_requests_are_answered_as_described(small, tmp_path):
    assert fuzz(small, tmp_path, "--max-examples", "1030") >= 10_000
    score_again(small, 4)


def test_every_example_predicts(server, estimator):
    paths = server.client.get("/swagger.json").json()["paths"]
    examples = {
        path: operation["post"]["requestBody"]["content"]["application/json"]["example"]
        for path, operation in paths.items()
        if "post" in operation
    }
    assert len(examples) == 3
    expected = estimator.predict([[0.0] * 784]).tolist()
    for path, example in examples.items():
        answer = server.client.post(path, json=example)
        assert answer.status_code == 200
        found = answer.json()
        assert (found if path == "/score" else found["outputs"][0]["data"]) == expected


def test_every_route_is_described_and_every_description_is_routed(server):
    paths = server.client.get("/swagger.json").json()["paths"]
    for path, operations in paths.items():
        (method,) = operations
        answer = server.client.request("GET", path)
        assert answer.status_code == (200 if method == "get" else 405)
    assert {"/", "/ready", "/metrics", "/score", "/v2", "/v2/models/sklearn_mnist"} <= set(paths)


def test_a_key_is_described_where_one_is_asked_for(start, server):
    guarded = start(SCORING_KEY="k" * 24).client.get("/swagger.json").json()["paths"]
    assert guarded["/score"]["post"]["security"] == [{"key": []}]
    assert "security" not in guarded["/"]["get"]
    assert "security" not in server.client.get("/swagger.json").json()["paths"]["/score"]["post"]


@pytest.fixture(scope="module")
def tensors(server) -> Any:
    """Whether the published schema takes a request of the official model."""
    paths = server.client.get("/swagger.json").json()["paths"]
    content = paths[INFER]["post"]["requestBody"]["content"]["application/json"]
    return jsonschema_rs.Draft4Validator(content["schema"])


@pytest.mark.parametrize("rows", [1, 2, 3, 50, 100])
def test_the_schema_of_tensors_takes_as_many_rows_as_the_service(server, tensors, rows):
    tensor = {"name": "input", "datatype": "FP32", "shape": [rows, 784]}
    for data in ([0.5] * 784 * rows, [[0.5] * 784] * rows):
        body = {"inputs": [{**tensor, "data": data}]}
        assert tensors.is_valid(body)
        assert server.client.post(INFER, json=body).status_code == 200


def test_the_schema_of_tensors_takes_no_more_rows_than_the_service(server, tensors):
    tensor = {"name": "input", "datatype": "FP32", "shape": [101, 784], "data": [[0] * 784] * 101}
    assert not tensors.is_valid({"inputs": [tensor]})
    assert server.client.post(INFER, json={"inputs": [tensor]}).status_code == 413
