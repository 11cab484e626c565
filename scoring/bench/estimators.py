"""Models that are not linear, to be served beside each other: small, and made anew for a run."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from scoring.bench.cases import Cases

KINDS = {
    "RandomForest": RandomForestClassifier(random_state=1),
    "StandardScaler, SVC": make_pipeline(StandardScaler(), SVC(random_state=1)),
    "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=20, random_state=1),
}


def make(folder: Path) -> Iterator[tuple[str, Path, Cases]]:
    """Fit each kind to images of digits and write its model directory: what it is, where, cases."""
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
        yield name, directory, Cases("digits", estimator, digits.data, scale=1.0)
