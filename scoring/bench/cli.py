"""The commands: `python -m scoring.bench compare`, `drain`, `attack` and `soak`."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from scoring.bench import drain as endings_of
from scoring.bench import generator, report, servers
from scoring.bench.attacks import fuzzing
from scoring.bench.attacks import table as attacks
from scoring.bench.cases import Cases
from scoring.bench.comparison import Bench
from scoring.bench.faults import Target
from scoring.bench.load import WrongAnswerError
from scoring.bench.plan import QUICK, Plan
from scoring.bench.servers import ServerFailedError
from scoring.bench.soak import HOSTILE_CLIENTS, Outcome, Soak, questions, thirds
from scoring.errors import ScoringError
from scoring.output_folder import write_text

app = typer.Typer(
    help="Measure the service, or keep it busy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Model = Annotated[Path, typer.Option(metavar="DIR", help="The model directory.")]
Images = Annotated[Path, typer.Option(metavar="FILE", help="Rows: a gzipped IDX file of images.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write all figures as JSON.")
]
MODEL = Path("model_eval/models/sklearn_mnist/1")
IMAGES = Path("model_eval/data/t10k-images-idx3-ubyte.gz")
PLAN = Plan()


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        ScoringError,
        ServerFailedError,
        ValueError,
        WrongAnswerError,
    ) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def _progress() -> Progress:
    """Shown on a terminal only."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@app.command()
