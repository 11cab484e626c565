"""Tables of counts as heat maps: how strong a cell's colour is. The numbers stay in the cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What stands in it.
        kind: `right` on the diagonal, `wrong` beside it; of a difference `better`, `worse`, `same`.
        strength: Of its colour, 0 to 100.
    """

    text: str
    kind: str
    strength: int


def cells(counts: Sequence[Sequence[int]]) -> list[list[Cell]]:
    """A confusion matrix: the diagonal by its share of the row, mistakes by the worst mistake.

    The square root lets few mistakes be seen beside many.
    """
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    worst = max(
        (share for i, row in enumerate(shares) for j, share in enumerate(row) if i != j), default=0
    )
    return [
        [
            Cell(f"{count}", "right", round(100 * share))
            if i == j
            else Cell(f"{count}", "wrong", _strength(share, worst))
            for j, (count, share) in enumerate(zip(row, shares[i], strict=True))
        ]
        for i, row in enumerate(counts)
    ]


def changes(before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> list[list[Cell]]:
    """`after` less `before`: more is better on the diagonal and worse beside it."""
    gained = [
        [new - old for old, new in zip(*rows, strict=True)]
        for rows in zip(before, after, strict=True)
    ]
    most = max((abs(count) for row in gained for count in row), default=0)
    return [
        [_change(count, most, right=i == j) for j, count in enumerate(row)]
        for i, row in enumerate(gained)
    ]


def _change(count: int, most: int, *, right: bool) -> Cell:
    if count == 0:
        return Cell("0", "same", 0)
    kind = "better" if (count > 0) == right else "worse"
    return Cell(f"{count:+d}".replace("-", "\N{MINUS SIGN}"), kind, _strength(abs(count), most))


def _strength(value: float, most: float) -> int:
    return round(100 * math.sqrt(value / most)) if most else 0
