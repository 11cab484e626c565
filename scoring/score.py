"""The scoring script: init() at container start, run() for each request.

The contract is Azure ML's own, so this file runs unchanged under Microsoft's
azureml-inference-server-http. The functions below run() are optional; our server uses them to hand
over arrays instead of text.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.model.load import Model, load_model

model: Model


def init() -> None:
    """Load the model once, after its SHA-256 was checked."""
    global model
    model = load_model(Path(os.environ["AZUREML_MODEL_DIR"]), os.environ.get("MODEL_SHA256"))


def run(raw_data: str) -> str:
    """Predict for the JSON text `{"data": [[...], ...]}`; return a JSON list, one entry a row.

    The optional key "method" may ask for "predict_proba" instead of "predict".
    """
    request = json.loads(raw_data)
    rows = np.array(request["data"], dtype=np.float64)
    return json.dumps(run_array(rows, request.get("method", "predict")).tolist())


def run_array(rows: NDArray[Any], method: str = "predict") -> NDArray[Any]:
    """Predict for an array of shape (rows, features)."""
    return model.answer(rows, method)


def methods() -> tuple[str, ...]:
    """Say which methods run_array() knows."""
    return model.methods


def dtypes() -> tuple[str, ...]:
    """Name the types of array that run_array() takes as they came, checking them itself."""
    return model.dtypes


def quick() -> bool:
    """Say whether run_array() may be called on the event loop: milliseconds for 1,000 rows."""
    return model.quick
