"""The whole life cycle against the local stand-in: what `make up` and its relatives run."""

from __future__ import annotations

import errno
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from journey.life import KEY, Deployed, Life
from journey.look import dashboard
from journey.look import process as look
from journey.plan import Plan
from journey.stack import Stack
from journey.steps import DiskFullError, JourneyError, Steps
from journey.target import Target, remembered
from journey.target import prepare as prepare_target
from journey.turn import turn
from local_azure import process
from local_azure.environment import ambient
from local_azure.errors import DamagedStateError, LocalAzureError, StackInUseError
from local_azure.home import Home
from local_azure.pulumi_cli import PulumiCli
from local_azure.ready import prepare
from local_azure.removal import remove
from scoring.errors import ScoringError

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=__doc__,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console(highlight=False, soft_wrap=True)

ModelOption = Annotated[
    Path | None,
    typer.Option("--model", metavar="DIR", help="Deploy this model without the registry."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="Test data, .npz (X, y) or .csv. [default: MNIST]"),
]


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: what runs is ended as after Ctrl-C."""


def main() -> None:
    """Run a command; every way of being told to end ends it in the same order."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    app(prog_name="python -m journey")


@app.command()
def up(
    source: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The model to register. [default: the committed one]"),
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    min_accuracy: Annotated[
        float, typer.Option(min=0, max=1, metavar="0..1", help="The gate.")
    ] = 0.9,
    target: Annotated[
        Target | None,
        typer.Option(help="Where it runs. [default: where the last one ran; at first aci]"),
    ] = None,
) -> None:
    """Do the whole job; nothing is done twice.

    It validates the model, makes the infrastructure, registers the model, builds the image, deploys
    the service and tests its endpoint.
    """
    if source and model:
        raise typer.BadParameter(
            "--source goes through the registry, --model goes around it: give one of them",
            param_hint="--source / --model",
        )
    began = time.monotonic()
    plan = Plan(
        (model or source or MODEL).resolve(),
        model is None,
        data.resolve() if data else None,
        min_accuracy,
    )
    with _life("make up", target) as life:
        deployed = life.up(plan)
        lines = _summary(life, deployed)
    console.print()
    for line in lines:
        console.print(escape(line))
    console.print(f"[dim]{time.monotonic() - began:.1f} s in all[/dim]")


@app.command()
def prepare_aks() -> None:
    """Build what the target aks needs, once."""
    with _one_line_errors("make test-aks"):
        prepare_target(ROOT, console)


@app.command()
def smoke(model: ModelOption = None, data: DataOption = None) -> None:
    """Test the deployed endpoint again.

    The model and the data are those of the last `up`, unless others are named.
    """
    with _life("make smoke") as life:
        life.smoke_again(
            Plan.recall(life.remembered),
            model.resolve() if model else None,
            data.resolve() if data else None,
        )


@app.command()
def review() -> None:
    """Say what an update of the stack would do.

    Nothing is changed.
    """
    with _life("make review") as life:
        code = life.review()
        console.print(escape(f"Look: {life.steps.relative(life.out)}/review.html"))
    raise typer.Exit(code)


@app.command()
def drift() -> None:
    """Say what is not as it was declared.

    Compares the stand-in, the program and the endpoint with the state. Exit code 7 is drift.
    """
    with _life("make drift") as life:
        code = life.drift()
        console.print(escape(f"Look: {life.steps.relative(life.out)}/drift.html"))
    raise typer.Exit(code)


@app.command()
def service_down() -> None:
    """Remove only the service.

    The resource group, the workspace and a cluster stay.
    """
    with _life("make service-down") as life:
        if "scoring_uri" not in life.stack.outputs():
            console.print(f"There is no {life.service}.")
            return
        life.service_down()


