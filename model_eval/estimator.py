"""The pickled estimator: loaded only after its digest and its versions were checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from scoring.manifest import Manifest, verified_bytes
from scoring.model import contract


class Classifier(Protocol):
    """What this room needs of a scikit-learn estimator."""

    def predict(self, X: npt.NDArray[np.float64]) -> npt.NDArray[Any]:  # noqa: N803 - its own name
        """One answer a row."""
        ...


def load(folder: Path) -> tuple[Classifier, Manifest]:
    """Unpickle a model directory's model, as the service does, but always with scikit-learn.

    Raises:
        ModelError: An altered file (it is not unpickled), another scikit-learn than the one that
            wrote it, or what the service would refuse.
    """
    manifest = Manifest.read(folder)
    return contract.estimator_of(manifest, verified_bytes(folder, manifest)), manifest
