"""Which models are served: what the manifest says is the model's own, and a row is answered."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from scoring.errors import ModelError
from scoring.model.load import load_model

FLOWERS, NUMBERS = load_iris(return_X_y=True)


def write(folder: Path, estimator: Any, **changes: Any) -> Path:
    joblib.dump(estimator, folder / "model.pkl")
    manifest = {
        "name": "own",
        "version": "1",
        "file": "model.pkl",
        "sha256": hashlib.sha256((folder / "model.pkl").read_bytes()).hexdigest(),
        "input": {"features": 4},
        "classes": [0, 1, 2],
        **changes,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def tree(labels: Any = NUMBERS) -> Any:
    return DecisionTreeClassifier(max_depth=2, random_state=1).fit(FLOWERS, labels)


def linear() -> Any:
    return LogisticRegression(max_iter=1000).fit(FLOWERS, NUMBERS)


class Fails:
    """Predicts nothing: says what it was made with."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def predict(self, _: Any) -> Any:
        raise self.error


class Positive:
    """Takes the logarithm of its rows, so it refuses zeros."""

    def predict(self, rows: Any) -> Any:
        if (rows <= 0).any():
            raise ValueError("no zeros")
        return np.log(rows).sum(axis=1)


@pytest.mark.parametrize("make", [tree, linear])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input": {"features": 5}}, "5 features a row, the model takes 4"),
        ({"classes": [0, 1]}, "write them in this order and type"),
        ({"classes": [2, 1, 0]}, "write them in this order and type"),
        ({"classes": ["0", "1", "2"]}, "write them in this order and type"),
        ({"classes": [0.0, 1.0, 2.0]}, "write them in this order and type"),
        ({"classes": []}, "names no classes"),
    ],
)
def test_a_manifest_that_says_another_model_is_refused(tmp_path, make, changes, words):
    with pytest.raises(ModelError, match=words):
        load_model(write(tmp_path, make(), **changes))


@pytest.mark.parametrize(
    "labels", [NUMBERS == 1, NUMBERS * 1.0, np.array(["a", "b", "c"])[NUMBERS]]
)
def test_labels_of_every_kind_are_compared_with_their_type(tmp_path, labels):
    model = tree(labels)
    loaded = load_model(write(tmp_path, model, classes=model.classes_.tolist()))
    assert loaded.answer(FLOWERS).tolist() == model.predict(FLOWERS).tolist()


@pytest.mark.parametrize(
    "value", [{"a": 1}, DecisionTreeClassifier, [1, 2], None, "text"], ids=lambda each: str(each)
)
def test_a_pickle_that_is_no_estimator_is_refused(tmp_path, value):
    with pytest.raises(ModelError, match="cannot predict"):
        load_model(write(tmp_path, value))


@pytest.mark.parametrize(
    "estimator",
    [DecisionTreeClassifier(), Fails(KeyError("a\nb")), Fails(ValueError("columns are missing"))],
    ids=["not fitted", "fails", "wants names"],
)
def test_a_model_that_cannot_answer_a_row_is_refused_with_its_reason(tmp_path, estimator):
    with pytest.raises(ModelError, match="cannot answer a row of 4 numbers: ") as refused:
        load_model(write(tmp_path, estimator))
    assert "\n" not in str(refused.value)


def test_a_model_that_refuses_some_rows_is_served(tmp_path):
    assert load_model(write(tmp_path, Positive(), classes=[])).methods == ("predict",)


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier().fit(FLOWERS, np.c_[NUMBERS, NUMBERS]),
        KNeighborsClassifier().fit(FLOWERS, np.c_[NUMBERS == 0, NUMBERS == 1]),
        LinearRegression().fit(FLOWERS, np.c_[NUMBERS, NUMBERS]),
    ],
    ids=["classes", "marks", "values"],
)
def test_several_labels_a_row_are_refused(tmp_path, estimator):
    classes = [] if isinstance(estimator, LinearRegression) else [0, 1, 2]
    with pytest.raises(ModelError, match=r"one label or value a row|one label a row"):
        load_model(write(tmp_path, estimator, classes=classes))


def test_classes_of_a_regressor_are_refused(tmp_path):
    with pytest.raises(ModelError, match="a regressor has none"):
        load_model(write(tmp_path, LinearRegression().fit(FLOWERS, NUMBERS)))
