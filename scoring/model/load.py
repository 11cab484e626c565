"""A trained estimator behind one small interface: rows in, labels, probabilities or scores out."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring.errors import ModelError
from scoring.manifest import Manifest, model_files
from scoring.model.linear import LinearModel
from scoring.model.pickles import linear_parts

Rows = NDArray[Any]  # (rows, features) of float64, or of one of the model's own dtypes


class Model(Protocol):
    """What the scoring script asks of a model."""

    quick: bool  # a thousand rows take milliseconds
    dtypes: tuple[str, ...]  # taken as they came, finite or not; others come as finite float64

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that answer() knows, `predict` first."""
        ...

    def answer(self, rows: Rows, method: str = "predict") -> NDArray[Any]:
        """Labels or values (rows,) for `predict`; (rows, classes) for `predict_proba`."""
        ...


class EstimatorModel:
    """Any scikit-learn classifier or regressor, asked through its own methods."""

    quick = False
    dtypes: tuple[str, ...] = ()

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self.methods = tuple(
            name for name in ("predict", "predict_proba") if hasattr(estimator, name)
        )

    def answer(self, rows: Rows, method: str = "predict") -> NDArray[Any]:
        """Ask the estimator."""
        return np.asarray(getattr(self._estimator, method)(rows))


def load_model(directory: Path, declared_sha256: str | None = None) -> Model:
    """Check the model file's SHA-256, then load it: a linear one without importing scikit-learn.

    Raises:
        ModelError: Other bytes, another scikit-learn, no estimator, one that its manifest does not
            describe, or one that does not answer a row.
    """
    return model_of(*model_files(directory, declared_sha256))


def model_of(manifest: Manifest, content: bytes) -> Model:
    """The model in a pickle's checked bytes; errors as of `load_model`."""
    parts = linear_parts(content)
    model: Model
    if parts is not None:
        model = LinearModel(parts)
        features, classes = parts.coefficients.shape[-1], parts.classes
    else:
        estimator = unpickle(content)
        if isinstance(estimator, type) or not callable(getattr(estimator, "predict", None)):
            raise ModelError(
                f"{manifest.file} holds a {type(estimator).__name__}, which cannot predict; pickle"
                " the fitted estimator itself"
            )
        model = EstimatorModel(estimator)
        features = getattr(estimator, "n_features_in_", None)
        classes = getattr(estimator, "classes_", None)
    _compare(manifest, features, classes)
    _try(manifest, model)
    return model


def _compare(manifest: Manifest, features: Any, classes: Any) -> None:
    """The manifest, on which requests are judged and answers described, is the model's own."""
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


def _try(manifest: Manifest, model: Model) -> None:
    """Let the model answer two rows, so that it is never ready and then fails at each request."""
    problem = ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for value in (0.0, 1.0, 0.5):  # a logarithm, say, takes no zeros
            rows = np.full((2, manifest.features), value)
            try:
                answers = {method: model.answer(rows, method) for method in model.methods}
            except Exception as error:  # an estimator may raise anything
                problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
                continue
            _check_answers(manifest, answers)
            return
    raise ModelError(f"the model cannot answer a row of {manifest.features} numbers: {problem}")


def _check_answers(manifest: Manifest, answers: dict[str, NDArray[Any]]) -> None:
    for method, values in answers.items():
        wanted = (2,) if method == "predict" else (2, len(manifest.classes) or values.shape[-1])
        if values.shape != wanted:
            raise ModelError(
                f"{method} of {manifest.file} answers {values.shape} for 2 rows; only"
                f" {wanted} is served: one label or value a row"
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


def _same(wanted: list[Any], found: list[Any]) -> bool:
    """Equal in value and type: true is not 1, and 1.0 is answered in another way."""
    return wanted == found and [type(each) for each in wanted] == [type(each) for each in found]


def _short(values: list[Any]) -> str:
    shown = ascii(values)
    return shown if len(shown) <= 120 else f"{shown[:120]}..."


def unpickle(content: bytes) -> Any:
    """Unpickle verified bytes; another scikit-learn than the pickle's own is an error."""
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
            reason = " ".join(str(error).split())
            raise ModelError(
                f"the pickle cannot be loaded: {type(error).__name__}: {reason}"
            ) from error
