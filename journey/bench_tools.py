"""How long the tools take: `python -m journey.bench_tools`, which `make bench-tools` runs.

Everything happens on a stand-in with a state folder of its own, which is removed at the end. What
counts are the ratios: review and drift check by a plain preview with refresh, each in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from journey import synthetic

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
ROOT = Path(__file__).resolve().parents[1]
PREVIEW, REVIEW, DRIFT, UP = "preview --refresh", "review", "drift check", "warm make up"
MOST = {REVIEW: 1.2, DRIFT: 1.5}
"""Times a plain preview with refresh, at most."""
MOST_UP = 8.0
SIZES = (300, 3000, 12000)
MOST_GROWTH = 2.5
"""What a resource beyond 3,000 may cost by one below: 1 is linear, a quadratic tool has 4.5.

It does not start from nothing: the imports' own peak hides the memory of the first hundreds.
"""
_RUNS = 3
# The kernel counts a process's memory from its fork on, when it is still that of who forked it: a
# small process starts the command, not this one, which has built stacks of 12,000 resources.
_WATCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.call(sys.argv[2:], close_fds=True)
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(int(sys.argv[1]), "w") as figures:
    json.dump([code, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss << 10], figures)
"""
_REVIEW = ("-m", "infra.review", "--json", os.devnull)
_DRIFT = ("-m", "infra.drift", "--json", os.devnull)


class ToolFailedError(Exception):
    """A measured command failed; the message is its last line."""


@dataclass(frozen=True)
class Run:
    """One run of a command.

    Attributes:
        seconds: From its start to its end.
        computed: Seconds of processor time, of it and of all processes below it.
        memory: The largest RSS in bytes of it or of any of them.
    """

    seconds: float
    computed: float
    memory: int


@dataclass(frozen=True)
class Found:
    """What was measured.

    Attributes:
        rounds: Seconds of each command, round by round.
        first: Seconds of the first `make up`, with warm caches of packages.
        large: By tool and number of resources, the least of some runs.
    """

    rounds: dict[str, list[float]]
    first: float
    large: dict[str, dict[int, Run]]


def timed(command: Sequence[str], env: Mapping[str, str], good: Sequence[int] = (0,)) -> Run:
    """Run a command and say what it took.

    Raises:
        ToolFailedError: It ended with another code than these.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile("w+") as figures:
        subprocess.run(
            (sys.executable, "-I", "-c", _WATCH, str(figures.fileno()), *command),
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[figures.fileno()],
            check=True,
        )
        figures.seek(0)
        code, *took = json.load(figures)
        if code not in good:
            output.seek(0)
            said = output.read().decode(errors="replace").strip().splitlines() or ["nothing"]
            raise ToolFailedError(f"`{' '.join(command)}` ended with {code}: {said[-1]}")
    return Run(*took)


def measure(rounds: int, *, stack: bool = True) -> Found:
    """Measure all, or without the stack only what large ones cost.

    Raises:
        ToolFailedError: A command failed.
    """
    found: dict[str, list[float]] = {}
    first = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-tools-") as name:
        folder = Path(name)
        if stack:
            with _deployed(folder / "state") as (env, first):
                for number in range(rounds + 1):
                    for what, seconds in _round(env):
                        if number:  # the first one compiles and warms
                            found.setdefault(what, []).append(seconds)
        large = {tool: _large(folder, tool) for tool in (REVIEW, DRIFT)}
    return Found(found, first, large)


@contextmanager
def _deployed(state: Path) -> Iterator[tuple[dict[str, str], float]]:
    """A stack in a state folder of its own: its environment, and seconds of the first `up`."""
    env = {**os.environ, "LOCAL_AZURE_DIR": str(state)}
    journey = (sys.executable, "-m", "journey")
    try:
        first = timed((*journey, "up"), env).seconds
        command = (sys.executable, "-m", "local_azure", "exec", "--", "env", "-0")
        said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True).stdout
        pairs = (each.partition("=") for each in said.decode().split("\0") if each)
        yield {name: value for name, _, value in pairs}, first
    finally:
        timed((*journey, "down"), env)


def _round(env: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    preview = ("pulumi", "preview", "--refresh", "--non-interactive", "--stack", "local")
    yield PREVIEW, timed(preview, env).seconds
    for what, command in ((REVIEW, _REVIEW), (DRIFT, _DRIFT)):
        yield what, timed((sys.executable, *command, "--stack", "local"), env).seconds
    yield UP, timed((sys.executable, "-m", "journey", "up"), env).seconds


def _large(folder: Path, tool: str) -> dict[int, Run]:
    """A tool with large stacks whose `pulumi` answers at once."""
    found = {}
    for resources in SIZES:
        home = folder / f"{tool}-{resources}"
        first = synthetic.write(home, resources)
        env = {**os.environ, "PATH": f"{first}{os.pathsep}{os.environ.get('PATH', '')}"}
        command = _REVIEW if tool == REVIEW else _DRIFT
        where = ("--stack", synthetic.STACK, "--cwd", str(home))
        # A tenth of it changes, or has drifted: that is no failure here.
        runs = [timed((sys.executable, *command, *where), env, (0, 1, 7)) for _ in range(_RUNS)]
        found[resources] = Run(*map(min, *(astuple(run) for run in runs)))
    return found


def growth(runs: Mapping[int, Run]) -> tuple[float, float]:
    """How many times the processor time and memory of one below 3,000 a resource beyond adds."""
    small, middle, large = (runs[each] for each in SIZES)
    scale = (SIZES[1] - SIZES[0]) / (SIZES[2] - SIZES[1])
    return (
        scale * (large.computed - middle.computed) / max(middle.computed - small.computed, 0.05),
        scale * (large.memory - middle.memory) / max(middle.memory - small.memory, 1 << 20),
    )


def ratios(found: Found, what: str) -> list[float]:
    """A command's seconds by those of a plain preview with refresh, round by round."""
    plain = found.rounds[PREVIEW]
    return [one / other for one, other in zip(found.rounds[what], plain, strict=True)]


