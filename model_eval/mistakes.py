"""Where a model is wrong and most sure of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model_eval.dataset import Dataset
from scoring.manifest import Label


@dataclass(frozen=True)
class Mistake:
    """A row with a wrong answer.

    Attributes:
        row: Its number in the test data, from 0.
        truth: The true label.
        predicted: The answer.
        confidence: The model's probability of its answer, 0 to 1; None of a model that gives none.
    """

    row: int
    truth: Label
    predicted: Label
    confidence: float | None


def most_confident(
    model: Any,
    data: Dataset,
    predicted: npt.NDArray[Any],
    classes: Sequence[Label],
    count: int,
) -> list[Mistake]:
    """At most `count` mistakes, the most confident first, then in the order of the data.

    Args:
        model: A fitted classifier; only `predict_proba` is asked, where it has one.
        data: The test data.
        predicted: `(rows,)` answers.
        classes: The labels in the order of the columns of `predict_proba`.
        count: How many.
    """
    rows = np.flatnonzero(predicted != data.labels)
    if not len(rows):
        return []
    sure: list[float | None] = [None] * len(rows)
    if callable(getattr(model, "predict_proba", None)):
        shares = np.asarray(model.predict_proba(data.features[rows]), dtype=float)
        column = {label: index for index, label in enumerate(classes)}
        sure = [float(shares[i, column[predicted[row].item()]]) for i, row in enumerate(rows)]
    found = [
        Mistake(int(row), data.labels[row].item(), predicted[row].item(), share)
        for row, share in zip(rows, sure, strict=True)
    ]
    return sorted(found, key=lambda one: (-(one.confidence or 0), one.row))[:count]
