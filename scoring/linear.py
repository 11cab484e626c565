"""Linear models without scikit-learn: one matrix product for all classes, and the same answers.

scikit-learn's one-versus-rest asks its estimators one after another. One product for all of them
sums in another order, so scores may differ in their last bits; where two classes are closer than
such a difference can be, the batch is scored again in scikit-learn's own order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.pickles import LinearParts

Rows = NDArray[np.float64]  # (rows, features)


class LinearModel:
    """A linear classifier or regressor."""

    quick = True

    def __init__(self, parts: LinearParts) -> None:
        self._coefficients = parts.coefficients
        self._intercepts = parts.intercepts
        self._classes = parts.classes
        self._probabilities = parts.probabilities
        self._separate = parts.separate
        self._transposed = parts.coefficients.T
        self.features = parts.coefficients.shape[-1]
        self.methods = (
            ("predict",) if parts.probabilities == "none" else ("predict", "predict_proba")
        )
        # Two sums of n products differ by less than 2 n eps |x| |w|, whatever their order, as
        # |x.w| <= |x| |w|; the last factor keeps the intercept's rounding inside, too.
        norms = np.linalg.norm(np.atleast_2d(parts.coefficients), axis=1)
        self._rounding = 4 * (self.features + 2) * np.finfo(np.float64).eps
        self._norm = float(norms.max(initial=0.0))
        self._offset = float(np.abs(parts.intercepts).max(initial=0.0))

    def answer(self, rows: Rows, method: str = "predict") -> NDArray[Any]:
        """Labels or values (rows,), or probabilities (rows, classes)."""
        length = self._length(rows)
        if method == "predict_proba" and self._probabilities != "none":
            return self._proba(rows)
        if method != "predict":
            raise ValueError(f"method {method!r} is not one of {', '.join(self.methods)}")
        if self._classes is None:
            return rows @ self._transposed + self._intercepts
        return self._classes[self._best(rows, length)]

    def _length(self, rows: Rows) -> float:
        """The Euclidean length of all rows together; refuses what is not (rows, features)."""
        if rows.ndim != 2 or rows.shape[1] != self.features:
            raise ValueError(f"data of shape {rows.shape} is not (rows, {self.features})")
        square = float(np.vdot(rows, rows))
        if math.isfinite(square):
            return math.sqrt(square)
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            raise ValueError(f"row {row}, value {column} is not a finite number")
        return math.inf

    def _best(self, rows: Rows, length: float) -> NDArray[np.intp]:
        """The index of the best class of each row."""
        margin = self._rounding * (length * self._norm + self._offset)
        if not self._separate or margin > 1e280:  # the scores themselves may overflow
            return self._in_order(rows)
        scores = rows @ self._transposed
        scores += self._intercepts
        best = scores.argmax(axis=1)
        top = scores.max(axis=1)
        top -= margin
        if np.count_nonzero(scores >= top[:, None]) > len(rows):
            return self._in_order(rows)
        return best

    def _in_order(self, rows: Rows) -> NDArray[np.intp]:
        """The best classes exactly as scikit-learn computes them, rounding and ties included."""
        with np.errstate(over="ignore", invalid="ignore"):
            if not self._separate:
                scores = rows @ self._transposed + self._intercepts
                if scores.shape[1] == 1:
                    return (scores[:, 0] > 0).astype(np.intp)
                return scores.argmax(axis=1)
            top = np.full(len(rows), -np.inf)
            best = np.zeros(len(rows), dtype=np.intp)
            for index in reversed(range(len(self._coefficients))):
                score = self._one(rows, index)
                np.maximum(top, score, out=top)
                best[top == score] = index
            return best

    def _one(self, rows: Rows, index: int) -> Rows:
        """One estimator's scores, (rows,)."""
        column = self._coefficients[index : index + 1].T
        return np.ravel(rows @ column + self._intercepts[index])

    def _proba(self, rows: Rows) -> Rows:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if self._probabilities == "softmax":
                scores = rows @ self._transposed + self._intercepts
                scores -= scores.max(axis=1, keepdims=True)
                np.exp(scores, out=scores)
                return scores / scores.sum(axis=1, keepdims=True)
            if not self._separate:
                positive = _logistic((rows @ self._transposed + self._intercepts)[:, 0])
                return np.stack([1 - positive, positive], axis=1)
            each = [_logistic(self._one(rows, index)) for index in range(len(self._coefficients))]
            scores = np.stack(each, axis=1)
            sums = scores.sum(axis=1, keepdims=True)
            return np.divide(scores, sums, out=scores, where=sums != 0)


def _logistic(scores: Rows) -> Rows:
    """1 / (1 + exp(-score)) without overflow."""
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1.0, small) / (1.0 + small)
