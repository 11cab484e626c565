"""Reads a large `{"data": [[...], ...]}` piece by piece.

What simdjson keeps of a piece, twice the piece's size and more, stays in a core's cache and is used
again for the next one; for 1,000 rows at once it goes through memory several times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import simdjson
from numpy.typing import NDArray

from scoring.routes.messages import Content

Rows = NDArray[np.float64]  # (rows, features)
LARGE = 256 << 10
_PIECE = 128 << 10
_OPENING = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"data"[ \t\n\r]*:[ \t\n\r]*\[')
_CLOSING = re.compile(rb"\][ \t\n\r]*\}[ \t\n\r]*\Z")
_LONGEST_CLOSING = 64
_BETWEEN_ROWS = re.compile(rb"\][ \t\n\r]*,[ \t\n\r]*(?=\[)")


def read_in_pieces(
    parser: simdjson.Parser, body: Content, features: int, max_rows: int
) -> Rows | None:
    """The rows of a body that has nothing but rows of `features` numbers.

    None for any other body, right or wrong: who reads it as a whole can say what it has. Pieces
    that each are a list of flat rows are together one, because commas alone were between them; a
    cut in the wrong place, within a row or a string, leaves a piece that is no JSON.
    """
    opening = _OPENING.match(body)
    closing = _CLOSING.search(body, max(0, len(body) - _LONGEST_CLOSING))
    if opening is None or closing is None:
        return None
    found: list[NDArray[np.float64]] = []
    count = 0
    for piece in _pieces(body, opening.end(), closing.start()):
        try:
            rows = _rows(parser.parse(piece), piece, features)
        except (ValueError, RuntimeError, TypeError):
            return None
        if rows is None or (count := count + len(rows)) > max_rows:
            return None
        found.append(rows)
    return np.concatenate(found) if found else None


def _pieces(body: Content, start: int, end: int) -> Iterator[bytes]:
    """Lists of whole rows, each with brackets of its own."""
    view = memoryview(body)
    while start < end:
        between = _BETWEEN_ROWS.search(body, start + _PIECE, end) if end - start > _PIECE else None
        stop = between.start() + 1 if between else end
        yield b"".join((b"[", view[start:stop], b"]"))
        start = between.end() if between else end


def _rows(document: object, text: bytes, features: int) -> Rows | None:
    """A list of flat rows; no reference to the document is left."""
    if type(document) is not simdjson.Array:
        return None
    for row in document:
        if type(row) is not simdjson.Array or len(row) != features:
            return None
    count = len(document)
    if more_lists_than(count + 1, text):
        return None
    return np.frombuffer(document.as_buffer(of_type="d"), np.float64).reshape(count, features)


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
