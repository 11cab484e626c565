"""The Open Inference Protocol V2, spoken by NVIDIA's tritonclient, and its refusals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import joblib
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from scoring.bench.attacks import fuzz_targets
from scoring.manifest import Manifest
from scoring.routes.application import ScoringApplication
from scoring.routes.messages import Request, Response

INFER = "/v2/models/sklearn_mnist/infer"


@pytest.fixture(scope="module", params=["ours", "under_uvicorn"])
def server(request: pytest.FixtureRequest) -> Any:
    """The application under our server and under another one."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def client(server: Any) -> Iterator[triton.InferenceServerClient]:
    """The official client on the shared server."""
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as official:
        yield official


def tensor(rows: np.ndarray, datatype: str, *, binary: bool) -> Any:
    wanted = triton.InferInput("input", list(rows.shape), datatype)
    wanted.set_data_from_numpy(rows, binary_data=binary)
    return wanted


def test_health_and_metadata(client, model_dir):
    manifest = Manifest.read(model_dir)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(manifest.name)
    assert client.is_model_ready(manifest.name, manifest.version)
    assert not client.is_model_ready("another")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    described = client.get_model_metadata(manifest.name, manifest.version)
    assert described["inputs"] == [{"name": "input", "datatype": "FP64", "shape": [-1, 784]}]
    assert [each["name"] for each in described["outputs"]] == ["predict", "predict_proba"]


@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize(
    ("datatype", "dtype", "scale"),
    [("FP64", np.float64, 1), ("FP32", np.float32, 1), ("UINT8", np.uint8, 255)],
)
def test_every_form_gives_scikit_learns_answers(
    client, images, estimator, datatype, dtype, scale, binary_in, binary_out
):
    rows = (images[:50] * scale).round(7 if scale == 1 else 0).astype(dtype)
    answer = client.infer(
        "sklearn_mnist",
        [tensor(rows, datatype, binary=binary_in)],
        request_id="mine",
        outputs=[
            triton.InferRequestedOutput(name, binary_data=binary_out)
            for name in ("predict", "predict_proba")
        ],
    )
    exact = rows.astype(np.float64)
    assert answer.get_response()["id"] == "mine"
    assert answer.as_numpy("predict").tolist() == estimator.predict(exact).tolist()
    np.testing.assert_allclose(
        answer.as_numpy("predict_proba"), estimator.predict_proba(exact), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["-", "é+"], "BYTES"),
        ([False, True], "BOOL"),
        ([3, 8], "INT64"),
        ([1.0, 2.0], "FP64"),
    ],
)
def test_labels_of_every_type_come_back_as_the_metadata_says(start, tmp_path, labels, kind):
    rows = np.random.default_rng(7).normal(size=(40, 3))
    neighbours = KNeighborsClassifier(3).fit(rows, np.array(labels)[(rows[:, 0] > 0).astype(int)])
    joblib.dump(neighbours, tmp_path / "model.pkl")
    content = {
        "name": "labels",
        "version": "2",
        "file": "model.pkl",
        "sha256": hashlib.sha256((tmp_path / "model.pkl").read_bytes()).hexdigest(),
        "input": {"features": 3},
        "classes": labels,
    }
    (tmp_path / "manifest.json").write_text(json.dumps(content), "utf-8")
    server = start("--model", str(tmp_path))
    wanted = neighbours.predict(rows).tolist()
    assert server.score({"data": rows.tolist()}).json() == wanted
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as official:
        described = official.get_model_metadata("labels")["outputs"]
        assert described[0] == {"name": "predict", "datatype": kind, "shape": [-1]}
        for binary in (True, True, False):  # a client's second request takes the remembered head
            asked = triton.InferRequestedOutput("predict", binary_data=binary)
            answer = official.infer("labels", [tensor(rows, "FP64", binary=True)], outputs=[asked])
            output: Any = answer.get_output("predict")
            assert output["datatype"] == kind
            if not binary:
                assert output["data"] == wanted
            values: Any = answer.as_numpy("predict")
            found = [each.decode() if isinstance(each, bytes) else each for each in values.tolist()]
            assert (found, [*map(type, found)]) == (wanted, [*map(type, wanted)])