def missed(found: Found) -> list[str]:
    """Each target that was not reached, in words."""
    told = [
        f"{what} takes {median(ratios(found, what)):.2f} times a preview, not {most:g}"
        for what, most in MOST.items()
        if found.rounds and median(ratios(found, what)) > most
    ]
    if found.rounds and (seconds := median(found.rounds[UP])) > MOST_UP:
        told.append(f"{UP} takes {seconds:.1f} s, not {MOST_UP:g}")
    for tool, runs in found.large.items():
        for grown, kind in zip(growth(runs), ("time", "memory"), strict=True):
            if grown > MOST_GROWTH:
                told.append(f"{tool}: a resource beyond 3,000 adds {grown:.1f} times the {kind}")
    return told


def markdown(found: Found) -> str:
    """Two tables."""
    lines: list[str] = []
    if found.rounds:
        lines += ["| command | seconds (spread) | times a preview | target |", "|---|---|---|---|"]
    for what, seconds in found.rounds.items():
        times = f"{median(ratios(found, what)):.2f}"
        target = f"{MOST[what]:g}" if what in MOST else f"{MOST_UP:g} s" if what == UP else ""
        spread = f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
        lines.append(f"| {what} | {spread} | {times} | {target} |")
    if found.first:
        lines += [f"| first make up, caches warm | {found.first:.1f} | | |", ""]
    lines += ["| tool | resources | processor seconds | memory |", "|---|---|---|---|"]
    lines += [
        f"| {tool} | {resources:,} | {run.computed:.2f} | {run.memory / 1e6:.0f} MB |"
        for tool, runs in found.large.items()
        for resources, run in runs.items()
    ]
    for tool, runs in found.large.items():
        time_, memory = growth(runs)
        lines += ["", f"{tool}: a resource beyond 3,000 adds {time_:.1f} times the time and"]
        lines[-1] += f" {memory:.1f} times the memory of one before."
    return "\n".join(lines) + "\n"


@app.command()
def main(
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Rounds of all commands in turn.")
    ] = 3,
    stack: Annotated[
        bool, typer.Option(help="Deploy the stack, too; else only what large ones cost.")
    ] = True,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write all figures as JSON.")
    ] = None,
) -> None:
    """Measure preview, review, drift check and warm `make up`; stacks of up to 12,000 resources.

    Exit codes: 0 all targets were reached; 1 one was missed, or a command failed; 2 wrong usage.
    """
    try:
        found = measure(rounds, stack=stack)
    except ToolFailedError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(markdown(found))
    if json_file:
        json_file.write_text(json.dumps(asdict(found), indent=2) + "\n")
    told = missed(found)
    if told:
        typer.echo(f"error: targets were missed: {'; '.join(told)}", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m journey.bench_tools")
