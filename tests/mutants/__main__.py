"""The command: `python -m tests.mutants [MODULE ...]`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from tests.mutants import mutant, selection, table, trial

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "mutants"
GATES = ("model_eval/metrics.py", "model_eval/smoke.py", "model_eval/validation.py")
"""Of model_eval: what lets a model pass."""


def modules(wanted: list[str]) -> list[str]:
    """The files to change: those below the named ones, or all that count."""
    every = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "infra").rglob("*.py"))] + list(
        GATES
    )
    every = [one for one in every if not one.endswith("__init__.py")]
    named = [one.rstrip("/").replace("\\", "/") for one in wanted]
    unknown = [one for one in named if not any(_below(each, one) for each in every)]
    if unknown:
        raise typer.BadParameter(
            f"{', '.join(unknown)}: no such module; allowed: infra, a folder or a file of it, or "
            + ", ".join(GATES)
        )
    return [one for one in every if not named or any(_below(one, each) for each in named)]


def _below(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}/")


def main(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[MODULE ...]", help="Files or folders.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Mutants tried at once.")] = os.cpu_count() or 1,
    sample: Annotated[
        int | None, typer.Option(min=1, help="So many mutants a module, the same each time.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only a module's own tests judge: what is sure, soon.")
    ] = False,
    judges: Annotated[
        str, typer.Option(metavar="WORDS", help="Only these tests judge, as pytest's -k says it.")
    ] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what was found before.")] = False,
) -> None:
    """Change the program a line at a time, and count which changes the tests notice.

    It can be stopped at any time: what was found is kept in .cache/mutants.
    Exit codes: 0 enough were noticed; 1 too few, a reason for what is no survivor, or the tests
    cannot be run.
    """
    files = modules(wanted or [])
    KEPT.mkdir(parents=True, exist_ok=True)
    file = KEPT / "found.jsonl"
    if fresh:
        for each in [file, *KEPT.rglob("lines-*.json")]:
            each.unlink(missing_ok=True)
    rows: list[table.Row] = []
    tried: list[trial.Tried] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        # Whoever goes on working here changes nothing of a run.
        root = trial.copy(ROOT, Path(place) / "whole")
        kept = trial.Kept(root, file)
        measured = selection.Measured(root, KEPT, judges)
        folders = [trial.copy(root, Path(place) / str(number)) for number in range(jobs)]
        for tests, group in groupby(files, lambda module: selection.tests_of(module, root)):
            workers = [trial.Worker(folder, tests) for folder in folders]
            for module in group:
                every = list(mutant.of(root, module))
                # Their digests are as good as chance, and the same each time.
                left = sorted(every, key=lambda one: one.key)[:sample] if sample else every
                mine: list[trial.Tried] = []
                rounds = list(selection.rounds(module, tests))
                for asked in rounds[:1] if quick else rounds:
                    if not left:
                        break
                    known = measured.of(module, asked, folders[0])
                    last = quick or asked == tests
                    # What these have not noticed others may.
                    done = last and not judges
                    found = list(trial.try_all(workers, left, known, kept, last=done))
                    mine += found if last else [one for one in found if one.outcome == "killed"]
                    left = [one.mutant for one in found if one.outcome != "killed"]
                tried += mine
                counted = Counter(one.outcome for one in mine)
                rows.append(table.Row(module, len(every), counted))
                typer.echo(table.line(rows[-1]), err=True)
            for worker in workers:
                worker.end()
    reasons = table.reasons(Path(__file__).with_name("reasons.yaml"))
    typer.echo(table.table(rows))
    typer.echo(table.survivors(tried, reasons))
    whole = {row.module for row in rows if row.tried == row.mutants}
    stale = table.stale(tried, reasons, whole)
    for each in stale:
        typer.echo(f"error: a reason for what is no survivor, remove it: {each}", err=True)
    raise typer.Exit(1 if stale or table.score(rows) < table.ENOUGH else 0)


if __name__ == "__main__":
    try:
        typer.run(main)
    except (selection.MeasureError, trial.TrialError) as error:
        sys.exit(f"error: {error}")
