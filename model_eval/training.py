"""Part 1 of the tutorial: one logistic regression a digit, on the 60,000 training images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from model_eval import mnist
from model_eval.manifest import Description, content_of, write
from model_eval.metrics import evaluate
from scoring.manifest import Manifest
from scoring.output_folder import check, replaced

PARAMETERS: dict[str, Any] = {"C": 1 / 0.8, "solver": "liblinear", "random_state": 42}
"""The tutorial's: a regularisation rate of 0.8."""

NAME = "sklearn_mnist"
FILE = "sklearn_mnist_model.pkl"
RESULT = "a trained model"


def fit(
    images: npt.NDArray[np.float64], labels: npt.NDArray[np.uint8], fitted: Callable[[], None]
) -> OneVsRestClassifier:
    """One-versus-rest logistic regression, deterministic for the same data and versions.

    Args:
        images: `(rows, features)` in 0..1.
        labels: `(rows,)`.
        fitted: Called after each class.
    """

    class Counted(LogisticRegression):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticRegression:  # noqa: N803
            done = super().fit(X, y, sample_weight)
            fitted()
            return done

    model = OneVsRestClassifier(Counted(**PARAMETERS))
    model.fit(images, labels)
    # The pickle must hold scikit-learn's own class: the image does not know this module.
    fitted_ones: list[LogisticRegression] = list(model.estimators_)  # pyright: ignore[reportAssignmentType]
    for estimator in fitted_ones:
        estimator.__class__ = LogisticRegression
    model.set_params(estimator=LogisticRegression(**PARAMETERS))
    return model


def train(out: Path, say: Callable[[str], None], fitted: Callable[[], None]) -> Manifest:
    """Train on MNIST, measure on its test set and write a model directory.

    Args:
        out: The directory: new, empty, or an earlier trained model, which is replaced when the new
            one is complete.
        say: Told where the data comes from.
        fitted: Called after each of the ten classes.

    Raises:
        DataError: The training data could not be had.
        OutputError: The directory holds something else.
    """
    check(out, RESULT)
    images, labels = mnist.training_set(say)
    test_images, test_labels = mnist.test_set(say)
    model = fit(images, labels, fitted)
    classes = tuple(int(label) for label in model.classes_)
    evaluation = evaluate(test_labels, np.asarray(model.predict(test_images)), classes)
    said = Description(
        name=NAME,
        features=images.shape[1],
        classes=classes,
        image=(28, 28),
        description="Predict MNIST with sklearn",
        data="MNIST",
        training={
            "parameters": PARAMETERS,
            "rows": len(images),
            "data_md5": mnist.md5_of_set("train"),
        },
    )
    with replaced(out, RESULT) as draft:
        pickle = draft / FILE
        joblib.dump(model, pickle)
        tested = mnist.md5_of_set("t10k")
        return write(draft, content_of(pickle, model, said, evaluation, tested))
