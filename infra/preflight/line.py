"""One line of the preflight: what was asked, what Azure said, what to type."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Status(enum.StrEnum):
    """How a question went."""

    GOOD = "good"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    NOT_ASKED = "not asked"


class Answer(NamedTuple):
    """How a question went.

    Attributes:
        status: In a word.
        said: What Azure has, in one sentence.
        remedy: Commands that mend it, a line each; empty where nothing has to be done.
    """

    status: Status
    said: str
    remedy: str = ""


@dataclass(frozen=True)
class Line:
    """A question and its answer."""

    check: str
    answer: Answer


def good(said: str) -> Answer:
    """Nothing stands in the way."""
    return Answer(Status.GOOD, said)


def refused(said: str, remedy: str) -> Answer:
    """The update would fail."""
    return Answer(Status.REFUSED, said, remedy)


def not_asked(why: str) -> Answer:
    """There is nothing to ask, or nobody to answer."""
    return Answer(Status.NOT_ASKED, why)
