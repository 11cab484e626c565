"""Linear models without scikit-learn: one matrix product for all classes, and the same answers.

scikit-learn's one-versus-rest asks its estimators one after another. One product for all of them
sums in another order, so scores may differ in their last bits; where two classes are closer than
such a difference can be, the batch is scored again in scikit-learn's own order.

Several rows are scored in float32 first, in half the time; those whose best class is not certain
then are scored again in float64.
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
# Rows that are scored at a time: they stay in a core's cache between two passes, and OpenBLAS takes
# a quarter less time than for 64.
BLOCK = 96
# Up to so many rows float32 saves nothing between two requests, whose caches are cold.
MOST_EXACT = 32
# Up to so many rows are scored again one by one.
FEW = 8
# Bytes of rows as float64 that are held at a time: those that come as bytes are eight times longer.
HELD = 4 << 20
# In float32 no product or sum overflows below this, and all that vanish together are far below
# ABSENT; squares do so below SHORTEST.
LARGEST, ABSENT, SHORTEST = 1e30, 1e-30, 1e-15
EPSILON = float(np.finfo(np.float32).eps)
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
        held = HELD // (8 * max(1, self.features))
        self._block = min(BLOCK, max(1, held))
        self._most = max(self._block, held // BLOCK * BLOCK)
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
        narrow = max(self._norm, self._offset) < LARGEST and self.features <= MOST_NARROW
        self._narrow = self._transposed.astype(np.float32) if narrow and self._separate else None
        with np.errstate(over="ignore"):
            self._narrow_intercepts = parts.intercepts.astype(np.float32)
        self._longest_bytes = 255 * math.sqrt(self.features)
        self._bytes_margin = self._margin(self._longest_bytes**2)

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
        """The label of a single row, (1,)."""
        index = self._index(rows[0])
        if index is None:
            return classes[self._in_order(_finite(rows, at))]
        return classes[index : index + 1]

    def _index(self, row: AnyRows) -> int | None:
        """As `_clear` of one row: ten numbers are compared faster in plain Python."""
        if row.dtype == np.uint8:
            row = row.astype(np.float64)
            margin = self._bytes_margin
        else:
            row = row.astype(np.float64, copy=False)
            margin = self._margin(float(np.dot(row, row)))
        scores = (np.dot(self._coefficients, row) + self._intercepts).tolist()
        best = max(scores)
        index = scores.index(best)
        scores[index] = -math.inf
        # False, too, where anything is NaN
        return index if max(scores) < best - margin else None

    def _best(self, rows: AnyRows, at: int) -> NDArray[np.intp]:
        """The index of the best class of each row."""
        with np.errstate(over="ignore", invalid="ignore"):
            best = self._best_of_many(rows)
        return self._in_order(_finite(rows, at)) if best is None else best

    def _best_of_many(self, rows: AnyRows) -> NDArray[np.intp] | None:
        """The best classes by the cheapest way that can tell; None where none can."""
        narrow = None if len(rows) <= MOST_EXACT else self._narrow
        found = None if narrow is None else self._best_narrow(rows, narrow)
        if found is None or len(found[1]) > len(rows) // 4:
            return self._clear(rows)
        best, unclear = found
        if len(unclear) > FEW:
            again = self._clear(rows[unclear])
            if again is None:
                return None
            best[unclear] = again
            return best
        for row in unclear:
            index = self._index(rows[row])
            if index is None:
                return None
            best[row] = index
        return best

    def _best_narrow(
        self, rows: AnyRows, transposed: NDArray[np.float32]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """As `_winners` by float32; None of rows that are too long for it, or not finite.

        A score of float32 is off by less than (n + 4) u |x| |w| for the rounding of its values,
        weights, products and sums, u being half an eps; two of them, their comparison, and the
        float64 beside, by the margin. It is that of the longest row there can be.
        """
        scores = np.empty((len(rows), len(self._coefficients)), np.float32)
        block = np.empty((min(self._block, len(rows)), self.features), np.float32)
        square = 0.0  # of the length of the rows of a block together
        for first in range(0, len(rows), self._block):
            given = rows[first : first + self._block]
            part = block[: len(given)]
            np.copyto(part, given, casting="same_kind")
            np.dot(part, transposed, out=scores[first : first + self._block])
            if rows.dtype != np.uint8:
                square = max(float(np.vdot(part, part)), square)
                if not math.isfinite(square):
                    return None
        length = self._longest_bytes
        if rows.dtype != np.uint8:
            length = math.sqrt(square * (1 + block.size * EPSILON)) + SHORTEST
        if not length < LARGEST / (1 + self._norm):
            return None
        scores += self._narrow_intercepts
        rounding = 1.1 * (self.features + 6) * EPSILON + self._rounding
        margin = rounding * (length * self._norm + self._offset)
        return _winners(scores, margin + ABSENT * (1 + length + self._norm))

    def _clear(self, rows: AnyRows) -> NDArray[np.intp] | None:
        """The best classes by float64; None where it cannot tell of some row."""
        scores, square = self._scores(rows)
        margin = self._margin(square)
        if margin == math.inf:
            return None
        best, unclear = _winners(scores, margin)
        return None if len(unclear) else best

    def _margin(self, square: float) -> float:
        """How far scores of rows of a squared length may be off; infinite where they overflow."""
        margin = self._rounding * (math.sqrt(square) * self._norm + self._offset)
        return margin if margin < 1e280 else math.inf

    def _scores(self, rows: AnyRows) -> tuple[Rows, float]:
        """All scores in any order of summing, and the square of the length of all rows together."""
        count = len(rows)
        exact = rows.dtype == np.float64 and rows.flags.aligned
        if count <= self._block:
            part = rows if exact else rows.astype(np.float64)
            scores = np.dot(part, self._transposed)  # which says nothing of overflow, unlike @
            scores += self._intercepts
            return scores, float(np.vdot(part, part))
        square = 0.0
        scores = np.empty((count, len(self._coefficients)))
        block = np.empty((self._block, self.features))
        for first in range(0, count, self._block):
            part = rows[first : first + self._block]
            if not exact:
                np.copyto(block[: len(part)], part)
                part = block[: len(part)]
            square += float(np.vdot(part, part))
            np.dot(part, self._transposed, out=scores[first : first + self._block])
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


def _winners(scores: NDArray[Any], margin: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The best class of each row, and the rows where others are closer, once for each of them."""
    count, classes = scores.shape
    # Along rows of ten it would take ten times as long.
    top = np.maximum.reduce(scores.T.copy(), axis=0)
    top -= margin
    (close,) = (scores >= top[:, None]).ravel().nonzero()
    best = close % classes
    if len(close) == count:
        return best, best[:0]
    row = close // classes
    found = np.empty(count, np.intp)
    found[row] = best
    return found, row[1:][row[1:] == row[:-1]]


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
