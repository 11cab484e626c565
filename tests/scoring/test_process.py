"""The service as a process: its start, refusals to start, keys, other scripts, its end."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import socket
import time
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from scoring.errors import SettingsError
from scoring.settings import Settings

ROW = [0.0] * 784
KEY, OTHER_KEY = "k" * 24, "o" * 24


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def wait_for(condition):
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit, "it did not come true within 20 s"
        time.sleep(0.005)


def refused(result, *words):
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_an_altered_pickle_is_refused_before_it_is_unpickled(fail_to_start, model_dir, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(model_dir, model)
    proof = tmp_path / "unpickled"
    (model / "sklearn_mnist_model.pkl").write_bytes(pickle.dumps(Bomb(str(proof))))
    refused(fail_to_start("--model", str(model)), "sha256", "it was not unpickled")
    assert not proof.exists()


def test_another_declared_sha256_is_refused(fail_to_start, model_dir):
    result = fail_to_start("--model", str(model_dir), MODEL_SHA256="0" * 64)
    refused(result, "not the declared one", "0" * 64)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SCORING_MAX_BODY_BYTES": "1 MB"}, ("SCORING_MAX_BODY_BYTES", "'1 MB'", "an integer")),
        ({"SCORING_MAX_ROWS": "0"}, ("SCORING_MAX_ROWS", "from 1 to")),
        ({"SCORING_READ_TIMEOUT": "nan"}, ("SCORING_READ_TIMEOUT", "seconds")),
        ({"MODEL_SHA256": "abc"}, ("MODEL_SHA256", "64 hexadecimal digits")),
        ({"SCORING_KEY": "short"}, ("5 characters", "at least 16")),
        ({"SCORING_KEY": KEY, "SCORING_KEY_FILE": "/k"}, ("both set",)),
        ({"SCORING_KEY_FILE": "/nowhere/key"}, ("/nowhere/key", "cannot be read")),
        ({"SCORING_KEY": ""}, ("SCORING_KEY is empty", "unset it")),
        ({"SCORING_KEY_SECONDARY": ""}, ("SCORING_KEY_SECONDARY is empty",)),
        ({"SCORING_KEY_FILE": ""}, ("SCORING_KEY_FILE is empty",)),
        ({"SCORING_CORS_ORIGINS": "example.com"}, ("'example.com'", "https://")),
        ({"SCORING_CORS_ORIGINS": "https://a.example/x"}, ("without a path",)),
    ],
)
def test_a_wrong_setting_is_one_line(fail_to_start, model_dir, variables, words):
    result = fail_to_start("--model", str(model_dir), **variables)
    refused(result, *words)


def test_a_port_that_kubernetes_sets_is_named_as_that(model_dir):
    """It injects such a variable for every Service of the namespace, here one named scoring."""
    environment = {"AZUREML_MODEL_DIR": str(model_dir), "SCORING_PORT": "tcp://10.96.0.17:80"}
    with pytest.raises(SettingsError, match=r"tcp://10.*Kubernetes.*enableServiceLinks"):
        Settings.from_environment(environment)


def test_a_missing_model_is_one_line(fail_to_start, tmp_path):
    refused(fail_to_start("--model", str(tmp_path)), "manifest.json", "--model")
    refused(fail_to_start(), "AZUREML_MODEL_DIR is not set")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("def run(raw_data): ...", ("lacks the function init()",)),
        ("import nothing_of_that_name", ("cannot be imported", "nothing_of_that_name")),
        (
            "def init(): raise ValueError('no\\ndisk')\ndef run(raw_data): ...",
            ("init()", "ValueError: no disk"),
        ),
        (
            "import sys\ndef init(): sys.exit('no key')\ndef run(raw_data): ...",
            ("init()", "SystemExit: no key"),
        ),
    ],
)
def test_a_failing_script_ends_the_process_with_its_reason(
    fail_to_start, model_dir, tmp_path, script, words
):
    path = tmp_path / "entry.py"
    path.write_text(script)
    refused(fail_to_start("--model", str(model_dir), "--entry", str(path)), *words)


def test_a_taken_port_is_one_line(fail_to_start, model_dir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = fail_to_start("--model", str(model_dir), "--port", str(port))
    refused(result, f"127.0.0.1:{port}", "SCORING_PORT")


def test_any_script_with_init_and_run_is_served(start, tmp_path):
    path = tmp_path / "entry.py"
    path.write_text(
        "import json\n"
        "def init():\n    global known\n    known = 'started'\n"
        "def run(raw_data):\n"
        "    given = json.loads(raw_data)\n"
        "    if 'fail' in given: raise KeyError('gone')\n"
        "    return {'state': known, 'given': given}\n"
    )
    server = start("--entry", str(path))
    assert server.score({"x": 1}).json() == {"state": "started", "given": {"x": 1}}
    failed = server.score({"fail": 1})
    assert failed.status_code == 500
    assert failed.json()["error"]["code"] == "script_failed"
    assert "Traceback" not in failed.text
    assert server.score(b"{").status_code == 400
    assert server.score({"x": 2}).status_code == 200


def test_any_estimator_is_served(start, model_dir, tmp_path):
    iris: Any = load_iris()
    flowers, numbers = iris.data, iris.target
    names = np.array(["setosa", "versicolor", "virginica"])[numbers]
    tree: Any = DecisionTreeClassifier(random_state=1).fit(flowers, names)
    joblib.dump(tree, tmp_path / "tree.pkl")
    digest = hashlib.sha256((tmp_path / "tree.pkl").read_bytes()).hexdigest()
    manifest = json.loads((model_dir / "manifest.json").read_text())
    manifest |= {"file": "tree.pkl", "input": {"features": 4}, "sha256": digest}
    manifest["classes"] = tree.classes_.tolist()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    server = start("--model", str(tmp_path))
    assert server.score({"data": flowers.tolist()}).json() == tree.predict(flowers).tolist()
    asked = server.score({"data": flowers[:9].tolist(), "method": "predict_proba"})
    assert asked.json() == tree.predict_proba(flowers[:9]).tolist()


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        RandomForestRegressor(n_estimators=3, random_state=1),
        make_pipeline(StandardScaler(), SVC(random_state=1)),
        LogisticRegression(max_iter=1000),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_regressors_and_pipelines_are_served(start, model_dir, tmp_path, estimator):
    """The general path; what has no probabilities says so."""
    flowers, numbers = load_iris(return_X_y=True)
    fitted = estimator.fit(flowers, numbers)
    joblib.dump(fitted, tmp_path / "model.pkl")
    digest = hashlib.sha256((tmp_path / "model.pkl").read_bytes()).hexdigest()
    manifest = json.loads((model_dir / "manifest.json").read_text())
    manifest |= {"file": "model.pkl", "input": {"features": 4}, "sha256": digest}
    manifest["estimator"] = type(estimator).__name__
    manifest["classes"] = fitted.classes_.tolist() if hasattr(fitted, "classes_") else []
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    server = start("--model", str(tmp_path))
    answers = server.score({"data": flowers.tolist()}).json()
    np.testing.assert_allclose(answers, fitted.predict(flowers), rtol=1e-12)
    asked = server.score({"data": flowers[:9].tolist(), "method": "predict_proba"})
    if hasattr(fitted, "predict_proba"):
        np.testing.assert_allclose(asked.json(), fitted.predict_proba(flowers[:9]), rtol=1e-12)
    else:
        assert asked.status_code == 400
        assert asked.json()["error"]["code"] == "unknown_method"


def test_keys_guard_scores_only_and_two_are_valid_at_once(start, tmp_path):
    second = tmp_path / "key"
    second.write_text(OTHER_KEY + "\n")
    server = start(SCORING_KEY=KEY, SCORING_KEY_SECONDARY_FILE=str(second))
    for key in (KEY, OTHER_KEY):
        answer = server.score({"data": [ROW]}, authorization=f"Bearer {key}")
        assert answer.status_code == 200
    for header in ({}, {"authorization": f"Bearer {KEY}x"}, {"authorization": f"Basic {KEY}"}):
        answer = server.score({"data": [ROW]}, **header)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert KEY not in answer.text
    assert server.client.get("/").status_code == 200
    assert server.client.get("/ready").status_code == 200
    server.client.close()
    assert server.stop() == 0
    assert KEY not in server.process.stdout.read()


def test_no_key_is_valid_once_a_key_file_is_gone_until_it_is_back(start, tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    server = start(SCORING_KEY_FILE=str(file))

    def status(key: str) -> int:
        return server.score({"data": [ROW]}, authorization=f"Bearer {key}").status_code

    def until(key: str, expected: int) -> None:
        limit = time.monotonic() + 10
        while status(key) != expected:
            assert time.monotonic() < limit
            time.sleep(0.05)

    assert status(KEY) == 200
    file.unlink()
    until(KEY, 503)
    assert server.score({"data": [ROW]}).status_code == 503  # not open to everybody
    file.write_text(OTHER_KEY)
    until(OTHER_KEY, 200)
    assert status(KEY) == 401
    file.write_text("")  # being written: not gone
    until(OTHER_KEY, 200)
    file.unlink()
    until(OTHER_KEY, 503)
    file.write_text("")  # not back either
    file.write_text(KEY)
    until(KEY, 200)
    server.client.close()
    server.stop()
    assert '"event": "key_file_unreadable"' in server.process.stdout.read()


def test_requests_are_logged_by_id_without_their_payload(start):
    server = start()
    server.score({"data": [ROW]}, **{"x-ms-request-id": "good-one"})
    server.score({"data": ["secret"]}, **{"x-ms-request-id": "bad-one"})
    server.client.close()
    server.stop()
    text = server.process.stdout.read()
    good, bad = (json.loads(line) for line in text.splitlines())
    assert (good["id"], good["status"], good["rows"]) == ("good-one", 200, 1)
    assert (bad["id"], bad["status"], bad["error"]) == ("bad-one", 400, "bad_row")
    assert "secret" not in text


def test_a_trace_is_passed_on_and_a_broken_one_ignored(start):
    server = start()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for sent in (trace, "00-xyz", "ff" + trace[2:], trace + "\n"):
        headers = {"traceparent": sent} if sent.isprintable() else {}
        answer = server.score({"data": [ROW]}, **headers)
        assert answer.headers.get("traceparent") == (trace if sent == trace else None)
        assert len(answer.headers["x-ms-request-id"]) == 32
    server.client.close()
    server.stop()
    lines = [json.loads(line) for line in server.process.stdout.read().splitlines()]
    assert [line.get("trace") for line in lines] == [trace, None, None, None]


def test_sigterm_answers_what_is_being_sent_and_ends_with_0(start):
    server = start(SCORING_DRAIN_TIMEOUT="10")
    body = json.dumps({"data": [ROW]}).encode()
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body))
        assert server.client.get("/ready").status_code == 200  # the head above was read before
        server.client.close()
        server.process.terminate()
        client.sendall(body)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert server.process.wait(20) == 0


def test_a_log_that_nobody_reads_does_not_stop_the_answers(start):
    """Far more lines than a pipe holds; how many were lost is told once there is room again."""
    server = start()
    for _ in range(2000):
        assert server.client.get("/nothing").status_code == 404
    reader = server.process.stdout
    assert reader is not None
    received = 0
    while received < 400:
        received += '"status": 404' in reader.readline()
    assert server.client.get("/nothing").status_code == 404
    server.client.close()
    assert server.stop() == 0
    lines = [json.loads(line) for line in reader.read().splitlines()]
    lost = sum(line["lines"] for line in lines if line["event"] == "log_lines_lost")
    told = sum(line.get("status") == 404 for line in lines)
    assert lost > 0
    assert received + told + lost == 2001