def compare(
    model: Model = MODEL,
    images: Images = IMAGES,
    environment: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="An environment with azmlinfsrv. [default: the locked one, built once]",
        ),
    ] = None,
    mlserver: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="An environment with mlserver. [default: the locked one, built once]",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.05, metavar="SECONDS", help="Of load on one server in one round.")
    ] = PLAN.seconds,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Rounds for each request.")
    ] = PLAN.rounds,
    starts: Annotated[
        int, typer.Option(min=1, metavar="N", help="Cold starts of each server.")
    ] = PLAN.starts,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="A few seconds in all, to see that it works; misses no target."
        ),
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the table to a file.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Measure the service beside two others.

    They are azureml-inference-server-http and MLServer, in turn, all on one core, with the
    committed model and with models that are not linear.

    Exit code 1 when a server predicts wrongly or a target is missed; the last line says which. A
    target that `--quick` misses is only told.
    """
    plan = QUICK if quick else Plan(seconds, rounds, starts)
    with _one_line_errors():
        with _progress() as progress, tempfile.TemporaryDirectory() as folder:
            task = progress.add_task("the other servers")
            bench = Bench(
                environment or servers.packages(servers.MICROSOFT),
                mlserver or servers.packages(servers.MLSERVER),
                plan,
                generator.find(),
                Path(folder),
                lambda what: progress.update(task, description=what, advance=1),
            )
            progress.update(task, total=bench.steps)
            found = bench.measure(model, images)
        text = report.markdown(found)
        typer.echo(text)
        _write(markdown, text)
        _write(json_file, report.document(found))
    missed = report.missed(found)
    if missed and quick:
        # A fraction of a second on a machine that may be busy judges nobody.
        typer.echo(f"too short to judge by; missed here: {'; '.join(missed)}", err=True)
    elif missed:
        typer.echo(f"error: targets were missed: {'; '.join(missed)}", err=True)
        raise typer.Exit(1)


@app.command()
def soak(
    model: Model = MODEL,
    images: Images = IMAGES,
    minutes: Annotated[float, typer.Option(min=0.02, metavar="MINUTES", help="How long.")] = 10.0,
    json_file: JsonFile = None,
) -> None:
    """Keep the service busy, with faults mixed in.

    On all cores; a worker is killed now and then.

    Exit code 1 unless every answer was right and memory and open files stayed flat.
    """
    key = secrets.token_urlsafe(24)
    cores = os.sched_getaffinity(0)
    workers = max(2, len(cores))
    with _one_line_errors():
        cases = Cases.read(model, images)
        with (
            tempfile.TemporaryDirectory() as folder,
            servers.ours(model, Path(folder), cores, workers, SCORING_KEY=key) as running,
            Console(stderr=True).status("Starting") as status,
        ):
            target = Target.of(running.port, key, cases.case("JSON", 1))
            soak_of = Soak(running, target, questions(cases, key), hostile=HOSTILE_CLIENTS)
            outcome = soak_of.run(minutes * 60, status.update)
    Console().print(_summary(outcome))
    _write(json_file, outcome.json())
    for example in outcome.examples:
        typer.echo(example, err=True)
    problems = outcome.verdict()
    if problems:
        typer.echo(f"error: the service did not stand it: {'; '.join(problems)}", err=True)
        raise typer.Exit(1)


@app.command()
def drain(
    model: Model = MODEL,
    images: Images = IMAGES,
    runs: Annotated[int, typer.Option(min=1, metavar="N", help="Of each kind.")] = 20,
    json_file: JsonFile = None,
) -> None:
    """End the service under steady load.

    By SIGTERM, with one and two workers, small and large requests, kept and new connections.

    Exit code 1 when a request was lost or the service did not end well.
    """
    table = Table("workers", "requests", "runs", "answers", "after SIGTERM", "lost", "seconds")
    endings: list[endings_of.Ending] = []
    with _one_line_errors(), Console(stderr=True).status("Starting") as status:
        for ending in endings_of.runs(model, images, runs):
            endings.append(ending)
            status.update(f"{len(endings)} of {runs * 4}: {len(ending.lost)} lost")
    for kind in sorted({(each.workers, each.size) for each in endings}):
        of_kind = [each for each in endings if (each.workers, each.size) == kind]
        seconds = [each.seconds for each in of_kind]
        table.add_row(
            str(kind[0]),
            kind[1],
            str(len(of_kind)),
            f"{sum(each.answers for each in of_kind):,}",
            f"{sum(each.after for each in of_kind):,}",
            str(sum(len(each.lost) for each in of_kind)),
            f"{min(seconds):.2f} to {max(seconds):.2f}",
        )
    Console().print(table)
    _write(json_file, json.dumps([asdict(each) for each in endings], indent=2) + "\n")
    lost = [why for each in endings for why in each.lost]
    if lost or any(each.status for each in endings):
        typer.echo(f"error: {len(lost)} requests were lost: {lost[:3]}", err=True)
        raise typer.Exit(1)


@app.command()
def attack(
    model: Model = MODEL,
    only: Annotated[str, typer.Option(metavar="TEXT", help="Those whose names hold this.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Without those that take minutes, and not fuzzed.")
    ] = False,
    fuzz_seconds: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="How long to fuzz; 0: not at all.")
    ] = 600,
    keep: Annotated[
        bool, typer.Option("--keep", help="Add what the fuzzer found to the tests' corpus.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Attack the service in every known way.

    Then fuzz it, and say what it cost it.

    Exit code 1 when something is beyond its bound, or an answer is not what it has to be.
    """
    chosen = [each for each in attacks.ATTACKS if only in each.name and not (quick and each.slow)]
    seconds = fuzz_seconds if only in fuzzing.NAME and not quick else 0
    if not (chosen or seconds):
        typer.echo(f"error: no attack's name holds {only!r}", err=True)
        raise typer.Exit(2)
    with _one_line_errors(), Console(stderr=True).status("Starting") as status:
        outcomes = attacks.attack_all(chosen, model, status.update)
        if seconds:
            status.update(f"Fuzzing for {seconds} s")
            outcomes += fuzzing.fuzz(seconds)
        if keep:
            status.update("Adding to the corpus")
            fuzzing.keep()
    Console(width=None if Console().is_terminal else 140).print(attacks.table(outcomes))
    _write(json_file, attacks.document(outcomes))
    lost = [each.name for each in outcomes if not each.held]
    if lost:
        typer.echo(f"error: {len(lost)} of {len(outcomes)} did not hold: {lost[:3]}", err=True)
        raise typer.Exit(1)


def _summary(outcome: Outcome) -> Table:
    table = Table(show_header=False)
    memory, files = thirds(outcome.memory), thirds(outcome.files)
    rows = {
        "time": f"{outcome.seconds:.0f} s",
        "right answers": f"{outcome.answers:,} ({outcome.answers / outcome.seconds:,.0f}/s)",
        "faults, answered as they have to be": f"{sum(outcome.faults.values()):,}",
        "workers killed": f"{outcome.killed}, {outcome.excused} requests broke off with them",
        "memory, first and last third": f"{memory[0] / 1e6:.0f} and {memory[1] / 1e6:.0f} MB (PSS)",
        "open files, first and last third": f"{files[0]:.0f} and {files[1]:.0f}",
        "problems": f"{sum(outcome.problems.values())}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _write(file: Path | None, text: str) -> None:
    if file is not None:
        write_text(file, text)
