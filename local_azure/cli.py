"""The commands of the stand-in: `python -m local_azure COMMAND`."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from local_azure import process
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.environment import ambient, exports, inside
from local_azure.errors import LocalAzureError
from local_azure.home import Home
from local_azure.kubernetes import network
from local_azure.kubernetes.programs import Programs
from local_azure.pulumi_cli import PulumiCli
from local_azure.ready import Ready, prepare
from local_azure.removal import remove


class _Commands(TyperGroup):
    """What a user can repair is said in one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except LocalAzureError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    help="A local stand-in for an Azure subscription.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the result as JSON.")
]


@app.command()
def setup(
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Also build what managed clusters are made of.")
    ] = False,
) -> None:
    """Get the Pulumi CLI where none is new enough."""
    console = Console(stderr=True)
    pulumi = PulumiCli(ambient(), console)
    typer.echo(f"Pulumi CLI: {pulumi.ensure()}")
    if kubernetes:
        network.check()
        programs = Programs(ambient())
        programs.ensure(pulumi.go, console)
        typer.echo(f"Kubernetes: {programs.kube()}")


@app.command()
def start() -> None:
    """Start the stand-in where it is down.

    Waits until it is ready.
    """
    running = process.start(Home.from_environment())
    typer.echo(f"The local Azure stand-in answers at {running.url} (process {running.pid}).")


@app.command()
def stop() -> None:
    """Stop the stand-in and its containers.

    What it remembers stays.
    """
    stopped = process.stop(Home.from_environment())
    typer.echo("Stopped." if stopped else "It was not running.")


@app.command()
def status(json_file: JsonFile = None) -> None:
    """Say whether the stand-in runs, and where.

    Exit code 1 when it does not.
    """
    home = Home.from_environment()
    running = process.status(home)
    if json_file:
        shown = {
            "running": running is not None,
            "url": running.url if running else None,
            "pid": running.pid if running else None,
            "folder": str(home.root),
            "subscription": SUBSCRIPTION,
        }
        json_file.write_text(json.dumps(shown, indent=2) + "\n")
    if running is None:
        typer.echo(f"Not running. State folder: {home.root}")
        raise typer.Exit(1)
    typer.echo(f"Running at {running.url} (process {running.pid}). State folder: {home.root}")


@app.command()
def reset() -> None:
    """Stop the stand-in and forget everything.

    Gone are the resources, the models and the Pulumi stack.
    """
    home = Home.from_environment()
    if not home.root.exists():
        typer.echo("There is nothing to forget.")
        return
    remove(home)
    typer.echo(f"Forgot everything in {home.root}.")


@app.command()
def env() -> None:
    """Print shell exports for its clients.

    In a shell: eval "$(python -m local_azure env)"
    """
    typer.echo(exports(_ready().environment))


@app.command(name="exec", context_settings={"ignore_unknown_options": True})
def execute(
    command: Annotated[list[str], typer.Argument(help="The command and its arguments.")],
) -> None:
    """Run a command against the stand-in.

    For example: python -m local_azure exec -- pulumi preview
    """
    _become(command, _ready().environment)


@app.command()
def rest(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, PUT, PATCH, POST, DELETE.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="A path with ?api-version=DATE.")],
    body: Annotated[str | None, typer.Option(metavar="JSON", help="What is sent.")] = None,
) -> None:
    """Ask ARM anything, as `az rest` does.

    It is how to change by hand what a stack made, behind Pulumi's back. For example:

    python -m local_azure rest GET '/subscriptions?api-version=2022-12-01'
    """
    # Azure's client takes as long to import as all the rest.
    from local_azure.provider.arm_client import ArmClient, ArmClientError, Login

    path, found, version = url.partition("?api-version=")
    if not path.startswith("/") or not found:
        raise typer.BadParameter(
            f"{url!r} is no path with its version; one is: /subscriptions?api-version=2022-12-01",
            param_hint="URL",
        )
    try:
        content = json.loads(body) if body else None
    except ValueError:
        raise typer.BadParameter(f"{body!r} is no JSON", param_hint="--body") from None
    home = Home.from_environment()
    environment = inside(home, process.start(home).url, None, ambient())
    os.environ.clear()
    os.environ.update(environment)
    try:
        client = ArmClient(Login.from_environment(environment))
        answer = client.call(method.upper(), path, version, content)
    except ArmClientError as error:
        raise LocalAzureError(str(error)) from error
    if answer:
        typer.echo(answer)


@app.command()
def recover() -> None:
    """Repair the stack after a pulumi was killed."""
    ready = _ready()
    done = ready.stack.recover(ready.environment) if ready.stack else []
    typer.echo("\n".join(done) or "There is nothing to recover.")


@app.command()
def serve() -> None:
    """Serve in the foreground until Ctrl-C.

    Or until SIGTERM. It logs to standard error.
    """
    from local_azure.server import serve as run

    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    run(Home.from_environment())


def _ready() -> Ready:
    # Progress goes to standard error: standard output belongs to the command, or to the shell.
    return prepare(Home.from_environment(), Path.cwd(), Console(stderr=True))


def _become(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Replace this process: signals and the exit code are the command's own.

    Raises:
        LocalAzureError: there is no such command.
    """
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise LocalAzureError(f"the command '{command[0]}' is not on PATH")
    sys.stdout.flush()
    os.execve(program, command, environment)  # noqa: S606 - the user's own command
