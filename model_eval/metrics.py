"""Confusion matrix and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.manifest import Label


@dataclass(frozen=True)
class ClassMetrics:
    """One class: precision, recall and F1 in 0..1 (0 where undefined), and its number of rows."""

    label: Label
    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class Evaluation:
    """A model's answers against the truth.

    Attributes:
        classes: The labels in order.
        matrix: `(n, n)` counts; rows are true classes, columns predicted ones.
    """

    classes: Sequence[Label]
    matrix: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Samples in all."""
        return int(self.matrix.sum())

    @property
    def accuracy(self) -> float:
        """The diagonal by the total, 0..1."""
        return float(np.trace(self.matrix) / self.matrix.sum())

    def per_class(self) -> list[ClassMetrics]:
        """Precision, recall and F1 of each class."""
        right = np.diag(self.matrix).astype(float)
        predicted = self.matrix.sum(axis=0)
        actual = self.matrix.sum(axis=1)
        precision = np.divide(right, predicted, out=np.zeros_like(right), where=predicted > 0)
        recall = np.divide(right, actual, out=np.zeros_like(right), where=actual > 0)
        both = precision + recall
        f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(right), where=both > 0)
        return [
            ClassMetrics(label, float(p), float(r), float(f), int(n))
            for label, p, r, f, n in zip(self.classes, precision, recall, f1, actual, strict=True)
        ]


def evaluate(
    truth: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: Sequence[Label]
) -> Evaluation:
    """Count answers by true and predicted class.

    Raises:
        ValueError: A label that is not among `classes`, or arrays of different length.
    """
    order = {label: index for index, label in enumerate(classes)}
    matrix = np.zeros((len(order), len(order)), dtype=np.int64)
    for true, answer in zip(truth.tolist(), predicted.tolist(), strict=True):
        if true not in order or answer not in order:
            raise ValueError(f"label {true if true not in order else answer!r} is not a class")
        matrix[order[true], order[answer]] += 1
    return Evaluation(classes, matrix)
