"""Bring your own model: wine with string labels, through the workspace, by configuration only.

The tests run in this order, against one stand-in of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import joblib
import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_eval import manifest as manifests
from model_eval.digest import sha256_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
LABELS = np.array(["barolo", "grignolino", "barbera"])


@dataclass(frozen=True)
class Cellar:
    """A model of wines, its test data, and the machine that it is deployed on."""

    machine: Any
    model: Path
    data: Path

    def up(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.machine.run(
            *(sys.executable, "-m", "journey", "up", "--source", str(self.model)),
            *("--data", str(self.data), *more),
        )

    def model_eval(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        config = ["--config", str(self.machine.state / "config.json")]
        return self.machine.inside("python", "-m", "model_eval", command, *config, *arguments)


@pytest.fixture(scope="module")
def cellar(machine: Any, tmp_path_factory: pytest.TempPathFactory) -> Cellar:
    folder = tmp_path_factory.mktemp("cellar")
    features, numbers = load_wine(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(random_state=1))
    pipeline.fit(features[::2], LABELS[numbers][::2])
    write(pipeline, folder / "model")
    data = folder / "wine.csv"
    rows = [",".join([*(f"f{i}" for i in range(13)), "grower"])]
    rows += [
        ",".join([*map(repr, map(float, row)), label])
        for row, label in zip(features[1::2], LABELS[numbers][1::2], strict=True)
    ]
    data.write_text("\n".join(rows))
    return Cellar(machine, folder / "model", data)


def write(pipeline: Any, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    joblib.dump(pipeline, folder / "wine.pkl")
    manifests.write(
        folder,
        {
            "name": "wine",
            "version": "1",
            "file": "wine.pkl",
            "sha256": sha256_of(folder / "wine.pkl"),
            "estimator": "Pipeline",
            "description": "Tell growers by their wine",
            "data": "wine",
            "framework": {"scikit-learn": sklearn.__version__},
            "input": {"features": 13},
            "classes": sorted(LABELS.tolist()),
        },
    )


def test_another_classifier_goes_all_the_way_by_configuration_only(cellar: Cellar) -> None:
    done = cellar.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "registered: wine version 1" in done.stdout
    assert "results.png" not in done.stdout  # its rows are no pictures
    uri = json.loads((cellar.machine.state / "out" / "smoke.json").read_text())["uri"]
    sample = json.loads((cellar.machine.state / "out" / "sample.json").read_text())
    answer = httpx.post(uri, json=sample, trust_env=False, timeout=60)
    assert answer.json()[0] in LABELS
    assert answer.headers["x-model-sha256"] == sha256_of(cellar.model / "wine.pkl")
    described = httpx.get(uri.replace("/score", "/swagger.json"), trust_env=False, timeout=60)
    assert described.json()["info"]["description"] == "Tell growers by their wine"
    exported = json.loads(cellar.machine.inside("pulumi", "stack", "export").stdout)
    (tags,) = (
        each["inputs"]["tags"]
        for each in exported["deployment"]["resources"]
        if each["type"].endswith(":ContainerGroup")
    )
    assert tags["data"] == "wine"


def test_info_names_the_sdk_and_the_workspace(cellar: Cellar) -> None:
    done = cellar.model_eval("info")
    assert done.returncode == 0, done.stderr
    assert "azureml-core: 1.61" in done.stdout
    assert "name: mlw-mnist-local-" in done.stdout
    assert "deprecat" not in (done.stdout + done.stderr).lower()


def test_the_same_bytes_are_no_new_version(cellar: Cellar) -> None:
    report = ["--report", str(cellar.machine.state / "out" / "report.json")]
    again = cellar.model_eval(
        "register", "--model", str(cellar.model), "--data", str(cellar.data), *report
    )
    assert again.returncode == 0, again.stderr
    assert "already registered: wine 1" in again.stdout
    listed = cellar.model_eval("list", "--name", "wine")
    assert listed.stdout.splitlines() == [f"wine 1, sha256 {sha256_of(cellar.model / 'wine.pkl')}"]


def test_a_model_without_its_own_report_is_not_registered(cellar: Cellar, tmp_path: Path) -> None:
    report = json.loads((cellar.machine.state / "out" / "report.json").read_text())
    report["model"]["sha256"] = "0" * 64
    (tmp_path / "report.json").write_text(json.dumps(report))
    done = cellar.model_eval(
        *("register", "--model", str(cellar.model), "--data", str(cellar.data)),
        *("--report", str(tmp_path / "report.json")),
    )
    assert done.returncode == 1
    assert "the report is not of this model" in done.stderr


def test_a_model_that_starts_only_here_is_refused_before_it_is_registered(
    cellar: Cellar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its class lies in a module on this machine's path, which no image has."""
    (tmp_path / "shop.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\n\n\n"
        "class Tuned(DecisionTreeClassifier):\n    pass\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    from shop import Tuned  # pyright: ignore[reportMissingImports]

    features, numbers = load_wine(return_X_y=True)
    write(Tuned(random_state=1).fit(features, LABELS[numbers]), tmp_path / "model")
    done = replace(cellar, model=tmp_path / "model").up("--min-accuracy", "0")
    assert done.returncode == 1
    assert "No module named 'shop'; the image has the packages of" in done.stdout
    assert len(cellar.model_eval("list", "--name", "wine").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "wanted", [["--name", "absent"], ["--name", "wine", "--version", "9"]], ids=["name", "version"]
)
def test_a_missing_model_is_one_line_and_leaves_nothing(
    cellar: Cellar, tmp_path: Path, wanted: list[str]
) -> None:
    done = cellar.model_eval("retrieve", *wanted, "--out", str(tmp_path / "model"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no such model or version" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_login_that_is_refused_is_one_line(cellar: Cellar) -> None:
    done = cellar.machine.inside(
        *("env", "AZUREML_SERVICE_PRINCIPAL_PASSWORD=expired", "python", "-m", "model_eval"),
        *("list", "--config", str(cellar.machine.state / "config.json")),
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the login was refused or has expired" in done.stderr


def test_an_altered_blob_stops_the_deployment_with_the_reason(cellar: Cellar) -> None:
    pickle = (cellar.model / "wine.pkl").read_bytes()
    blobs = [
        path
        for path in (cellar.machine.state / "services" / "machinelearning").rglob("*")
        if path.is_file() and path.read_bytes() == pickle
    ]
    assert blobs
    for blob in blobs:
        blob.write_bytes(pickle[:-1] + b"?")
    try:
        done = cellar.up()
        assert done.returncode == 1
        assert "registered was" in done.stdout
        assert "Deploy the scoring service" not in done.stdout
    finally:
        for blob in blobs:
            blob.write_bytes(pickle)


def test_a_workspace_that_does_not_answer_is_given_up_within_seconds(
    cellar: Cellar, tmp_path: Path
) -> None:
    environment = dict(
        line.removeprefix("export ").split("=", 1)
        for line in cellar.machine.run(
            sys.executable, "-m", "local_azure", "env"
        ).stdout.splitlines()
        if line.startswith("export ")
    )
    assert cellar.machine.run(sys.executable, "-m", "local_azure", "stop").returncode == 0
    unquoted = {name: value.strip("'") for name, value in environment.items()}
    began = time.monotonic()
    done = cellar.machine.run(
        *(sys.executable, "-m", "model_eval", "list", "--limit", "10"),
        *("--config", str(cellar.machine.state / "config.json")),
        **unquoted,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: could not open the workspace")
    assert time.monotonic() - began < 30