@app.command()
def down() -> None:
    """Remove everything that `up` made."""
    with _one_line_errors("make down"):
        home = Home.from_environment()
        if not home.root.exists():
            console.print("There is nothing to remove.")
            return
        steps = Steps(console, ROOT, home.root / "logs")
        if not home.is_ours():
            remove(home)  # refuses
        with turn(home, console):
            try:
                if PulumiCli(ambient(), console).find():
                    _prepared(home, steps, Target.ACI).down()
            except StackInUseError:
                raise
            except (JourneyError, LocalAzureError, OSError) as error:
                reason = error.reason if isinstance(error, DamagedStateError) else error
                console.print(
                    escape(
                        f"The resources cannot be deleted one by one ({reason}); all of them live "
                        f"in {home.root}, which goes as a whole."
                    )
                )
            with steps.timed("Stop the stand-in and remove its state"):
                look.stop(home.root)
                remove(home)


@contextmanager
def _life(command: str, wanted: Target | None = None) -> Iterator[Life]:
    """The stand-in and its clients in place, for one command at a time.

    Args:
        command: What to type to go on after an interruption.
        wanted: Where the service shall run; None where the stack has it.
    """
    with _one_line_errors(command):
        home = Home.from_environment()
        steps = Steps(console, ROOT, home.root / "logs")
        with turn(home, console):
            try:
                target = wanted or remembered(home, ROOT)
                if target is Target.AKS:
                    prepare_target(ROOT, console)
                yield _prepared(home, steps, target)
            except DiskFullError:
                # It could not write what it did; one that starts anew reads what is there.
                with suppress(LocalAzureError):
                    process.stop(home)
                raise


def _prepared(home: Home, steps: Steps, target: Target) -> Life:
    began = time.monotonic()
    ready = prepare(home, ROOT, console)
    steps.done(f"Local Azure stand-in at {ready.url}", time.monotonic() - began)
    return Life(steps, home.root, Stack.of(steps, ready), target)


@contextmanager
def _one_line_errors(command: str) -> Iterator[None]:
    try:
        yield
    except DamagedStateError as error:
        _fail(f"{error.reason}; start afresh: make down, then make up")
    except (JourneyError, LocalAzureError, ScoringError) as error:
        _fail(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        room = "; make room, then run it again" if error.errno == errno.ENOSPC else ""
        _fail(f"{where}{error.strerror or error}{room}")
    except KeyboardInterrupt as interrupt:
        typer.echo(f"interrupted; go on with: {command}", err=True)
        raise typer.Exit(143 if isinstance(interrupt, Terminated) else 130) from None


def _fail(message: str) -> None:
    """One line on standard error.

    Raises:
        typer.Exit: With 1.
    """
    with suppress(OSError):
        typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1) from None


def _summary(life: Life, deployed: Deployed) -> list[str]:
    """What a user wants to know and to type next; only pictures that this run's checks made."""
    out = life.steps.relative(life.out)
    uri = deployed.outputs["scoring_uri"]
    served = look.address(life.state)
    pictures = [name for name in ("conf.png", "results.png") if (life.out / name).is_file()]
    words = ["curl", "-H", "'Content-Type: application/json'"]
    if deployed.keyed:
        python = shlex.quote(life.steps.relative(Path(sys.executable)))
        asked = f"{python} -m local_azure exec -- pulumi config get {KEY}"
        words += ["-H", f'"Authorization: Bearer $({asked})"']
    words += ["--data", shlex.quote(f"@{out}/sample.json"), str(uri)]
    return [
        f"Overall accuracy: {deployed.accuracy:.4f}",
        *(["Plots:            " + "  ".join(f"{out}/{name}" for name in pictures)] * any(pictures)),
        f"Scoring URI:      {uri}   (the local stand-in, not Azure)",
        f"Try it:           {' '.join(words)}",
        f"Remove it:        make service-down (the {life.service}), make down (everything)",
        f"Look:             {out}/{dashboard.FILE}" + (f"   {served}" if served else ""),
    ]


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated
