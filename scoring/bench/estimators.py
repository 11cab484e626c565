"""Models that are not linear, to be served beside each other: small, and made anew for a run."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from scoring.bench import bodies
from scoring.bench.cases import Case

KINDS = {
    "RandomForest": RandomForestClassifier(random_state=1),
    "StandardScaler, SVC": make_pipeline(StandardScaler(), SVC(random_state=1)),
    "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=20, random_state=1),
}


@dataclass(frozen=True)
class Served:
    """A model directory, its estimator, and (rows, 64) images of digits that it was fitted on."""

    name: str
    directory: Path
    estimator: Any
    images: NDArray[np.float64]

    def case(self, rows: int) -> Case:
        """The first rows as `{"data": ...}`."""
        values = np.resize(self.images, (rows, self.images.shape[1]))
        return Case("JSON", rows, bodies.rows(values), self.estimator.predict(values).tolist())

    def tensor(self, rows: int) -> Case:
        """The same as a V2 tensor in JSON."""
        values = np.resize(self.images, (rows, self.images.shape[1]))
        request = bodies.tensor("digits", values)
        return Case("JSON", rows, request, self.estimator.predict(values).tolist())


def make(folder: Path) -> Iterator[Served]:
    """Fit each kind and write its model directory."""
    digits: Any = load_digits()
    for name, estimator in KINDS.items():
        estimator.fit(digits.data, digits.target)
        directory = folder / f"model-{len(list(folder.iterdir()))}"
        directory.mkdir()
        joblib.dump(estimator, directory / "model.pkl")
        content = (directory / "model.pkl").read_bytes()
        manifest = {
            "name": "digits",
            "version": "1",
            "file": "model.pkl",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "estimator": type(estimator).__name__,
            "framework": {
                **{each: version(each) for each in ("scikit-learn", "numpy", "joblib")},
                "python": platform.python_version(),
            },
            "input": {"features": digits.data.shape[1], "dtype": "float64"},
            "classes": list(range(10)),
        }
        (directory / "manifest.json").write_text(json.dumps(manifest))
        yield Served(name, directory, estimator, digits.data)
