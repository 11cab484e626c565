"""Steps 3 to 6: is this model good enough to be deployed?"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_eval import estimator
from model_eval.dataset import Dataset
from model_eval.errors import DataError, GateError
from model_eval.estimator import Classifier
from model_eval.manifest import versions
from model_eval.metrics import Evaluation, evaluate
from scoring.errors import ModelError, message_of
from scoring.manifest import Manifest


@dataclass(frozen=True)
class Measured:
    """A model and what it answered.

    Attributes:
        model: The fitted estimator.
        manifest: Its identity.
        predicted: `(rows,)` answers to the test data.
        evaluation: The counts.
        size: The pickle's bytes.
        seconds: What took how long.
    """

    model: Classifier
    manifest: Manifest
    predicted: npt.NDArray[Any]
    evaluation: Evaluation
    size: int
    seconds: Mapping[str, float]


def validate(model_folder: Path, data: Dataset) -> Measured:
    """Predict all of the test data and count.

    Raises:
        ModelError: The model cannot be used.
        DataError: The data does not fit the model.
    """
    began = time.perf_counter()
    model, manifest = estimator.load(model_folder)
    loaded = time.perf_counter()
    features = data.features.shape[1]
    if features != manifest.features:
        raise DataError(
            f"the data has {features} features a row, the model takes {manifest.features}"
        )
    if not manifest.classes:
        raise ModelError(
            f"{manifest.name} is a regressor, and accuracy and the gate are of classes"
        )
    try:
        predicted = np.asarray(model.predict(data.features))
        done = time.perf_counter()
        labels = data.for_classes(manifest.classes).labels
        counts = evaluate(labels, predicted, manifest.classes)
    except Exception as error:  # an estimator may raise anything
        reason = message_of(error)
        raise ModelError(f"{manifest.name} and the test data do not fit: {reason}") from error
    seconds = {"load the model": loaded - began, "predict": done - loaded}
    size = (model_folder / manifest.file).stat().st_size
    return Measured(model, manifest, predicted, counts, size, seconds)


def report(evaluation: Evaluation, manifest: Manifest, data: Dataset) -> dict[str, Any]:
    """What a machine, a reviewer or the registry may want to know; the same for the same input."""
    return {
        "model": {
            "name": manifest.name,
            "version": manifest.version,
            "sha256": manifest.sha256,
            "estimator": manifest.estimator,
        },
        "accuracy": evaluation.accuracy,
        "rows": evaluation.rows,
        "classes": list(evaluation.classes),
        "confusion_matrix": evaluation.matrix.tolist(),
        "per_class": [asdict(metrics) for metrics in evaluation.per_class()],
        "data_md5": dict(data.md5),
        "versions": versions(),
    }


def gate(evaluation: Evaluation, least: float) -> None:
    """Refuse a model that is not good enough.

    Raises:
        GateError: The accuracy is below `least`; the message says by how much.
    """
    missing = least - evaluation.accuracy
    if missing > 0:
        right = int(np.trace(evaluation.matrix))
        missing_rows = math.ceil(round(least * evaluation.rows, 6)) - right
        raise GateError(
            f"accuracy {evaluation.accuracy:.4f} is {missing:.4f} below the gate of {least:.4f} "
            f"({missing_rows} more of {evaluation.rows} rows must be right)"
        )
