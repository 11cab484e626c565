"""Reads a long list of numbers, or of rows of numbers, piece by piece into an array.

What simdjson keeps of a piece, up to fourteen times its size, stays in a core's cache and is used
again for the next one. For a whole body it would go through memory several times; and the longest
list that simdjson counts rightly has 16,777,214 values, which no piece can have.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import simdjson
from numpy.typing import NDArray

from scoring.errors import Rejection
from scoring.routes import json_exact
from scoring.routes.messages import Content

_PIECE = 128 << 10
_BETWEEN_ROWS = re.compile(rb"\][ \t\n\r]*,[ \t\n\r]*(?=\[)")
_BETWEEN_VALUES = re.compile(rb",")
_NESTED = re.compile(rb"[ \t\n\r]*\[")
# A row, or a number, may be so long: with blanks, or with all the decimals there are.
_BYTES_A_VALUE, _LONGEST_VALUE = 64, 64 << 10
# Pieces that only Python's parser reads, because they have integers beyond 64 bits.
_MOST_EXACT = 16
# An array, and the value that the first of its numbers is in the whole list: what is kept of it.
Convert = Callable[[NDArray[np.float64], int], NDArray[Any]]
Refuse = Callable[[str, str], Rejection]


class ListReader:
    """Reads lists for one model; the parser is not to be shared between threads.

    `refuse` makes a protocol's refusal of a code and a message. A message names row and value.
    """

    def __init__(self, parser: simdjson.Parser, features: int, refuse: Refuse) -> None:
        self._parser = parser
        self._features = features
        self._refuse = refuse
        self._longest_row = max(_LONGEST_VALUE, _BYTES_A_VALUE * features)

    def nested(self, body: Content, start: int) -> bool:
        """Whether the list that begins there is one of rows."""
        return _NESTED.match(body, start) is not None

    def read(self, body: Content, start: int, end: int, into: NDArray[Any], take: Convert) -> None:
        """Fill an array, (values,), with all the numbers between two brackets, no more, no less."""
        nested = self.nested(body, start)
        filled = exact = 0
        for at, text in self._pieces(body, start, end, nested):
            values = self._values(text, nested)
            if values is None:
                values = self._exactly(text, at, filled, nested)
                exact += 1
            if filled + len(values) > len(into):
                raise self._wrong_count(f"more than {len(into)}", len(into))
            if exact > _MOST_EXACT:
                raise self._refuse(
                    "too_many_long_integers",
                    f"up to {self._place(filled)} there are too many integers beyond 64 bits for"
                    " so long a body; write them with an exponent, like 1e20",
                )
            into[filled : filled + len(values)] = take(values, filled)
            filled += len(values)
        if filled != len(into):
            raise self._wrong_count(str(filled), len(into))

    def find_fault(self, body: Content, start: int) -> None:
        """Raise the first fault of a list that may not even end; return if there is none."""
        nested = self.nested(body, start)
        filled = exact = 0
        for at, text in self._pieces(body, start, len(body), nested):
            values = self._values(text, nested)
            if values is None:
                exact += 1
                if exact > _MOST_EXACT:
                    return
                values = self._exactly(_until_its_end(text), at, filled, nested)
            filled += len(values)

    def _pieces(
        self, body: Content, start: int, end: int, nested: bool
    ) -> Iterator[tuple[int, bytes]]:
        """Where each piece begins, and it as a list with brackets of its own."""
        between, longest = (
            (_BETWEEN_ROWS, self._longest_row) if nested else (_BETWEEN_VALUES, _LONGEST_VALUE)
        )
        view = memoryview(body)
        first = start
        while start < end:
            stop = after = end
            if end - start > _PIECE:
                last = min(end, start + _PIECE + longest)
                found = between.search(body, start + _PIECE, last)
                if found:
                    stop, after = found.start() + nested, found.end()
                elif last < end:
                    what = "row" if nested else "number"
                    raise self._refuse(
                        "bad_data",
                        f'"data" has a {what} of more than {longest} bytes after byte {start}',
                    )
            yield start, b"".join((b"[", view[start:stop], b"]"))
            start = after
        if first == end:
            yield first, b"[]"

    def _values(self, text: bytes, nested: bool) -> NDArray[np.float64] | None:
        """A piece's numbers; None where it is not what it has to be, or has longer integers."""
        try:
            document = self._parser.parse(text)
        except (ValueError, RuntimeError):
            return None
        if type(document) is not simdjson.Array:
            return None
        lists = 1
        if nested:
            features = self._features
            for row in document:
                if type(row) is not simdjson.Array or len(row) != features:
                    return None
            lists += len(document)
        if more_lists_than(lists, text):
            return None
        try:
            return np.frombuffer(document.as_buffer(of_type="d"), np.float64)
        except TypeError:
            return None

    def _exactly(self, text: bytes, at: int, first: int, nested: bool) -> NDArray[np.float64]:
        """The same by Python's parser, which names the fault, or reads integers beyond 64 bits."""
        try:
            values = json_exact.parse(text)
        except json.JSONDecodeError as error:
            place = at + len(error.doc[: error.pos].encode()) - 1
            remedy = json_exact.remedy(error)
            raise self._refuse(
                "not_json", f"the body is not JSON: {error.msg} at byte {place}{remedy}"
            ) from None
        except UnicodeDecodeError as error:
            place = at + error.start - 1
            raise self._refuse("not_utf8", f"the body is not UTF-8: byte {place}") from None
        except Rejection as rejection:
            raise self._refuse(rejection.code, rejection.message) from None
        rows = values if nested else [values]
        found: list[float] = []
        for row in rows:
            if nested and (type(row) is not list or len(row) != self._features):
                number = (first + len(found)) // self._features
                raise self._refuse("bad_row", not_a_row(number, row, self._features))
            for value in row:
                where = first + len(found)
                if type(value) not in (int, float):
                    kind = json_exact.kind(value)
                    raise self._refuse("bad_value", f"{self._place(where)} is {kind}, not a number")
                number = as_float(value)
                if not math.isfinite(number):
                    raise self._refuse(
                        "not_finite", f"{self._place(where)} is beyond the largest finite number"
                    )
                found.append(number)
        return np.array(found, np.float64)

    def _wrong_count(self, found: str, expected: int) -> Rejection:
        return self._refuse(
            "bad_data", f'"data" has {found} entries; {expected} numbers are expected'
        )

    def _place(self, index: int) -> str:
        row, value = divmod(index, self._features)
        return f"row {row}, value {value}"


def _until_its_end(text: bytes) -> bytes:
    """A list without what follows it, where that is not a part of it."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return error.doc[: error.pos].encode()
    except (ValueError, RecursionError):  # will be named
        pass
    return text


def not_a_row(index: int, row: Any, features: int) -> str:
    """What is wrong with a row, in words."""
    if type(row) in (list, simdjson.Array):
        return f"row {index} has {len(row)} values, {features} are expected"
    hint = "; put a single row into a list of its own" if type(row) in (int, float) else ""
    return f"row {index} is {json_exact.kind(row)}, not a list of {features} numbers{hint}"


def as_float(value: float) -> float:
    """A number of any length as a float, infinite where it is beyond."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def more_lists_than(most: int, text: bytes | bytearray) -> bool:
    """Whether a text holds more opening brackets than that; far fewer bytes have one than not.

    One bracket is the list's and one each row's: where there are no more, no value is a list.
    """
    found = -1
    for _ in range(most + 1):
        found = text.find(b"[", found + 1)
        if found < 0:
            return False
    return True
