"""Steps 11 and 12: a deployed endpoint is the expected model, or the test says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defusedxml import ElementTree
from PIL import Image
from typer.testing import CliRunner

from model_eval import dataset
from model_eval.__main__ import app
from model_eval.endpoint import Endpoint
from model_eval.errors import DataError, EndpointError
from model_eval.smoke import Result, Smoke

Serve = Callable[[Path], Any]


def smoke(uri: str, out: Path, *more: str, env: dict[str, str] | None = None) -> Any:
    arguments = ["smoke", "--uri", uri, "--out", str(out), "--seed", "1", "--wait", "2", *more]
    return CliRunner().invoke(app, arguments, env=env)


def test_30_random_images_go_in_one_request_and_one_row_in_another(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service = serve(mnist_model)
    done = smoke(service.uri, tmp_path)
    assert done.exit_code == 0, done.output
    assert [len(each["body"]["data"]) for each in service.requests] == [30, 1]
    assert all(each["headers"]["Content-Type"] == "application/json" for each in service.requests)
    assert f"POST to url {service.uri}" in done.output
    assert "labels: " in done.output


def test_the_same_seed_draws_the_same_rows(serve: Serve, mnist_model: Path, tmp_path: Path) -> None:
    service = serve(mnist_model)
    smoke(service.uri, tmp_path)
    smoke(service.uri, tmp_path)
    assert service.requests[0]["body"] == service.requests[2]["body"]


def test_the_result_is_written_for_machines(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    files = ["--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml")]
    smoke(serve(mnist_model).uri, tmp_path, *files)
    assert json.loads((tmp_path / "r.json").read_text())["passed"] is True
    suite = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("3", "0")
    assert len(json.loads((tmp_path / "sample.json").read_text())["data"]) == 1


def test_wrong_predictions_are_drawn_red_on_black(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service = serve(mnist_model)
    smoke(service.uri, tmp_path / "right", "--samples", "100")
    done = smoke(service.uri, tmp_path / "wrong", "--samples", "100")
    picture = np.asarray(Image.open(tmp_path / "wrong" / "results.png").convert("RGB")).astype(int)
    red = (picture[..., 0] > 200) & (picture[..., 1] < 60) & (picture[..., 2] < 60)
    # The model is wrong on 8 % of the images: among 100 some are.
    assert "100 of 100 labels right" not in done.output
    assert red.any()


def test_another_model_behind_the_endpoint_fails_the_test(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service = serve(mnist_model)
    service.sha256 = "0" * 64
    done = smoke(service.uri, tmp_path, "--junit", str(tmp_path / "r.xml"))
    assert done.exit_code == 1
    assert f"it serves the model {'0' * 64}" in done.output
    suite = ElementTree.parse(tmp_path / "r.xml").getroot()
    assert suite is not None
    assert suite.get("failures") == "1"


def test_one_answer_that_is_not_the_local_models_fails_the_test(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service = serve(mnist_model)
    service.answer = lambda answers: [*answers[:-1], (answers[-1] + 1) % 10]
    done = smoke(service.uri, tmp_path)
    assert done.exit_code == 1
    assert "the endpoint predicts" in done.output


@pytest.mark.parametrize("answer", [{"error": "x"}, [1, 2], "nonsense", None])
def test_an_answer_of_another_form_fails_the_test_without_a_traceback(
    serve: Serve, mnist_model: Path, tmp_path: Path, answer: Any
) -> None:
    service = serve(mnist_model)
    service.answer = lambda _: answer
    done = smoke(service.uri, tmp_path)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)


def test_azure_mls_own_server_answers_json_in_a_json_string(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service = serve(mnist_model)
    service.answer = json.dumps
    assert smoke(service.uri, tmp_path).exit_code == 0


def test_a_starting_service_is_waited_for(serve: Serve, mnist_model: Path, tmp_path: Path) -> None:
    service = serve(mnist_model)
    service.unavailable = 3
    assert smoke(service.uri, tmp_path).exit_code == 0


def test_an_endpoint_that_never_answers_is_given_up(tmp_path: Path) -> None:
    done = smoke("http://127.0.0.1:1/score", tmp_path)
    assert done.exit_code == 1
    assert "was not answered within 2 s" in done.output


def test_what_time_does_not_heal_is_not_retried(mnist_model: Path, serve: Serve) -> None:
    service = serve(mnist_model)
    service.key = "right-key-right-key"
    pauses: list[float] = []
    endpoint = Endpoint(service.uri, "wrong", pause=pauses.append)
    with pytest.raises(EndpointError, match="the key was refused"):
        endpoint.predict([[0.0] * 784])
    assert pauses == []


def test_the_key_comes_from_the_environment_and_is_never_shown(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service = serve(mnist_model)
    service.key = "right-key-right-key"
    done = smoke(service.uri, tmp_path, "--key-env", "MY_KEY", env={"MY_KEY": service.key})
    assert done.exit_code == 0, done.output
    assert service.key not in done.output
    assert service.key not in repr(Endpoint(service.uri, service.key))
    without = smoke(service.uri, tmp_path)
    assert "it wants a key; name it with --key-env" in without.output


def test_a_missing_key_variable_is_wrong_usage(tmp_path: Path) -> None:
    done = smoke("http://127.0.0.1:1/score", tmp_path, "--key-env", "NOT_SET_ANYWHERE")
    assert done.exit_code == 2
    assert "NOT_SET_ANYWHERE" in done.output


@pytest.mark.parametrize("uri", ["", "score", "ftp://host/score", "http://"])
def test_what_is_no_endpoint_is_refused(tmp_path: Path, uri: str) -> None:
    done = smoke(uri, tmp_path)
    assert done.exit_code == 1
    assert "is no http or https address" in done.output


def test_the_uri_may_come_from_the_environment(
    serve: Serve, mnist_model: Path, tmp_path: Path
) -> None:
    service = serve(mnist_model)
    done = CliRunner().invoke(
        app, ["smoke", "--out", str(tmp_path)], env={"SCORING_URI": service.uri}
    )
    assert done.exit_code == 0, done.output


def test_your_own_model_is_tested_without_digits(serve: Serve, wine: Any, tmp_path: Path) -> None:
    service = serve(wine.model)
    out = tmp_path / "out"
    done = smoke(service.uri, out, "--model", str(wine.model), "--data", str(wine.data))
    assert done.exit_code == 0, done.output
    assert not (out / "results.png").exists()


def smoked(service: Any, model: Path, count: int = 2, seed: int | None = 1) -> Result:
    """What a smoke test of the wine finds."""
    data = dataset.load(model.parent / "wine.npz", lambda _: None)
    endpoint = Endpoint(service.uri, wait_seconds=2)
    return Smoke(endpoint, model, data, count, seed).run()


READY = "the endpoint is ready and serves the expected model"
ROWS = "2 rows in one request are answered as the local model does"
RAW = "one raw row is answered as the local model does"


def test_the_rows_are_the_datas_own_and_none_twice(serve: Serve, wine: Any) -> None:
    service = serve(wine.model)
    data = dataset.load(wine.data, lambda _: None)
    made = Smoke(Endpoint(service.uri), wine.model, data, len(data), 1)
    result = made.run()
    samples = result.samples
    assert sorted(samples.indices) == list(range(len(data)))
    assert samples.truth == [data.labels.tolist()[index] for index in samples.indices]
    assert samples.local == samples.predicted
    assert len(samples.local) == len(data)
    raw = result.raw
    assert (raw.indices, raw.truth) == (samples.indices[:1], samples.truth[:1])
    assert raw.local == raw.predicted == samples.local[:1]
    sent = data.features[samples.indices].tolist()
    assert [each["body"] for each in service.requests] == [{"data": sent}, {"data": sent[:1]}]
    assert json.loads(made.raw_body(result)) == {"data": sent[:1]}


def test_a_seed_draws_the_same_rows_and_no_seed_others(serve: Serve, wine: Any) -> None:
    service = serve(wine.model)
    drawn = [smoked(service, wine.model, 40, seed).samples.indices for seed in (1, 1, 2, None)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert drawn[3] not in (drawn[0], smoked(service, wine.model, 40, None).samples.indices)


@pytest.mark.parametrize("count", [0, 90])
def test_more_rows_than_there_are_or_none_are_refused(serve: Serve, wine: Any, count: int) -> None:
    with pytest.raises(DataError, match=f"^{count} samples were asked for; the data has 89$"):
        smoked(serve(wine.model), wine.model, count)
    assert len(smoked(serve(wine.model), wine.model, 89).samples.indices) == 89
    assert len(smoked(serve(wine.model), wine.model, 1).samples.indices) == 1


def test_a_result_tells_machines_which_model_which_rows_and_what_failed(
    serve: Serve, wine: Any, tmp_path: Path
) -> None:
    service = serve(wine.model)
    result = smoked(service, wine.model)
    model = json.loads((wine.model / "manifest.json").read_text())
    samples = result.samples
    assert result.as_json() == {
        "uri": service.uri,
        "passed": True,
        "model": {"name": "wine", "version": "3", "sha256": model["sha256"]},
        "checks": [{"name": name, "passed": True, "failure": ""} for name in (READY, ROWS, RAW)],
        "samples": {
            "indices": samples.indices,
            "truth": samples.truth,
            "predicted": samples.predicted,
        },
    }
    result.write_junit(tmp_path / "good.xml")
    service.answer = lambda answers: [*answers[:-1], "a < b"]
    failed = smoked(service, wine.model)
    last, local = failed.samples.indices[-1], failed.samples.local[-1]
    why = f"row {last}: the endpoint predicts 'a < b', the local model {local!r}"
    first, local = failed.samples.indices[0], failed.samples.local[0]
    raw = f"row {first}: the endpoint predicts 'a < b', the local model {local!r}"
    assert failed.failures == [f"{ROWS}: {why}", f"{RAW}: {raw}"]
    told = failed.as_json()
    assert told["passed"] is False
    assert told["checks"] == [
        {"name": READY, "passed": True, "failure": ""},
        {"name": ROWS, "passed": False, "failure": why},
        {"name": RAW, "passed": False, "failure": raw},
    ]
    failed.write_junit(tmp_path / "failed.xml")
    for name, wrong in (("good", {}), ("failed", {ROWS: why, RAW: raw})):
        text = (tmp_path / f"{name}.xml").read_text()
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuite ')
        suite = ElementTree.fromstring(text)
        assert suite.attrib.items() >= {
            ("name", "smoke"), ("tests", "3"), ("failures", str(len(wrong))), ("errors", "0"),
        }  # fmt: skip
        cases = {each.attrib["name"]: each for each in suite}
        assert list(cases) == [READY, ROWS, RAW]
        assert {each.attrib["classname"] for each in suite} == {"smoke"}
        assert all(0 <= float(each.attrib["time"]) < 60 for each in suite)
        assert float(suite.attrib["time"]) == pytest.approx(
            sum(float(each.attrib["time"]) for each in suite), abs=0.01
        )
        found = {case: each.find("failure") for case, each in cases.items()}
        assert {case: one.attrib["message"] for case, one in found.items() if one is not None} == (
            wrong
        )
        assert {case: one.text for case, one in found.items() if one is not None} == wrong


def test_answers_of_another_model_than_ready_told_fail_the_test(serve: Serve, wine: Any) -> None:
    service = serve(wine.model)

    def moved(answers: list[Any]) -> list[Any]:
        service.sha256 = "0" * 64
        return answers

    service.answer = moved
    sha256 = json.loads((wine.model / "manifest.json").read_text())["sha256"]
    why = f"the answer came from the model {'0' * 64}, expected is {sha256}"
    assert smoked(service, wine.model).failures == [f"{ROWS}: {why}", f"{RAW}: {why}"]


def test_behind_another_model_no_row_is_asked(serve: Serve, wine: Any) -> None:
    service = serve(wine.model)
    service.sha256 = "0" * 64
    result = smoked(service, wine.model)
    sha256 = result.manifest.sha256
    why = f"it serves the model {'0' * 64}, expected is {sha256}"
    assert [(each.name, each.failure) for each in result.checks] == [(READY, why)]
    assert service.requests == []
    assert result.samples.predicted == []