def test_a_refusal_reaches_the_official_client(client):
    with pytest.raises(InferenceServerException, match=r"shape.*\[rows, 784\]"):
        client.infer("sklearn_mnist", [tensor(np.zeros((2, 5)), "FP64", binary=True)])
    with pytest.raises(InferenceServerException, match="nothing at"):
        client.infer("another", [tensor(np.zeros((1, 784)), "FP64", binary=True)])
    rows = np.zeros((2, 784))
    rows[1, 3] = np.nan
    with pytest.raises(InferenceServerException, match="row 1, value 3 is not a finite"):
        client.infer("sklearn_mnist", [tensor(rows, "FP64", binary=True)])


SHARED = {"shared_memory_region": "r", "shared_memory_byte_size": 8}
GOOD = {"name": "input", "datatype": "FP64", "shape": [1, 784], "data": [0] * 784}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "not a JSON object"),
        ({}, "inputs"),
        ({"inputs": [GOOD, GOOD]}, "one tensor"),
        ({"inputs": [7]}, "not an object"),
        ({"inputs": [{**GOOD, "name": "x"}]}, "name"),
        ({"inputs": [{**GOOD, "datatype": "INT3"}]}, "FP64, FP32, UINT8"),
        ({"inputs": [{**GOOD, "datatype": ["FP64"]}]}, "datatype"),
        ({"inputs": [{**GOOD, "shape": [784]}]}, "shape"),
        ({"inputs": [{**GOOD, "shape": [0, 784]}]}, "at least one row"),
        ({"inputs": [{**GOOD, "shape": [True, 784]}]}, "shape"),
        ({"inputs": [{**GOOD, "shape": [2, 784]}]}, "1568 numbers are expected"),
        ({"inputs": [{**GOOD, "data": ["a"] * 784}]}, "not a number"),
        ({"inputs": [{**GOOD, "data": [[0] * 783]}]}, "row 0"),
        ({"inputs": [{**GOOD, "data": [[[0] * 784]]}]}, "row 0"),
        ({"inputs": [{**GOOD, "data": [0] * 785}]}, "785 entries; 784 numbers are expected"),
        ({"inputs": [{**GOOD, "data": [[0] * 784] + [5] * 783}]}, "row 1 is a number"),
        ({"inputs": [{**GOOD, "data": [[0] * 784] * 2}]}, "2 rows; 1 are expected"),
        ({"inputs": [{**GOOD, "data": [[[]] + [0] * 782 + [[1, 2]]]}]}, "row 0, value 0 is not"),
        ({"inputs": [{**GOOD, "data": [*([0] * 783), [0]]}]}, "row 0, value 783 is not"),
        ({"inputs": [{**GOOD, "data": None}]}, "neither"),
        ({"inputs": [{**GOOD, "datatype": "UINT8", "data": [256] * 784}]}, "UINT8"),
        ({"inputs": [{**GOOD, "datatype": "FP32", "data": [1e300] * 784}]}, "FP32"),
        ({"inputs": [{**GOOD, "parameters": {"binary_data_size": 8}}]}, "both"),
        ({"inputs": [GOOD], "outputs": []}, "outputs"),
        ({"inputs": [GOOD], "outputs": [{"name": "x"}]}, "predict_proba"),
        ({"inputs": [GOOD], "outputs": [{"name": "predict"}] * 3}, "1 to 2"),
        ({"inputs": [GOOD], "id": 7}, "id"),
        (
            {
                "inputs": [GOOD],
                "outputs": [{"name": "predict", "parameters": {"classification": 3}}],
            },
            "class_count",
        ),
        ({"inputs": [{**GOOD, "parameters": {"shared_memory_region": "r"}}]}, "shared memory"),
        (
            {"inputs": [GOOD], "outputs": [{"name": "predict", "parameters": SHARED}]},
            "shared memory",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_tensor_is_named(server, content, words):
    answer = server.client.post(INFER, json=content)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("length", ["x", "-1", "999999", "3"])
def test_a_wrong_head_length_is_refused(server, length):
    headers = {"inference-header-content-length": length}
    answer = server.client.post(INFER, content=json.dumps({"inputs": [GOOD]}), headers=headers)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_bytes_that_do_not_match_the_shape_are_refused(server):
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "input",
                    "datatype": "FP64",
                    "shape": [1, 784],
                    "parameters": {"binary_data_size": 6272},
                }
            ]
        }
    ).encode()
    headers = {"inference-header-content-length": str(len(head))}
    for size, status in ((6272, 200), (6271, 400), (0, 400)):
        answer = server.client.post(INFER, content=head + bytes(size), headers=headers)
        assert answer.status_code == status


def binary(name: str, blanks: int = 0) -> Request:
    """A row of raw values for the fuzzed application, with a head that is known by its id."""
    size = fuzz_targets.FEATURES * 8
    tensor = {"name": "input", "datatype": "FP64", "shape": [1, fuzz_targets.FEATURES]}
    content = {"id": name, "inputs": [{**tensor, "parameters": {"binary_data_size": size}}]}
    head = json.dumps(content).encode() + b" " * blanks
    headers = {b"inference-header-content-length": b"%d" % len(head)}
    request = Request("POST", "/v2/models/m/infer", "", headers)
    request.body = head + bytes(size)
    return request


def answer_of(application: ScoringApplication, request: Request) -> Response:
    body, request.body = request.body, b""
    assert application.admit(request) is None
    request.body = body
    answer = application.handle(request)
    assert isinstance(answer, Response)
    return answer


def test_few_and_short_heads_are_remembered():
    application = fuzz_targets.application()
    handler: Any = application.routes["/v2/models/m/infer"].handler
    for number in range(600):
        answer = answer_of(application, binary(str(number)))
        assert json.loads(answer.body)["id"] == str(number)
    remembered = handler.__self__._known
    assert 0 < len(remembered) <= 256
    assert answer_of(application, binary("long", blanks=4096)).status == 200
    assert max(map(len, remembered)) < 4096


def test_a_head_before_raw_values_has_a_limit():
    answer = answer_of(fuzz_targets.application(), binary("long", blanks=65_536))
    assert answer.status == 400
    assert "at most 65536 bytes" in json.loads(answer.body)["error"]


def test_too_many_rows_are_refused_before_they_are_read(server):
    answer: httpx.Response = server.client.post(
        INFER, json={"inputs": [{**GOOD, "shape": [101, 784]}]}
    )
    assert answer.status_code == 413


def test_a_member_that_is_null_is_absent(server, estimator):
    """As MLServer's client writes every request, `.dict()` of its types."""
    parameters = {"content_type": None, "headers": None}
    request = {
        "id": None,
        "parameters": {**parameters, "binary_data_output": None},
        "inputs": [{**GOOD, "parameters": {**parameters, "binary_data_size": None}}],
        "outputs": None,
    }
    expected = estimator.predict([[0] * 784]).tolist()
    for changed in (
        request,
        {**request, "parameters": None, "inputs": [{**GOOD, "parameters": None}]},
        {**request, "outputs": [{"name": "predict", "parameters": {"binary_data": None}}]},
        {**request, "outputs": [{"name": "predict", "parameters": None}]},
    ):
        answer = server.client.post(INFER, json=changed)
        assert answer.status_code == 200, answer.text
        assert answer.json()["outputs"][0]["data"] == expected
        assert "id" not in answer.json()


def test_what_the_official_client_cannot_have_is_refused_not_ignored(client):
    rows = tensor(np.zeros((1, 784)), "FP64", binary=True)
    counted = triton.InferRequestedOutput("predict", class_count=3)
    shared = triton.InferRequestedOutput("predict")
    shared.set_shared_memory("region", 8)
    for output, words in ((counted, "class_count"), (shared, "shared memory")):
        with pytest.raises(InferenceServerException, match=words):
            client.infer("sklearn_mnist", [rows], outputs=[output])


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json"])
@pytest.mark.parametrize("value", [0, 255])
def test_raw_values_without_the_length_of_their_head_are_named_as_that(server, kind, value):
    parameters = {"binary_data_size": 784}
    head = {
        "inputs": [
            {"name": "input", "datatype": "UINT8", "shape": [1, 784], "parameters": parameters}
        ]
    }
    body = json.dumps(head).encode() + bytes([value]) * 784
    answer = server.client.post(INFER, content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert "without the header inference-header-content-length" in answer.json()["error"]


@pytest.mark.parametrize("text", ["3.4028235e+38", "3.4028234663852886e38", "-3.4028235e38"])
def test_the_largest_fp32_is_read_as_every_library_prints_it(server, text):
    body = json.dumps({"inputs": [{**GOOD, "datatype": "FP32", "data": "HERE"}]})
    for count in (1, 40):  # short, and long enough to be read in pieces
        values = ", ".join([text] * 784 * count)
        sent = body.replace("[1, 784]", f"[{count}, 784]").replace('"HERE"', f"[{values}]")
        answer = server.client.post(
            INFER, content=sent.encode(), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 200, answer.text
    wrong = sent.replace(values, values.replace(text, "3.4028236e38"))
    answer = server.client.post(
        INFER, content=wrong.encode(), headers={"content-type": "application/json"}
    )
    assert "row 0, value 0 is not an FP32" in answer.json()["error"]
