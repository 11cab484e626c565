"""How many rows a request may have, by their number, by the memory they need, by their answer."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import Rejection
from scoring.manifest import Manifest
from scoring.routes.messages import Content
from scoring.settings import Settings

# What a request needs at most, in sizes of the largest body: the body, its rows, all the rest.
BODY_SIZES = 4
# A request's rows as arrays need at most so many times the largest body.
ROWS_SIZES = 2
# Arrays from this size on are given back at once: in the heap they would leave holes of their size.
_LARGE_ARRAY = 16 << 20
# A number takes so many bytes as Python's float in a list and as text, at most.
_ANSWER_BYTES = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one model's requests.

    Attributes:
        features: Values in a row.
        rows: The most rows, whatever they need.
        memory: The most bytes of a request's rows as an array.
        answer: The most numbers that an answer has as JSON.
        classes: How many numbers a row's probabilities are.
        text: The most bytes of a body as Python's text, for a script that takes it so.
    """

    features: int
    rows: int
    memory: int
    answer: int
    classes: int
    text: int = 1 << 62

    @classmethod
    def of(cls, settings: Settings, manifest: Manifest) -> Limits:
        """Derive them from the settings."""
        return cls(
            features=manifest.features,
            rows=settings.max_rows,
            memory=ROWS_SIZES * settings.max_body_bytes,
            answer=settings.max_body_bytes // _ANSWER_BYTES,
            classes=max(1, len(manifest.classes)),
            text=(BODY_SIZES - 1) * settings.max_body_bytes,
        )

    def most_rows(self, itemsize: int) -> int:
        """The most rows of values of so many bytes; one row is always allowed."""
        return max(1, min(self.rows, self.memory // (itemsize * self.features)))

    def check_rows(self, count: int, itemsize: int, what: str) -> None:
        """Refuse more rows than that; `what` has them, in the message."""
        most = self.most_rows(itemsize)
        if count > most:
            why = "" if count > self.rows else f" of {self.features} values of {itemsize} bytes"
            most = self.rows if count > self.rows else most
            raise Rejection(
                413, "too_many_rows", f"{what} has {count} rows; at most {most}{why} are allowed"
            )

    def check_answer(self, count: int, methods: tuple[str, ...]) -> None:
        """Refuse rows whose answer in JSON would be longer than any body that is taken."""
        wide = methods.count("predict_proba")
        numbers = count * (wide * self.classes + len(methods) - wide)
        if numbers > self.answer:
            raise Rejection(
                413,
                "answer_too_long",
                f"the answer would have {numbers} numbers; as JSON at most {self.answer} are given:"
                " send fewer rows",
            )

    def check_text(self, body: Content) -> None:
        """Refuse a text that Python would hold in four bytes for each of millions of letters."""
        largest = int(np.frombuffer(body, np.uint8).max(initial=0))
        width = 4 if largest >= 0xF0 else 2 if largest >= 0xC4 else 1  # by the first byte in UTF-8
        if width * len(body) > self.text:
            raise Rejection(
                413,
                "body_too_long",
                f"a body with such letters may have at most {self.text // width} bytes",
            )


def empty(count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array of so many values, (count,), not set to anything."""
    size = count * dtype.itemsize
    if size < _LARGE_ARRAY:
        return np.empty(count, dtype)
    return np.frombuffer(mmap.mmap(-1, size), dtype)
