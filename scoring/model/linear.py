"""Linear models without scikit-learn: one matrix product for all classes, and the same answers.

scikit-learn's one-versus-rest asks its estimators one after another. One product for all of them
sums in another order, so scores may differ in their last bits; where two classes are closer than
such a difference can be, the batch is scored again in scikit-learn's own order.

Many rows that come as float32 or uint8 are scored in float32 first, in half the time; those whose
best class is not certain then are scored again in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import RowError
from scoring.model.pickles import LinearParts

Rows = NDArray[np.float64]  # (rows, features)
AnyRows = NDArray[Any]  # the same in float64, float32 or uint8, perhaps not aligned
# Rows that are scored at a time: as float64 they stay in a core's cache between two passes.
BLOCK = 64
# Bytes of rows as float64 that are held at a time: those that come as bytes are eight times longer.
HELD = 4 << 20
# In float32 no product or sum overflows below this, and all that vanish together are far below
# ABSENT; squares do so below SHORTEST.
LARGEST, ABSENT, SHORTEST = 1e30, 1e-30, 1e-15
# With so many features its rounding is still small, and so are products of its bounds.
MOST_NARROW = 100_000


class LinearModel:
    """A linear classifier or regressor. Narrow types are scored as the float64 of their values."""

    quick = True
    dtypes: tuple[str, ...] = ("float64", "float32", "uint8")

    def __init__(self, parts: LinearParts) -> None:
        self._coefficients = parts.coefficients
        self._intercepts = parts.intercepts
        self._classes = parts.classes
        self._probabilities = parts.probabilities
        self._separate = parts.separate
        self._transposed = parts.coefficients.T
        self.features = parts.coefficients.shape[-1]
        self._most = max(1, HELD // (8 * BLOCK * max(1, self.features))) * BLOCK
        self.methods = (
            ("predict",) if parts.probabilities == "none" else ("predict", "predict_proba")
        )
        # Two sums of n products differ by less than 2 n eps |x| |w|, whatever their order, as
        # |x.w| <= |x| |w|; the last factor keeps the intercept's rounding inside, too.
        with np.errstate(over="ignore"):
            norms = np.linalg.norm(np.atleast_2d(parts.coefficients), axis=1)
        self._rounding = 4 * (self.features + 2) * np.finfo(np.float64).eps
        self._norm = float(norms.max(initial=0.0))
        self._offset = float(np.abs(parts.intercepts).max(initial=0.0))
        narrow = self._separate and self._norm < LARGEST and self.features <= MOST_NARROW
        self._narrow = self._transposed.astype(np.float32) if narrow else None

    def answer(self, rows: AnyRows, method: str = "predict") -> NDArray[Any]:
        """Labels or values (rows,), or probabilities (rows, classes)."""
        if rows.ndim != 2 or rows.shape[1] != self.features:
            raise RowError(f"data of shape {rows.shape} is not (rows, {self.features})")
        most = self._most
        if len(rows) <= most:
            return self._answer(rows, method, 0)
        firsts = range(0, len(rows), most)
        return np.concatenate([self._answer(rows[at : at + most], method, at) for at in firsts])

    def _answer(self, rows: AnyRows, method: str, at: int) -> NDArray[Any]:
        """The same for a part of all rows, which begins with this one."""
        if method == "predict" and self._separate and self._classes is not None:
            if len(rows) == 1:
                return self._label(rows, self._classes, at)
            return self._classes[self._best(rows, at)]
        if method != "predict" and (method != "predict_proba" or self._probabilities == "none"):
            raise ValueError(f"method {method!r} is not one of {', '.join(self.methods)}")
        exact = _finite(rows, at)
        if method == "predict_proba":
            return self._proba(exact)
        if self._classes is None:
            return exact @ self._transposed + self._intercepts
        return self._classes[self._in_order(exact)]

    def _label(self, rows: AnyRows, classes: NDArray[Any], at: int) -> NDArray[Any]:
        """The label of a single row, (1,): ten numbers are compared faster in plain Python."""
        row = rows[0] if rows.dtype == np.float64 else rows[0].astype(np.float64)
        square = float(np.dot(row, row))
        scores = (np.dot(self._coefficients, row) + self._intercepts).tolist()
        best = max(scores)
        index = scores.index(best)
        margin = self._margin(square)
        scores[index] = -math.inf
        if max(scores) < best - margin:  # False, too, where anything is NaN
            return classes[index : index + 1]
        return classes[self._in_order(_finite(rows, at))]

    def _best(self, rows: AnyRows, at: int) -> NDArray[np.intp]:
        """The index of the best class of each row."""
        with np.errstate(over="ignore", invalid="ignore"):
            best = self._best_of_many(rows)
        return self._in_order(_finite(rows, at)) if best is None else best

    def _best_of_many(self, rows: AnyRows) -> NDArray[np.intp] | None:
        """The best classes by the cheapest way that can tell; None where none can."""
        if self._narrow is None or rows.dtype == np.float64 or len(rows) <= BLOCK:
            return self._clear(rows)
        best, unclear = self._best_narrow(rows, self._narrow)
        if len(unclear) > len(rows) // 4:
            return self._clear(rows)
        if len(unclear):
            again = self._clear(rows[unclear])
            if again is None:
                return None
            best[unclear] = again
        return best

    def _best_narrow(
        self, rows: AnyRows, transposed: NDArray[np.float32]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The best classes by float32, and the indexes of the rows where it cannot tell.

        A score of float32 is off by less than (n + 2) u |x| |w| for the rounding of its weights,
        products and sums, u being half an eps; two of them, and the float64 beside, by the margin.
        """
        scores = np.empty((len(rows), len(self._coefficients)), np.float32)
        squares = np.empty(len(rows), np.float32)
        block = np.empty((BLOCK, self.features), np.float32)
        for first in range(0, len(rows), BLOCK):
            given = rows[first : first + BLOCK]
            part = block[: len(given)]
            np.copyto(part, given)
            np.dot(part, transposed, out=scores[first : first + BLOCK])
            np.einsum("ij,ij->i", part, part, out=squares[first : first + BLOCK])
        exact = scores + self._intercepts  # in float64
        lengths = 1.01 * np.sqrt(squares.astype(np.float64)) + SHORTEST
        rounding = 1.1 * (self.features + 2) * float(np.finfo(np.float32).eps) + self._rounding
        margins = rounding * (lengths * self._norm + self._offset) + ABSENT * (1 + lengths)
        best = exact.argmax(axis=1)
        close = exact >= (exact.max(axis=1) - margins)[:, None]
        # NaN is close to nothing, not even to itself; what may have overflowed is not looked at.
        clear = (np.count_nonzero(close, axis=1) == 1) & (lengths < LARGEST / (1 + self._norm))
        return best, np.flatnonzero(~clear)

    def _clear(self, rows: AnyRows) -> NDArray[np.intp] | None:
        """The best classes by float64; None where it cannot tell of some row."""
        scores, square = self._scores(rows)
        margin = self._margin(square)
        best = scores.argmax(axis=1)
        top = scores.max(axis=1)
        top -= margin
        if margin == math.inf or np.count_nonzero(scores >= top[:, None]) > len(scores):
            return None
        return best

    def _margin(self, square: float) -> float:
        """How far scores of rows of a squared length may be off; infinite where they overflow."""
        margin = self._rounding * (math.sqrt(square) * self._norm + self._offset)
        return margin if margin < 1e280 else math.inf

    def _scores(self, rows: AnyRows) -> tuple[Rows, float]:
        """All scores in any order of summing, and the square of the length of all rows together."""
        count = len(rows)
        exact = rows.dtype == np.float64 and rows.flags.aligned
        if count <= BLOCK:
            part = rows if exact else rows.astype(np.float64)
            scores = np.dot(part, self._transposed)  # which says nothing of overflow, unlike @
            scores += self._intercepts
            return scores, float(np.vdot(part, part))
        square = 0.0
        scores = np.empty((count, len(self._coefficients)))
        block = np.empty((BLOCK, self.features))
        for first in range(0, count, BLOCK):
            part = rows[first : first + BLOCK]
            if not exact:
                np.copyto(block[: len(part)], part)
                part = block[: len(part)]
            square += float(np.vdot(part, part))
            np.dot(part, self._transposed, out=scores[first : first + BLOCK])
        scores += self._intercepts
        return scores, square

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


def _finite(rows: AnyRows, at: int) -> Rows:
    """Aligned float64 of the same values; one that is not finite is named, counted from `at`."""
    exact = np.require(rows, np.float64, "A")
    if not math.isfinite(float(np.vdot(exact, exact))):
        finite = np.isfinite(exact)
        if not finite.all():
            row, column = divmod(int(finite.argmin()), exact.shape[1])
            raise RowError(f"row {at + row}, value {column} is not a finite number")
    return exact


def _logistic(scores: Rows) -> Rows:
    """As scikit-learn's own: where exp() overflows, the probability is exactly 0."""
    return 1.0 / (1.0 + np.exp(-scores))
