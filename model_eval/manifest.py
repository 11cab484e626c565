"""Write the manifest beside a pickle; `scoring.manifest` reads it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn

from model_eval.dataset import Dataset
from model_eval.digest import sha256_of
from model_eval.errors import DataError
from model_eval.metrics import Evaluation, evaluate
from scoring.errors import ModelError, message_of
from scoring.manifest import MANIFEST, Label, Manifest
from scoring.model import contract
from scoring.output_folder import write_text


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a manifest says beside what the pickle itself tells.

    Attributes:
        name: The model's name in the registry, in addresses and labels.
        version: Its version; a registry gives its own.
        features: Numbers in a row; `describe` has it from the data.
        classes: The labels in the model's order; none of a regressor. `describe` asks the model.
        image: Height and width where a row is an image.
        sample: A row that the model answers; only for one that takes no constant rows.
        description: What it does, in a line.
        data: What it was trained on, in a word.
        training: Parameters, rows and MD5 of the training data.
    """

    name: str
    version: str = "1"
    features: int = 0
    classes: tuple[Label, ...] = ()
    image: tuple[int, int] | None = None
    sample: tuple[float, ...] = ()
    description: str = ""
    data: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)


def versions() -> dict[str, str]:
    """Of the packages that read and write pickles here."""
    return {
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "joblib": joblib.__version__,
        "python": platform.python_version(),
    }


def content_of(
    pickle: Path,
    estimator: object,
    said: Description,
    evaluation: Evaluation | None,
    data_md5: Mapping[str, str],
) -> dict[str, Any]:
    """A manifest's content.

    Args:
        pickle: The model's file.
        estimator: What it holds.
        said: The rest.
        evaluation: How good it is on its test data; None of a regressor.
        data_md5: MD5 of each file of test data.
    """
    taken: dict[str, Any] = {"features": said.features, "dtype": "float64"}
    taken |= {"image": list(said.image)} if said.image else {}
    taken |= {"sample": list(said.sample)} if said.sample else {}
    content: dict[str, Any] = {
        "name": said.name,
        "version": said.version,
        "description": said.description,
        "data": said.data,
        "file": pickle.name,
        "sha256": sha256_of(pickle),
        "size": pickle.stat().st_size,
        "estimator": type(estimator).__name__,
        "framework": versions(),
        "input": taken,
        "classes": list(said.classes),
        "training": dict(said.training),
    }
    if evaluation is not None:
        content["metrics"] = {
            "accuracy": evaluation.accuracy,
            "rows": evaluation.rows,
            "data_md5": dict(data_md5),
            "confusion_matrix": evaluation.matrix.tolist(),
        }
    return {key: value for key, value in content.items() if value not in ("", [], {})}


def write(folder: Path, content: Mapping[str, Any]) -> Manifest:
    """Write a manifest into a model directory, once its reader takes it.

    Raises:
        ModelError: The reader would refuse it.
        OutputError: The disk refuses.
    """
    text = _rows_on_one_line(json.dumps(content, indent=2)) + "\n"
    try:
        manifest = Manifest.parse(text.encode())
    except ModelError as error:
        raise ModelError(f"the manifest of {folder} {error}") from None
    write_text(folder / MANIFEST, text)
    return manifest


def describe(pickle: Path, data: Dataset, said: Description) -> Manifest:
    """Write `manifest.json` beside a bare pickle, which is loaded and measured for it.

    Args:
        pickle: A fitted estimator that joblib or pickle wrote; only one that is trusted.
        data: Labelled rows: they say how many numbers a row has, and how good the model is.
        said: What neither of them tells.

    Raises:
        ModelError: No estimator, one that does not fit the data, or a `manifest.json` of something
            else in the way.
        DataError: The labels are not the model's.
    """
    _check_place(pickle)
    try:
        content = pickle.read_bytes()
    except OSError as error:
        raise ModelError(f"the pickle {pickle} cannot be read: {error.strerror}") from None
    estimator = contract.predictor(content, pickle.name)
    try:
        predicted = np.asarray(estimator.predict(data.features))
    except Exception as error:  # an estimator may raise anything
        raise DataError(
            f"{pickle.name} cannot answer the rows of the data, {data.features.shape[1]} numbers"
            f" each: {type(error).__name__}: {message_of(error)}"
        ) from error
    classes = _classes(estimator, predicted)
    evaluation = None
    if classes:
        try:
            evaluation = evaluate(data.for_classes(classes).labels, predicted, classes)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"the labels of the data are not those of {pickle.name}: {error}"
            ) from None
    said = replace(said, features=data.features.shape[1], classes=classes)
    written = content_of(pickle, estimator, said, evaluation, data.md5)
    try:
        contract.estimator_of(_parsed(written), content)
    except ModelError:
        # Perhaps it takes no constant rows; one of its own it must take.
        written["input"]["sample"] = data.features[0].tolist()
        contract.estimator_of(_parsed(written), content)
    return write(pickle.parent, written)


def _parsed(content: Mapping[str, Any]) -> Manifest:
    try:
        return Manifest.parse(json.dumps(content).encode())
    except ModelError as error:
        raise ModelError(f"the manifest {error}") from None


def _classes(estimator: Any, predicted: Any) -> tuple[Label, ...]:
    """The model's own; of a classifier that does not say, what it answers; none of a regressor."""
    own = getattr(estimator, "classes_", None)
    if isinstance(own, list):
        raise ModelError("the model labels a row several times; one label a row is served")
    if own is not None:
        return tuple(np.asarray(own).tolist())
    return () if predicted.dtype.kind == "f" else tuple(np.unique(predicted).tolist())


def _check_place(pickle: Path) -> None:
    """A `manifest.json` of another kind, or of another file, is nobody's to replace.

    Raises:
        ModelError: There is one.
    """
    place = pickle.parent / MANIFEST
    if not place.exists():
        return
    try:
        older = Manifest.read(pickle.parent).file
    except ModelError:
        older = None
    if older != pickle.name:
        raise ModelError(
            f"{place} is not a manifest of {pickle.name}; move the pickle to a folder of its own."
            " Nothing was touched"
        )


def _rows_on_one_line(text: str) -> str:
    """A matrix is read by rows, not by one number a line."""
    head, separator, rest = text.partition('"confusion_matrix": [')
    if not separator:
        return text
    body, end, tail = rest.partition("\n    ]")
    rows = json.loads(f"[{body}]")
    lines = ",\n      ".join(json.dumps(row) for row in rows)
    return f"{head}{separator}\n      {lines}{end}{tail}"
