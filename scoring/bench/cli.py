"""The commands: `python -m scoring.bench compare` and `soak`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scoring.bench import comparison, report
from scoring.bench.environment import EnvironmentFailedError
from scoring.bench.environment import environment as build_environment
from scoring.bench.load import WrongAnswerError
from scoring.bench.plan import QUICK, Plan
from scoring.bench.servers import ServerFailedError
from scoring.errors import ScoringError

app = typer.Typer(
    help="Measure the service, or keep it busy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
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
        EnvironmentFailedError,
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
    seconds: Annotated[
        float, typer.Option(min=0.05, help="Of load on one server in one round.")
    ] = PLAN.seconds,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds for each request.")] = PLAN.rounds,
    starts: Annotated[int, typer.Option(min=1, help="Cold starts of each server.")] = PLAN.starts,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few seconds in all, to see that it works.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the table to a file.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Measure the service beside azureml-inference-server-http, in turn, one core for each.

    Exit code 1 when a server predicts wrongly or a target is missed; the last line says which.
    """
    plan = QUICK if quick else Plan(seconds, rounds, starts)
    with _one_line_errors():
        with _progress() as progress:
            task = progress.add_task("Microsoft's server", total=comparison.steps(plan))

            def say(what: str) -> None:
                progress.update(task, description=what, advance=1)

            found = comparison.measure(model, images, environment or build_environment(), plan, say)
        text = report.markdown(found)
        typer.echo(text)
        _write(markdown, text)
        _write(json_file, report.document(found))
    missed = report.missed(found)
    if missed:
        typer.echo(f"error: targets were missed: {'; '.join(missed)}", err=True)
        raise typer.Exit(1)


def _write(file: Path | None, text: str) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
