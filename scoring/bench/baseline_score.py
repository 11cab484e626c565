"""An entry script as the tutorial has it: text in, a list of labels out, nothing clever."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np

model: Any = None


def init() -> None:
    """Load the model once."""
    global model
    (pickle,) = Path(os.environ["AZUREML_MODEL_DIR"]).glob("*.pkl")
    model = joblib.load(pickle)


def run(raw_data: str) -> list[int]:
    """The label of each row."""
    data = np.array(json.loads(raw_data)["data"])
    return model.predict(data).tolist()
