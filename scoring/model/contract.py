"""What a model has to be to be served: unpickled, compared with its manifest, asked for a row.

Serving, building, checking and measuring ask here, so that all of them refuse the same models.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import ModelError, message_of
from scoring.manifest import Manifest

METHODS = ("predict", "predict_proba")


def estimator_of(manifest: Manifest, content: bytes) -> Any:
    """The estimator in a pickle's checked bytes.

    Raises:
        ModelError: Another scikit-learn, no estimator, one that the manifest does not describe, or
            one that does not answer a row; one line.
    """
    estimator = predictor(content, manifest.file)
    compare(
        manifest, getattr(estimator, "n_features_in_", None), getattr(estimator, "classes_", None)
    )

    def ask(rows: NDArray[Any], method: str) -> NDArray[Any]:
        return np.asarray(getattr(estimator, method)(rows))

    try_rows(manifest, ask, methods_of(estimator))
    return estimator


def predictor(content: bytes, file: str) -> Any:
    """Unpickle bytes that were checked; what comes out can predict.

    Raises:
        ModelError: Another scikit-learn than the pickle's own, or no estimator.
    """
    estimator = _unpickled(content)
    if isinstance(estimator, type) or not callable(getattr(estimator, "predict", None)):
        raise ModelError(
            f"{file} holds a {type(estimator).__name__}, which cannot predict; pickle the fitted"
            " estimator itself"
        )
    return estimator


def methods_of(estimator: Any) -> tuple[str, ...]:
    """Which of `METHODS` an estimator has."""
    return tuple(name for name in METHODS if hasattr(estimator, name))


def compare(manifest: Manifest, features: Any, classes: Any) -> None:
    """The manifest, on which requests are judged and answers described, is the model's own.

    Args:
        manifest: What is said.
        features: The model's number of values in a row; None where it does not say.
        classes: The model's labels; None of a regressor, a list of arrays of a multi-output model.

    Raises:
        ModelError: What differs.
    """
    if features is not None and int(features) != manifest.features:
        raise ModelError(
            f"the manifest says {manifest.features} features a row, the model takes {features}"
        )
    if isinstance(classes, list):
        raise ModelError(f"{manifest.file} labels a row several times; one label a row is served")
    found = [] if classes is None else np.asarray(classes).tolist()
    wanted = list(manifest.classes)
    if wanted and found and not _same(wanted, found):
        raise ModelError(
            f"the manifest says the classes {_short(wanted)}, the model's are {_short(found)};"
            " write them in this order and type"
        )
    if found and not wanted:
        raise ModelError(
            f"the manifest names no classes, the model's are {_short(found)}; add them"
        )


def try_rows(
    manifest: Manifest,
    ask: Callable[[NDArray[Any], str], NDArray[Any]],
    methods: Iterable[str],
) -> None:
    """Let a model answer two rows, so that it is never ready and then fails at each request.

    Asked are the manifest's own sample, else rows of 0, of 1 and of 0.5: a logarithm takes no zero.

    Raises:
        ModelError: It answers none of them, or not one label or value a row.
    """
    problem = ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for row in _tried(manifest):
            rows = np.array([row, row], dtype=np.float64)
            try:
                answers = {method: np.asarray(ask(rows, method)) for method in methods}
            except Exception as error:  # an estimator may raise anything
                problem = f"{type(error).__name__}: {message_of(error)}"
                continue
            _check_answers(manifest, answers)
            return
    remedy = "" if manifest.sample else "; a row that it takes can be named as input.sample"
    raise ModelError(
        f"the model cannot answer a row of {manifest.features} numbers: {problem}{remedy}"
    )


def _tried(manifest: Manifest) -> list[Any]:
    if manifest.sample:
        return [manifest.sample]
    return [np.full(manifest.features, value) for value in (0.0, 1.0, 0.5)]


def _check_answers(manifest: Manifest, answers: dict[str, NDArray[Any]]) -> None:
    for method, values in answers.items():
        wanted = (2,) if method == "predict" else (2, len(manifest.classes))
        if values.shape != wanted:
            raise ModelError(
                f"{method} of {manifest.file} answers {values.shape} for 2 rows; only {wanted} is"
                " served: one label or value a row"
            )
    labels = answers["predict"].tolist()
    if not manifest.classes and answers["predict"].dtype.kind != "f":
        raise ModelError(
            f"the manifest names no classes, and the model answers {_short(labels)}; add them"
        )
    if manifest.classes and not all(
        any(_same([each], [label]) for each in manifest.classes) for label in labels
    ):
        raise ModelError(
            f"the model answers {_short(labels)}, which the manifest's classes"
            f" {_short(list(manifest.classes))} do not name; a regressor has none"
        )


def _unpickled(content: bytes) -> Any:
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return joblib.load(io.BytesIO(content))
        except InconsistentVersionWarning as warning:
            raise ModelError(
                f"the pickle was written by scikit-learn {warning.original_sklearn_version},"
                f" {warning.current_sklearn_version} is installed; train the model again, or"
                " install that one"
            ) from None
        except Exception as error:  # a pickle may raise anything
            raise ModelError(
                f"the pickle cannot be loaded: {type(error).__name__}: {message_of(error)}"
            ) from error


def _same(wanted: list[Any], found: list[Any]) -> bool:
    """Equal in value and type: true is not 1, and 1.0 is answered in another way."""
    return wanted == found and [type(each) for each in wanted] == [type(each) for each in found]


def _short(values: list[Any]) -> str:
    shown = ascii(values)
    return shown if len(shown) <= 120 else f"{shown[:120]}..."
