"""What was found, as a table a module and a list of what no test noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.mutants.mutant import Mutant
from tests.mutants.trial import Tried

ENOUGH = 90.0
"""Per cent of the tried mutants that the tests must notice."""

Reasons = Mapping[tuple[str, str, str], str]
"""Why nobody has to notice a change, by module, function, and change."""


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
    """The reasons of a file: by module and function, changes with the reason for them."""
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    return {
        (one["module"], one.get("where", ""), change): one["reason"]
        for one in content
        for change in one["changes"]
    }


def survivors(found: Iterable[Tried], known: Reasons) -> str:
    """What no test noticed, a line each."""
    left = [one for one in found if one.outcome in {"survived", "unseen"}]
    lines = [
        f"{one.mutant.module}:{one.mutant.line}: {one.mutant.where}: {change(one.mutant)}"
        + ("  (no test runs it)" if one.outcome == "unseen" else "")
        + f"  # {known.get(_key(one.mutant), 'no reason is written down')}"
        for one in sorted(left, key=lambda each: (each.mutant.module, each.mutant.line))
    ]
    return "\n".join(lines)


def stale(found: Iterable[Tried], known: Reasons, modules: Collection[str]) -> list[str]:
    """The reasons of wholly tried modules that speak of no survivor."""
    left = {_key(one.mutant) for one in found if one.outcome in {"survived", "unseen"}}
    return [
        f"{module}: {where}: {change}"
        for module, where, change in known
        if module in modules and (module, where, change) not in left
    ]


def change(mutant: Mutant) -> str:
    """A change as it is written in the list and in the file of reasons."""
    return f"{mutant.before}  ->  {mutant.after}"


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.module, mutant.where, change(mutant)
