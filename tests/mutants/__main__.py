"""The command: `python -m tests.mutants [MODULE ...]`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from tests.mutants import mutant, selection, table, trial

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".local" / "mutants"
PACKAGES = ("infra", "model_eval")
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
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure anew which tests run which lines.")
    ] = False,
) -> None:
    """Change the program a line at a time, and count which changes the tests notice.

    It can be stopped at any time: what was found is kept in .local/mutants.
    Exit codes: 0 enough were noticed; 1 too few, or the tests fail without any change.
    """
    files = modules(wanted or [])
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = trial.Kept(KEPT / "found.jsonl")
    rows: list[table.Row] = []
    survivors: list[tuple[mutant.Mutant, str]] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        folders = [trial.copy(ROOT, Path(place) / str(number)) for number in range(jobs)]
        measured: set[str] = set()
        for module in files:
            tests = selection.tests_of(module, ROOT)
            places = {each: _place(each) for each in tests}
            for each, file in places.items():
                if not file.exists() or (fresh and each not in measured):
                    _measure(folders[0], each, file)
                measured.add(each)
            known = selection.read(places.values())
            every = list(mutant.of(ROOT, module))
            tried = every
            if sample is not None and len(every) > sample:
                # Their digests are as good as chance, and the same each time.
                tried = sorted(every, key=lambda one: one.key)[:sample]
            counted: Counter[str] = Counter()
            for one, outcome in trial.try_all(ROOT, folders, tried, known, kept, tests):
                counted[outcome] += 1
                if outcome in {"survived", "unseen"}:
                    survivors.append((one, outcome))
            rows.append(table.Row(module, len(every), counted))
            typer.echo(table.line(rows[-1]), err=True)
    reasons = table.reasons(Path(__file__).with_name("reasons.yaml"))
    typer.echo(table.table(rows))
    typer.echo(table.survivors(survivors, reasons))
    raise typer.Exit(0 if table.score(rows) >= table.ENOUGH else 1)


def _place(tests: str) -> Path:
    return KEPT / f"lines-{tests.replace('/', '-').removesuffix('.py')}.json"


def _measure(folder: Path, tests: str, file: Path) -> None:
    typer.echo(f"Measuring which lines {tests} runs ...", err=True)
    code = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(file), tests],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode
    if code not in {0, 5}:
        file.unlink(missing_ok=True)
        typer.echo(f"error: {tests} fails without any change; run it first", err=True)
        raise typer.Exit(1)


_MEASURE = (
    "import sys; from pathlib import Path; from tests.mutants import selection; "
    "sys.exit(selection.measure(Path.cwd(), "
    f"{PACKAGES!r}, sys.argv[2:], Path(sys.argv[1])))"
)

if __name__ == "__main__":
    try:
        typer.run(main)
    except trial.TrialError as error:
        sys.exit(f"error: {error}")
