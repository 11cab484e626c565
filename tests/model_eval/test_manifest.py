"""`python -m model_eval manifest`: a bare pickle becomes a model directory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

from model_eval.__main__ import app
from model_eval.estimator import load
from scoring.manifest import Manifest


def run(command: str, *arguments: object) -> Any:
    return CliRunner().invoke(app, [command, *map(str, arguments)])


def write_data(file: Path, features: Any, labels: Any) -> Path:
    np.savez(file, X=features, y=labels)
    return file


@pytest.fixture
def bare(wine: Any, tmp_path: Path) -> Path:
    """A pickle alone in a folder, as the tutorial leaves it."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    return Path(shutil.copy(wine.model / "wine.pkl", folder))


def test_a_bare_pickle_gets_a_manifest_that_validate_takes(
    bare: Path, wine: Any, tmp_path: Path
) -> None:
    done = run("manifest", bare, "--data", wine.data, "--name", "mine")
    assert done.exit_code == 0, done.output
    found = Manifest.read(bare.parent)
    assert (found.name, found.version, found.features, found.file) == ("mine", "1", 13, "wine.pkl")
    assert found.classes == ("barbera", "barolo", "grignolino")
    checked = run(
        *("validate", "--model", bare.parent, "--data", wine.data, "--out", tmp_path / "out")
    )
    assert checked.exit_code == 0, checked.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["accuracy"] == found.accuracy
    assert report["confusion_matrix"] == [list(row) for row in found.confusion]


def test_the_tutorials_pickle_is_described_like_the_committed_one(
    mnist_model: Path, tmp_path: Path
) -> None:
    shutil.copy(mnist_model / "sklearn_mnist_model.pkl", tmp_path)
    pickle = tmp_path / "sklearn_mnist_model.pkl"
    done = run("manifest", pickle, "--name", "sklearn_mnist")
    assert done.exit_code == 0, done.output
    found, committed = Manifest.read(tmp_path), Manifest.read(mnist_model)
    for same in ("sha256", "classes", "features", "image", "confusion", "accuracy", "data"):
        assert getattr(found, same) == getattr(committed, same)


def test_an_older_manifest_of_the_pickle_is_replaced_and_another_is_not(
    bare: Path, wine: Any
) -> None:
    arguments = (bare, "--data", wine.data, "--name")
    for name in ("one", "two"):
        assert run("manifest", *arguments, name).exit_code == 0
    assert Manifest.read(bare.parent).name == "two"
    place = bare.parent / "manifest.json"
    other = '{"name": "a web app", "icons": []}'
    for content in (other, place.read_text().replace("wine.pkl", "other.pkl")):
        place.write_text(content)
        done = run("manifest", *arguments, "three")
        assert done.exit_code == 1
        assert "Nothing was touched" in done.output
        assert place.read_text() == content


def test_every_way_to_it_names_the_command(tmp_path: Path, bare: Path) -> None:
    for folder in (tmp_path / "nothing", bare.parent):
        done = run("validate", "--model", folder, "--out", tmp_path / "out")
        assert done.exit_code == 1
        assert "python -m model_eval manifest" in done.output


@pytest.mark.parametrize("content", [b"", b"\x80\x04]q\x00.", b"text"], ids=["no", "list", "text"])
def test_what_is_no_estimator_is_one_line(tmp_path: Path, wine: Any, content: bytes) -> None:
    (tmp_path / "some.pkl").write_bytes(content)
    done = run("manifest", tmp_path / "some.pkl", "--data", wine.data, "--name", "some")
    assert done.exit_code == 1
    assert done.output.startswith("error: ")
    assert done.output.count("\n") == 1
    assert not (tmp_path / "manifest.json").exists()


def test_a_model_that_takes_no_constant_row_gets_a_sample(tmp_path: Path) -> None:
    features = np.array([[3, 7], [4, 8], [3, 8], [4, 7]])
    labels = np.array(["a", "b", "a", "b"])
    model = make_pipeline(OneHotEncoder(), DecisionTreeClassifier(random_state=1))
    joblib.dump(model.fit(features, labels), tmp_path / "codes.pkl")
    data = write_data(tmp_path / "data.npz", features, labels)
    done = run("manifest", tmp_path / "codes.pkl", "--data", data, "--name", "codes")
    assert done.exit_code == 0, done.output
    assert Manifest.read(tmp_path).sample == (3.0, 7.0)
    load(tmp_path)


@pytest.mark.parametrize("kind", [bool, float, str])
def test_labels_of_every_kind_come_back_from_a_csv(tmp_path: Path, kind: Any) -> None:
    features, numbers = load_wine(return_X_y=True)
    labels = (numbers > 0).astype(kind)
    joblib.dump(DecisionTreeClassifier(random_state=1).fit(features, labels), tmp_path / "tree.pkl")
    lines = [",".join([*(f"f{index}" for index in range(13)), "label"])]
    lines += [
        ",".join([*map(repr, row.tolist()), str(label)])
        for row, label in zip(features, labels.tolist(), strict=True)
    ]
    data = tmp_path / "data.csv"
    data.write_text("\n".join(lines))
    done = run("manifest", tmp_path / "tree.pkl", "--data", data, "--name", "tree")
    assert done.exit_code == 0, done.output
    assert "Overall accuracy: 1.0000" in done.output
    assert Manifest.read(tmp_path).classes == tuple(np.unique(labels).tolist())


def test_a_regressor_gets_a_manifest_without_accuracy(tmp_path: Path, wine: Any) -> None:
    features, numbers = load_wine(return_X_y=True)
    joblib.dump(LinearRegression().fit(features, numbers), tmp_path / "line.pkl")
    done = run("manifest", tmp_path / "line.pkl", "--data", wine.data, "--name", "line")
    assert done.exit_code == 0, done.output
    found = Manifest.read(tmp_path)
    assert (found.classes, found.accuracy) == ((), None)
    refused = run(
        *("validate", "--model", tmp_path, "--data", wine.data, "--out", tmp_path / "out")
    )
    assert refused.exit_code == 1
    assert "is a regressor" in refused.output


def test_data_of_other_labels_or_width_is_one_line(bare: Path, wine: Any, tmp_path: Path) -> None:
    with np.load(wine.data) as arrays:
        features, labels = arrays["X"], arrays["y"]
    for number, data in enumerate(((features[:, :5], labels), (features, np.arange(len(labels))))):
        file = write_data(tmp_path / f"{number}.npz", *data)
        done = run("manifest", bare, "--data", file, "--name", "mine")
        assert done.exit_code == 1
        assert done.output.count("\n") == 1
        assert not (bare.parent / "manifest.json").exists()
