"""`python -m journey`: what `make up`, `make smoke`, `make service-down` and `make down` run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from journey.life import Life, Plan
from journey.steps import JourneyError, Steps
from local_azure.errors import LocalAzureError
from local_azure.home import Home
from local_azure.ready import prepare

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console(highlight=False, soft_wrap=True)

ModelOption = Annotated[
    Path | None, typer.Option("--model", help="Deploy this directory, without the registry.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Test data: .npz (X, y) or .csv; MNIST without it.")
]


@app.command()
def up(
    source: Annotated[Path, typer.Option(help="The model directory to register.")] = MODEL,
    model: ModelOption = None,
    data: DataOption = None,
    min_accuracy: Annotated[float, typer.Option(min=0, max=1, help="The gate.")] = 0.9,
) -> None:
    """Do the whole job: validate, deploy to the local stand-in, test the endpoint."""
    began = time.monotonic()
    with _life() as life:
        deployed = life.up(Plan((model or source).resolve(), model is None, data, min_accuracy))
        out = life.steps.relative(life.out)
        uri = deployed.outputs["scoring_uri"]
    console.print()
    for line in (
        f"Overall accuracy: {deployed.accuracy:.4f}",
        f"Plots:            {out}/conf.png  {out}/results.png",
        f"Scoring URI:      {uri}   (the local stand-in, not Azure)",
        f"Try it:           curl -H 'Content-Type: application/json' "
        f"--data @{out}/sample.json {uri}",
        "Remove it:        make service-down (the container group), make down (everything)",
    ):
        console.print(escape(line))
    console.print(f"[dim]{time.monotonic() - began:.1f} s in all[/dim]")


@app.command()
def smoke(model: ModelOption = None, data: DataOption = None) -> None:
    """Test the deployed endpoint again."""
    with _life() as life:
        outputs = life.stack.outputs()
        if "scoring_uri" not in outputs:
            raise JourneyError("there is no scoring service; deploy it with: make up")
        expected = model or (life.retrieved if life.retrieved.is_dir() else MODEL)
        plan = Plan(expected.resolve(), model is None, data, 0)
        life.smoke(plan, plan.source, str(outputs["scoring_uri"]))


@app.command()
def service_down() -> None:
    """Remove only the container group; the resource group and the workspace stay."""
    with _life() as life:
        if "scoring_uri" not in life.stack.outputs():
            console.print("There is no container group.")
            return
        life.service_down()


@app.command()
def down() -> None:
    """Remove everything that `up` made."""
    if not Home.from_environment().root.exists():
        console.print("There is nothing to remove.")
        return
    with _life() as life:
        life.down()


@contextmanager
def _life() -> Iterator[Life]:
    """The stand-in and its clients in place; errors in one line."""
    began = time.monotonic()
    try:
        home = Home.from_environment()
        steps = Steps(console, ROOT, home.root / "logs")
        ready = prepare(home, ROOT, console)
        steps.done(f"Local Azure stand-in at {ready.url}", time.monotonic() - began)
        yield Life(steps, home.root, ready.environment)
    except (JourneyError, LocalAzureError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; the next `make up` goes on from here", err=True)
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app(prog_name="python -m journey")
