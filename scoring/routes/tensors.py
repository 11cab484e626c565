"""The one input tensor of the Open Inference Protocol V2 as rows, from JSON or from raw bytes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import simdjson
from numpy.typing import NDArray

from scoring.errors import Rejection
from scoring.routes.json_cut import Cut, count
from scoring.routes.json_pieces import ListReader, not_a_row
from scoring.routes.limits import Limits, empty
from scoring.routes.messages import Content

DTYPES = {"FP64": np.dtype("<f8"), "FP32": np.dtype("<f4"), "UINT8": np.dtype("u1")}
# The largest whole numbers that round to a finite one: FLT_MAX is written as 3.4028235e38, too.
LARGEST = {
    "FP64": int(np.finfo(np.float64).max),
    "FP32": int(np.nextafter(2.0**128 - 2.0**103, 0.0)),
}
Rows = NDArray[Any]  # (rows, features)


class TensorReader:
    """Reads the values of a tensor whose shape and datatype are known."""

    def __init__(self, limits: Limits, dtypes: tuple[str, ...]) -> None:
        self._features = limits.features
        self._limits = limits
        self._as_they_came = frozenset(np.dtype(name) for name in dtypes)
        self._lists = ListReader(
            simdjson.Parser(), limits.features, lambda _, message: bad(message)
        )

    def count(self, shape: Any, dtype: np.dtype[Any]) -> int:
        """The number of rows that a shape declares, of values of a type."""
        features = self._features
        if (
            not isinstance(shape, list)
            or len(shape) != 2
            or any(type(each) is not int for each in shape)
            or shape[0] < 1
            or shape[1] != features
        ):
            raise bad(f'the input\'s "shape" is not [rows, {features}] with at least one row')
        self._limits.check_rows(shape[0], self._kept(dtype).itemsize, "the input")
        return shape[0]

    def _kept(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The type that rows which came as another are scored in."""
        return dtype if dtype in self._as_they_came else np.dtype(np.float64)

    def from_bytes(self, body: Content, start: int, dtype: np.dtype[Any], count: int) -> Rows:
        """Rows in a body's bytes from `start` on; the caller has checked their number."""
        rows = np.ndarray((count, self._features), dtype, body, start)
        if dtype in self._as_they_came:
            return rows
        exact = np.require(rows, np.float64, "A")
        if not math.isfinite(float(np.vdot(exact, exact))) and not np.isfinite(exact).all():
            raise bad(f"{self._place(int(np.argmin(np.isfinite(exact))))} is not a finite number")
        return exact

    def from_json(self, body: Content, found: Cut, dtype: np.dtype[Any], rows: int) -> Rows:
        """Rows in a list that was cut out of a body: a flat one, or a list of rows."""
        lists = self._lists
        if lists.nested(body, found.start):
            brackets = count(body, b"[", found.start, found.end)
            if brackets > rows:  # a value or a row is a list, or there are too many
                lists.find_fault(body, found.start)
                raise bad(f'"data" has {brackets} rows; {rows} are expected')
        values = empty(rows * self._features, self._kept(dtype))
        lists.read(
            body,
            found.start,
            found.end,
            values,
            lambda numbers, first: self._as(numbers, dtype, first),
        )
        return values.reshape(rows, self._features)

    def find_fault(self, body: Content, found: Cut) -> None:
        """Raise what is wrong in a list that may not even end."""
        self._lists.find_fault(body, found.start)

    def from_lists(self, data: Any, dtype: np.dtype[Any], rows: int) -> Rows:
        """The same for Python's own lists, of a short body."""
        if type(data) is not list:
            raise bad('the input has neither a list "data" nor "binary_data_size"')
        self._check_lengths(data, rows)
        kind = "FP32" if dtype == DTYPES["FP32"] else "FP64"
        largest = LARGEST[kind]
        for index, value in enumerate(_values(data)):
            if type(value) not in (int, float):
                raise bad(f"{self._place(index)} is not a number")
            # Compared as it was written: a whole number may round to one that is small enough.
            if not -largest <= value <= largest:
                raise bad(f"{self._place(index)} is beyond the largest finite {kind}")
        flat = np.array(data, np.float64).ravel()
        values = self._as(flat, dtype, 0).astype(self._kept(dtype), copy=False)
        return values.reshape(rows, self._features)

    def _check_lengths(self, data: Any, rows: int) -> None:
        features = self._features
        if data and type(data[0]) is list:
            for index, row in enumerate(data):
                if type(row) is not list or len(row) != features:
                    raise bad(not_a_row(index, row, features))
            if len(data) != rows:
                raise bad(f'"data" has {len(data)} rows; {rows} are expected')
        elif len(data) != rows * features:
            raise bad(f'"data" has {len(data)} entries; {rows * features} numbers are expected')

    def _as(self, flat: NDArray[np.float64], dtype: np.dtype[Any], first: int) -> NDArray[Any]:
        """JSON's numbers as the declared type, refusing what it cannot hold."""
        if dtype.kind == "u":
            good = (flat >= 0) & (flat <= 255) & (flat % 1 == 0)
            if not good.all():
                raise bad(f"{self._place(first + int(np.argmin(good)))} is not a UINT8")
        elif dtype.itemsize == 4:
            with np.errstate(over="ignore"):
                narrow = flat.astype(dtype)
            good = np.isfinite(narrow)
            if not good.all():
                raise bad(f"{self._place(first + int(np.argmin(good)))} is not an FP32")
            return narrow
        return flat

    def _place(self, index: int) -> str:
        row, value = divmod(index, self._features)
        return f"row {row}, value {value}"


def _values(data: list[Any]) -> Any:
    """The values of a flat list, or of a list of rows one row after another."""
    return (value for row in data for value in row) if type(data[0]) is list else data


def bad(message: str) -> Rejection:
    """A tensor that is refused."""
    return Rejection(400, "bad_tensor", message)


def shown(value: Any) -> str:
    """A value in a message, never long."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
