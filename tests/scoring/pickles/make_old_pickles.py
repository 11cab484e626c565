"""Write the pickles beside this file with scikit-learn 1.5.2, as their users did.

    uv run --no-project --python 3.11 --with scikit-learn==1.5.2 --with 'numpy<2.2' \
        tests/scoring/pickles/make_old_pickles.py
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

VERSION = "1.5.2"

if __name__ == "__main__":
    if sklearn.__version__ != VERSION:
        sys.exit(f"error: this is scikit-learn {sklearn.__version__}, {VERSION} is needed")
    warnings.simplefilter("ignore")  # 1.5 warns that multi_class will go
    features, labels = load_iris(return_X_y=True)
    old: Any = LogisticRegression  # today's has no multi_class
    for name, model in (
        ("liblinear", old(solver="liblinear")),
        ("ovr", old(multi_class="ovr")),
    ):
        model.fit(features, labels)
        joblib.dump(model, Path(__file__).with_name(f"{name}-{VERSION}.pkl"))
