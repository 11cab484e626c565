"""How many rows a request may have, by their number, by the memory they need, by their answer."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.errors import Rejection
from scoring.manifest import Manifest
from scoring.settings import Settings

# What a request needs at most, in sizes of the largest body: the body, its rows, all the rest.
BODY_SIZES = 4
# A request's rows as arrays need at most so many times the largest body.
ROWS_SIZES = 2
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
    """

    features: int
    rows: int
    memory: int
    answer: int
    classes: int

    @classmethod
    def of(cls, settings: Settings, manifest: Manifest) -> Limits:
        """Derive them from the settings."""
        return cls(
            features=manifest.features,
            rows=settings.max_rows,
            memory=ROWS_SIZES * settings.max_body_bytes,
            answer=settings.max_body_bytes // _ANSWER_BYTES,
            classes=max(1, len(manifest.classes)),
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
        wide = sum(method == "predict_proba" for method in methods)
        numbers = count * (wide * self.classes + len(methods) - wide)
        if numbers > self.answer:
            raise Rejection(
                413,
                "answer_too_long",
                f"the answer would have {numbers} numbers; as JSON at most {self.answer} are given:"
                " send fewer rows",
            )
