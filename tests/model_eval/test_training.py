"""Training: the tutorial's parameters, the same predictions every time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from model_eval import estimator, mnist
from model_eval.training import PARAMETERS, fit, train


def test_the_committed_model_has_the_tutorials_parameters(mnist_model: Path) -> None:
    model, manifest = estimator.load(mnist_model)
    assert manifest.content["training"]["parameters"] == {
        "C": 1.25,
        "solver": "liblinear",
        "random_state": 42,
    }
    assert manifest.content["training"]["rows"] == 60_000
    assert {type(each) for each in model.estimators_} == {LogisticRegression}  # pyright: ignore[reportAttributeAccessIssue]


def test_the_manifest_tells_what_validation_measures(mnist_model: Path) -> None:
    model, manifest = estimator.load(mnist_model)
    images, labels = mnist.test_set(print)
    assert manifest.accuracy == float(np.mean(model.predict(images) == labels))
    written = json.loads((mnist_model / "manifest.json").read_text())
    assert written["metrics"]["confusion_matrix"] == [list(row) for row in manifest.confusion]


def test_the_same_data_gives_the_same_model_and_a_step_per_class() -> None:
    images, labels = mnist.test_set(print)
    steps: list[int] = []
    one, other = (fit(images[:600], labels[:600], lambda: steps.append(1)) for _ in range(2))
    assert len(steps) == 20
    assert np.array_equal(np.asarray(one.predict(images)), np.asarray(other.predict(images)))
    assert one.get_params()["estimator"].get_params()["C"] == PARAMETERS["C"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_training_on_all_images_gives_the_committed_model_but_for_rounding(
    tmp_path: Path, mnist_model: Path
) -> None:
    """Another processor sums in another order, and liblinear stops at a tolerance of its own.

    A few images in ten thousand lie close enough to a border to change sides; other parameters,
    other rows or unscaled pixels change hundreds.
    """
    fresh = train(tmp_path / "model", print, lambda: None)
    images, _ = mnist.test_set(print)
    committed, manifest = estimator.load(mnist_model)
    trained, _ = estimator.load(tmp_path / "model")
    assert np.mean(committed.predict(images) == trained.predict(images)) >= 0.999
    assert manifest.accuracy is not None
    assert fresh.accuracy is not None
    assert abs(manifest.accuracy - fresh.accuracy) <= 0.001
