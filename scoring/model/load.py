"""A trained estimator behind one small interface: rows in, labels, probabilities or scores out."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring.errors import ModelError
from scoring.manifest import model_files
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
    """Check the model file's SHA-256, then load it: a linear one without importing scikit-learn."""
    _, content = model_files(directory, declared_sha256)
    parts = linear_parts(content)
    if parts is not None:
        return LinearModel(parts)
    return EstimatorModel(unpickle(content))


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
