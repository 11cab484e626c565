"""Steps 3 to 6: the tutorial's confusion matrix, its plot, the report and the gate."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from model_eval import validation
from model_eval.__main__ import app
from model_eval.dataset import Dataset
from model_eval.digest import sha256_of
from model_eval.errors import DataError, GateError
from model_eval.metrics import evaluate
from scoring.errors import ModelError
from scoring.manifest import Manifest

TUTORIAL = [
    [960, 0, 1, 2, 1, 5, 6, 3, 1, 1],
    [0, 1112, 3, 1, 0, 1, 5, 1, 12, 0],
    [9, 8, 920, 20, 10, 4, 10, 11, 37, 3],
    [4, 0, 17, 921, 2, 21, 4, 12, 20, 9],
    [1, 2, 5, 3, 915, 0, 10, 2, 6, 38],
    [10, 2, 0, 41, 10, 770, 17, 7, 28, 7],
    [9, 3, 7, 2, 6, 20, 907, 1, 3, 0],
    [2, 7, 22, 5, 8, 1, 1, 950, 5, 27],
    [10, 15, 5, 21, 15, 27, 7, 11, 851, 12],
    [7, 8, 2, 13, 32, 13, 0, 24, 12, 898],
]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["validate", *arguments])


def test_it_gives_the_tutorials_table_but_for_one_sample(tmp_path: Path) -> None:
    done = run("--out", str(tmp_path / "out"), "--json", str(tmp_path / "copy.json"))
    assert done.exit_code == 0, done.output
    assert "Overall accuracy: 0.9205" in done.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    difference = np.array(report["confusion_matrix"]) - np.array(TUTORIAL)
    assert np.abs(difference).sum() == 2
    assert report["accuracy"] == 0.9205
    assert json.loads((tmp_path / "copy.json").read_text()) == report


def test_the_report_names_model_data_versions_and_each_class(tmp_path: Path) -> None:
    run("--out", str(tmp_path / "out"))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert len(report["model"]["sha256"]) == 64
    assert report["data_md5"]["t10k-images-idx3-ubyte"] == "2646ac647ad5339dbf082846283269ea"
    assert report["versions"]["scikit-learn"] == "1.9.1"
    assert [each["label"] for each in report["per_class"]] == list(range(10))


def test_two_validations_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run("--out", str(tmp_path / name))
    for file in ("report.json", "conf.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_plot_shines_where_the_model_errs_most(tmp_path: Path) -> None:
    run("--out", str(tmp_path / "out"))
    picture = np.asarray(Image.open(tmp_path / "out" / "conf.png").convert("L")).astype(int)
    assert picture.shape == (500, 800)
    # The axes' square: the diagonal is black, five taken for three is the brightest cell.
    dark = picture < 250
    columns = np.flatnonzero(dark.sum(axis=0) > 300)
    rows = np.flatnonzero(dark.sum(axis=1) > 300)
    left, side = columns[0], (rows[-1] - rows[0]) / 10
    cells = np.array(
        [
            [
                picture[int(rows[0] + side * (row + 0.5)), int(left + side * (column + 0.5))]
                for column in range(10)
            ]
            for row in range(10)
        ]
    )
    assert np.unravel_index(cells.argmax(), cells.shape) == (5, 3)
    assert np.diag(cells).max() < 10


def test_below_the_gate_it_exits_1_and_says_by_how_much(tmp_path: Path) -> None:
    done = run("--out", str(tmp_path / "out"), "--min-accuracy", "0.93")
    assert done.exit_code == 1
    assert "accuracy 0.9205 is 0.0095 below the gate of 0.9300 (95 more of 10000" in done.output
    assert "Traceback" not in done.output


def test_an_altered_model_is_refused_before_it_is_unpickled(
    tmp_path: Path, mnist_model: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(mnist_model, model)
    trap = b"cos\nsystem\n(S'touch " + str(tmp_path / "run").encode() + b"'\ntR."
    (model / "sklearn_mnist_model.pkl").write_bytes(trap)
    done = run("--model", str(model), "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "it was not unpickled" in done.output
    assert not (tmp_path / "run").exists()


def test_a_model_of_another_scikit_learn_is_refused(tmp_path: Path, mnist_model: Path) -> None:

    from model_eval.digest import sha256_of

    model = tmp_path / "model"
    shutil.copytree(mnist_model, model)
    pickle = model / "sklearn_mnist_model.pkl"
    content = pickle.read_bytes()
    assert b"1.9.1" in content
    pickle.write_bytes(content.replace(b"1.9.1", b"1.8.9"))
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["sha256"] = sha256_of(pickle)
    (model / "manifest.json").write_text(json.dumps(manifest))
    done = run("--model", str(model), "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "written by scikit-learn 1.8.9" in done.output


@pytest.mark.parametrize("content", ["", "{}", '{"name": "x"}', "[1"])
def test_a_broken_manifest_names_its_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    done = run("--model", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "manifest.json" in done.output


def test_your_own_model_and_data_are_validated_without_digits(tmp_path: Path, wine: Any) -> None:
    done = run("--model", str(wine.model), "--data", str(wine.data), "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["classes"] == ["barbera", "barolo", "grignolino"]


def test_a_model_that_hands_on_pandas_is_one_line_where_there_is_no_pandas(
    tmp_path: Path, wine: Any
) -> None:
    """Its scaler wants pandas for each row, and neither this environment nor the image has it."""
    manifest = json.loads((wine.model / "manifest.json").read_text())
    model = joblib.load(wine.model / manifest["file"])
    model[0].set_output(transform="pandas")
    joblib.dump(model, wine.model / manifest["file"])
    manifest["sha256"] = sha256_of(wine.model / manifest["file"])
    (wine.model / "manifest.json").write_text(json.dumps(manifest))
    done = run("--model", str(wine.model), "--data", str(wine.data), "--out", str(tmp_path / "o"))
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "the model cannot answer a row of 13 numbers: " in line
    assert "pandas" in line


def test_data_that_does_not_fit_the_model_is_named(tmp_path: Path, wine: Any) -> None:
    done = run("--data", str(wine.data), "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "the data has 13 features a row, the model takes 784" in done.output


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "x,label\n1,a\n2\n", "line 3 has 1 values, 2 expected"),
        ("a.csv", "x,label\none,a\n", "line 2"),
        ("a.csv", "x,label\nnan,a\n", "not finite"),
        ("a.csv", "label\n", "at least one feature"),
        ("a.txt", "", "neither .npz nor .csv"),
        ("a.npz", "nonsense", "no usable npz"),
    ],
)
def test_unusable_data_is_refused_with_its_place(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    done = run("--data", str(tmp_path / name), "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert message in done.output


class Rigid:
    """A classifier that answers what it is made with, or raises it."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers

    def predict(self, _: Any) -> Any:
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


