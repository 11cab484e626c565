"""A trained estimator behind one small interface: rows in, labels, probabilities or scores out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scoring.manifest import Manifest, model_files
from scoring.model import contract
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
        self.methods = contract.methods_of(estimator)

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
    if parts is None:
        return EstimatorModel(contract.estimator_of(manifest, content))
    model = LinearModel(parts)
    contract.compare(manifest, parts.coefficients.shape[-1], parts.classes)
    contract.try_rows(manifest, model.answer, model.methods)
    return model
