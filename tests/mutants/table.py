"""What was found, as a table a module and a list of what no test noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.mutants.mutant import Mutant

ENOUGH = 90.0
"""Per cent of the tried mutants that the tests must notice."""

Reasons = Mapping[tuple[str, str, str], str]
"""Why nobody has to notice a change, by module, what stood there, and what stands there."""


@dataclass(frozen=True)
class Row:
    """A module.

    Attributes:
        module: Its file.
        mutants: How many there are.
        counted: How many were tried, by what became of them.
    """

    module: str
    mutants: int
    counted: Counter[str]

    @property
    def tried(self) -> int:
        """How many were tried."""
        return sum(self.counted.values())

    @property
    def noticed(self) -> int:
        """How many the tests noticed; tests that hang notice, too."""
        return self.counted["killed"] + self.counted["hung"]


def score(rows: Iterable[Row]) -> float:
    """Per cent of the tried ones that were noticed."""
    known = list(rows)
    tried = sum(row.tried for row in known)
    return 100 * sum(row.noticed for row in known) / tried if tried else 100.0


def line(row: Row) -> str:
    """One row of the table."""
    counts = [row.mutants, row.tried, row.noticed]
    counts += [row.counted[each] for each in ("survived", "unseen", "hung")]
    shown = "".join(f"{count:>9}" for count in counts)
    return f"{row.module:<40}{shown}{score([row]):>8.1f} %"


def table(rows: Sequence[Row]) -> str:
    """A row a module, and their sum."""
    header = "".join(
        f"{name:>9}" for name in ("mutants", "tried", "noticed", "survived", "unseen", "hung")
    )
    total = Row(
        "all", sum(row.mutants for row in rows), sum((row.counted for row in rows), Counter())
    )
    lines = [f"{'module':<40}{header}{'score':>8}", *map(line, rows), line(total)]
    return "\n".join(lines)


def reasons(path: Path) -> Reasons:
    """The reasons of a file: lists of module, before, after and reason."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    return {(one["module"], one["before"], one["after"]): one["reason"] for one in content}


def survivors(found: Sequence[tuple[Mutant, str]], known: Reasons) -> str:
    """What no test noticed, a line each."""
    lines = [
        f"{one.module}:{one.line}: {one.before}  ->  {one.after}"
        + ("  (no test runs it)" if outcome == "unseen" else "")
        + f"  # {known.get((one.module, one.before, one.after), 'no reason is written down')}"
        for one, outcome in sorted(found, key=lambda each: (each[0].module, each[0].line))
    ]
    return "\n".join(lines)
