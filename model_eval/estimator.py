"""The pickled estimator: loaded only after its digest and its versions were checked."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Protocol

import joblib
import numpy as np
import numpy.typing as npt
from sklearn.exceptions import InconsistentVersionWarning

from model_eval import manifest as manifests
from model_eval.errors import ModelError
from model_eval.manifest import Manifest


class Classifier(Protocol):
    """What this room needs of a scikit-learn estimator."""

    def predict(self, X: npt.NDArray[np.float64]) -> npt.NDArray[Any]:  # noqa: N803 - its own name
        """One answer a row."""
        ...


def load(folder: Path) -> tuple[Classifier, Manifest]:
    """Unpickle a model directory's model.

    Raises:
        ModelError: An altered file (it is not unpickled), another scikit-learn than the one that
            wrote it, or bytes that are no estimator.
    """
    manifest = manifests.read(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            # The digest was compared just before: these are the bytes that were registered.
            model = joblib.load(folder / manifest.file)
        except InconsistentVersionWarning as warning:
            raise ModelError(
                f"{manifest.file} was written by scikit-learn {warning.original_sklearn_version}; "
                f"{warning.current_sklearn_version} is installed: train again or install that one"
            ) from warning
        except Exception as error:  # a pickle may raise anything
            raise ModelError(f"{manifest.file} cannot be loaded: {error}") from error
    if not callable(getattr(model, "predict", None)):
        raise ModelError(f"{manifest.file} holds a {type(model).__name__}, which cannot predict")
    return model, manifest
