"""The one input tensor of the Open Inference Protocol V2 as rows, from JSON or from raw bytes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import simdjson
from numpy.typing import NDArray

from scoring.errors import Rejection
from scoring.routes.json_pieces import more_lists_than
from scoring.routes.messages import Content

DTYPES = {"FP64": np.dtype("<f8"), "FP32": np.dtype("<f4"), "UINT8": np.dtype("u1")}
Rows = NDArray[Any]  # (rows, features)
_ARRAY = simdjson.Array


class TensorReader:
    """Reads the values of a tensor whose shape and datatype are known."""

    def __init__(self, features: int, max_rows: int, dtypes: tuple[str, ...]) -> None:
        self._features = features
        self._max_rows = max_rows
        self._as_they_came = frozenset(np.dtype(name) for name in dtypes)

    def count(self, shape: Any) -> int:
        """The number of rows that a shape declares."""
        features = self._features
        if (
            not isinstance(shape, list)
            or len(shape) != 2
            or any(type(each) is not int for each in shape)
            or shape[0] < 1
            or shape[1] != features
        ):
            raise bad(f'the input\'s "shape" is not [rows, {features}] with at least one row')
        if shape[0] > self._max_rows:
            raise Rejection(
                413,
                "too_many_rows",
                f"the input has {shape[0]} rows; at most {self._max_rows} are allowed",
            )
        return shape[0]

    def from_bytes(self, body: Content, start: int, dtype: np.dtype[Any], count: int) -> Rows:
        """Rows in a body's bytes from `start` on; the caller has checked their number."""
        rows = np.frombuffer(body, dtype, offset=start).reshape(count, self._features)
        if dtype in self._as_they_came:
            return rows
        exact = np.require(rows, np.float64, "A")
        if not math.isfinite(float(np.vdot(exact, exact))) and not np.isfinite(exact).all():
            raise bad(f"{self._place(int(np.argmin(np.isfinite(exact))))} is not a finite number")
        return exact

    def from_json(
        self, data: Any, text: bytes | bytearray, dtype: np.dtype[Any], count: int
    ) -> Rows:
        """Rows in simdjson's `data`: a flat list, or a list of rows."""
        if type(data) is not _ARRAY:
            raise bad('the input has neither a list "data" nor "binary_data_size"')
        expected = count * self._features
        self._check_lengths(data, count)
        try:
            flat = np.frombuffer(data.as_buffer(of_type="d"), np.float64)
        except TypeError:
            raise self._not_a_number(data) from None
        # inputs, shape and data have a bracket each; where there are others, values are looked at.
        if len(flat) != expected or more_lists_than(3, text):
            fault = self._fault(data)
            if fault is not None:
                raise fault
        return self._as(flat, dtype, count)

    def from_lists(self, data: Any, dtype: np.dtype[Any], count: int) -> Rows:
        """The same for Python's own lists, whose numbers may be beyond 64 bits."""
        if type(data) is not list:
            raise bad('the input has neither a list "data" nor "binary_data_size"')
        self._check_lengths(data, count)
        fault = self._fault(data)
        if fault is not None:
            raise fault
        kind = "FP32" if dtype == DTYPES["FP32"] else "FP64"
        largest = int(np.finfo(DTYPES[kind]).max)
        for index, value in _values(data):
            # Compared as it was written: a whole number may round to one that is small enough.
            if not -largest <= value <= largest:
                raise bad(f"{self._place(index)} is beyond the largest finite {kind}")
        return self._as(np.array(data, np.float64).ravel(), dtype, count)

    def _check_lengths(self, data: Any, count: int) -> None:
        features = self._features
        if len(data) == count and type(data[0]) in (_ARRAY, list):
            for index, row in enumerate(data):
                if type(row) not in (_ARRAY, list) or len(row) != features:
                    raise bad(f"row {index} is not a list of {features} numbers")
        elif len(data) != count * features:
            raise bad(f'"data" has {len(data)} entries; {count * features} numbers are expected')

    def _fault(self, data: Any) -> Rejection | None:
        """The first value that is not a number, if there is any."""
        for index, value in enumerate(value for _, value in _values(data)):
            if type(value) not in (int, float):
                return bad(f"{self._place(index)} is not a number")
        return None

    def _not_a_number(self, data: Any) -> Rejection:
        return self._fault(data) or bad('"data" holds something that is not a number')

    def _as(self, flat: NDArray[np.float64], dtype: np.dtype[Any], count: int) -> Rows:
        """JSON's numbers as the declared type, refusing what it cannot hold."""
        if dtype.kind == "u":
            good = (flat >= 0) & (flat <= 255) & (flat % 1 == 0)
            if not good.all():
                raise bad(f"{self._place(int(np.argmin(good)))} is not a UINT8")
        elif dtype.itemsize == 4:
            good = np.abs(flat) <= np.finfo(np.float32).max
            if not good.all():
                raise bad(f"{self._place(int(np.argmin(good)))} is not an FP32")
        rows = flat.astype(dtype, copy=False)
        if dtype not in self._as_they_came:
            rows = rows.astype(np.float64, copy=False)
        return rows.reshape(count, self._features)

    def _place(self, index: int) -> str:
        row, value = divmod(index, self._features)
        return f"row {row}, value {value}"


def _values(data: Any) -> Any:
    """(index, value) of a flat list, or of a list of rows one row after another."""
    nested = type(data[0]) in (_ARRAY, list)
    return enumerate((value for row in data for value in row) if nested else data)


def bad(message: str) -> Rejection:
    """A tensor that is refused."""
    return Rejection(400, "bad_tensor", message)


def shown(value: Any) -> str:
    """A value in a message, never long."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
