"""Steps 3 to 6: is this model good enough to be deployed?"""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import sklearn

from model_eval import estimator
from model_eval.dataset import Dataset
from model_eval.errors import DataError, GateError, ModelError
from model_eval.estimator import Classifier
from model_eval.manifest import Manifest
from model_eval.metrics import Evaluation, evaluate
from scoring.output_folder import write_text


@dataclass(frozen=True)
class Measured:
    """A model and what it answered.

    Attributes:
        model: The fitted estimator.
        manifest: Its identity.
        predicted: `(rows,)` answers to the test data.
        evaluation: The counts.
        seconds: What took how long.
    """

    model: Classifier
    manifest: Manifest
    predicted: npt.NDArray[Any]
    evaluation: Evaluation
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
    if features != manifest.input.features:
        raise DataError(
            f"the data has {features} features a row, the model takes {manifest.input.features}"
        )
    try:
        predicted = model.predict(data.features)
        done = time.perf_counter()
        counts = evaluate(data.labels, predicted, manifest.classes)
    except ValueError as error:
        raise ModelError(f"{manifest.name} and the test data do not fit: {error}") from error
    seconds = {"load the model": loaded - began, "predict": done - loaded}
    return Measured(model, manifest, predicted, counts, seconds)


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
        "versions": {
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "joblib": joblib.__version__,
            "python": platform.python_version(),
        },
    }


def write_json(value: dict[str, Any], file: Path) -> None:
    """Write a report."""
    write_text(file, json.dumps(value, indent=2) + "\n")


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