def measured(
    monkeypatch: pytest.MonkeyPatch, wine: Any, answers: Any, data: Dataset, **changes: Any
) -> validation.Measured:
    """A validation of the wine's manifest with another model."""
    manifest = replace(Manifest.read(wine.model), **changes)
    monkeypatch.setattr(validation.estimator, "load", lambda _: (Rigid(answers), manifest))
    return validation.validate(wine.model, data)


def rows(*labels: str, features: int = 13) -> Dataset:
    return Dataset(np.zeros((len(labels), features)), np.array(labels), {"file": "0" * 32})


def test_a_validation_counts_answers_and_says_what_took_how_long(
    monkeypatch: pytest.MonkeyPatch, wine: Any
) -> None:
    data = rows("barolo", "barolo", "barbera")
    found = measured(monkeypatch, wine, ["barolo", "barbera", "barbera"], data)
    assert found.predicted.tolist() == ["barolo", "barbera", "barbera"]
    assert found.evaluation.matrix.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert found.size == (wine.model / "wine.pkl").stat().st_size
    assert list(found.seconds) == ["load the model", "predict"]
    assert all(0 <= each < 60 for each in found.seconds.values())


def test_a_report_is_all_that_a_reviewer_may_ask(
    monkeypatch: pytest.MonkeyPatch, wine: Any
) -> None:
    data = rows("barolo", "barolo", "barbera")
    found = measured(monkeypatch, wine, ["barolo", "barbera", "barbera"], data)
    told = validation.report(found.evaluation, found.manifest, data)
    assert told.pop("versions")["scikit-learn"]
    grown = {"label": "barolo", "precision": 1.0, "recall": 0.5, "f1": 2 / 3, "rows": 2}
    other = {"label": "barbera", "precision": 0.5, "recall": 1.0, "f1": 2 / 3, "rows": 1}
    none = {"label": "grignolino", "precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 0}
    assert told == {
        "model": {
            "name": "wine",
            "version": "3",
            "sha256": sha256_of(wine.model / "wine.pkl"),
            "estimator": "Pipeline",
        },
        "accuracy": 2 / 3,
        "rows": 3,
        "classes": ["barbera", "barolo", "grignolino"],
        "confusion_matrix": [[1, 0, 0], [1, 1, 0], [0, 0, 0]],
        "per_class": [other, grown, none],
        "data_md5": {"file": "0" * 32},
    }


@pytest.mark.parametrize(
    ("answers", "data", "changes", "why"),
    [
        (
            *([], rows("barolo", features=12), {}),
            "the data has 12 features a row, the model takes 13",
        ),
        ([], rows("barolo"), {"classes": ()}, "wine is a regressor, and accuracy and the gate"),
        (
            *(ValueError("a\n  b"), rows("barolo"), {}),
            "wine and the test data do not fit: a b",
        ),
        (
            *(["barolo"], rows("merlot"), {}),
            "wine and the test data do not fit: label 'merlot' is not a class",
        ),
        (
            *(["barolo"] * 2, rows("barolo"), {}),
            "wine and the test data do not fit: zip() argument 2 is longer than argument 1",
        ),
    ],
)
def test_what_cannot_be_validated_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    wine: Any,
    answers: Any,
    data: Dataset,
    changes: dict[str, Any],
    why: str,
) -> None:
    with pytest.raises((ModelError, DataError)) as raised:
        measured(monkeypatch, wine, answers, data, **changes)
    assert str(raised.value).startswith(why)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("right", "least", "missing"),
    [(9, 0.9, 0), (10, 1.0, 0), (0, 0.0, 0), (8, 0.9, 1), (8, 0.81, 1), (0, 1.0, 10), (7, 0.7, 0)],
)
def test_the_gate_lets_through_what_reaches_it_and_says_how_many_rows_are_missing(
    right: int, least: float, missing: int
) -> None:
    found = evaluate(np.zeros(10, int), np.array([0] * right + [1] * (10 - right)), [0, 1])
    if not missing:
        validation.gate(found, least)
        return
    with pytest.raises(GateError) as raised:
        validation.gate(found, least)
    assert str(raised.value) == (
        f"accuracy {right / 10:.4f} is {least - right / 10:.4f} below the gate of {least:.4f} "
        f"({missing} more of 10 rows must be right)"
    )


@pytest.mark.parametrize(
    "modules",
    [
        "model_eval.__main__, model_eval.validation, model_eval.smoke, model_eval.training",
        "infra.settings, infra.workspace, infra.registry, infra.scoring_group",
        "scoring.cli, scoring.score, scoring.process.run",
    ],
    ids=["validation", "program", "service"],
)
def test_only_the_registrys_commands_load_azureml(modules: str) -> None:
    code = (
        f"import sys, {modules};"
        "sys.exit('azureml' in {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
