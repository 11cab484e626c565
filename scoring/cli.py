"""The commands of the scoring room: `python -m scoring COMMAND`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from scoring.errors import ScoringError
from scoring.image import build as image_build
from scoring.image import push as image_push
from scoring.myenv import FILE, conda_file
from scoring.output_folder import write_json, write_text
from scoring.settings import Settings

app = typer.Typer(
    help="Serve a model, and build and push the image that does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", help="Also write the result as JSON; an older file is replaced."
    ),
]
ModelDir = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="The model directory: pickle and manifest.")
]


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """What a user can repair is said in one line, without a traceback."""
    try:
        yield
    except ScoringError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def serve(
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="DIR", help="The model directory. [AZUREML_MODEL_DIR]"),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The address to bind. [SCORING_HOST]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=65535, help="The port; 0 takes a free one. [SCORING_PORT]"
        ),
    ] = None,
    entry: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The entry script. [SCORING_SCRIPT]")
    ] = None,
) -> None:
    """Serve a model until Ctrl-C.

    An option wins over the environment variable beside it.
    """
    given = {
        "AZUREML_MODEL_DIR": model,
        "SCORING_HOST": host,
        "SCORING_PORT": port,
        "SCORING_SCRIPT": entry,
    }
    options = {name: str(value) for name, value in given.items() if value is not None}
    with _one_line_errors():
        from scoring.process.run import run

        run(Settings.from_environment({**os.environ, **options}))


@app.command()
def check(model: ModelDir) -> None:
    """See whether a model starts in the image.

    Loads it with the image's packages alone and lets it answer a row. Nothing is written.
    """
    with _one_line_errors():
        manifest = image_build.check_model(model)
        typer.echo(f"{manifest.name} {manifest.version}, sha256 {manifest.sha256}")
        typer.echo("It starts as in the image, and answers a row.")


@app.command()
def build(
    model: ModelDir,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Where the image goes: a new or empty folder, or an earlier image, which is"
            " replaced.",
        ),
    ],
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="With Python, from Debian's packages, and the pinned packages, so that any"
            " container runtime on x86-64 runs it.",
        ),
    ] = False,
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The same on an image of Python 3.11 that was exported: an OCI layout, or an"
            " archive of one, as docker save makes it.",
        ),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Check the model, then build the image.

    Writes an OCI layout and a Docker context. The same input gives the
    same digest; one that is there already is not checked again.
    """
    with _one_line_errors():
        built = image_build.build_image(model, out, complete=complete, base=base)
        typer.echo(built["digest"])
        if json_file:
            write_json(json_file, built)


@app.command()
def push(
    image: Annotated[Path, typer.Option(metavar="DIR", help="What `build` wrote.")],
    registry: Annotated[str, typer.Option(metavar="SERVER", help="The registry's login server.")],
    repository: Annotated[
        str, typer.Option(metavar="NAME", help="The repository in the registry.")
    ] = "sklearn-mnist-svc",
    without_python: Annotated[
        bool,
        typer.Option(
            "--without-python",
            help="Push an image without Python to any registry. Only the local stand-in runs it.",
        ),
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Push the image to a registry.

    What is already there is not sent again. Another registry takes
    what `build --complete` made; any other image has no Python.
    """
    with _one_line_errors():
        pushed = image_push.push_image(image, registry, repository, without_python=without_python)
        typer.echo(pushed["reference"])
        if json_file:
            write_json(json_file, pushed)


@app.command()
def myenv(
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The file; an older one is replaced.",
            show_default="the committed one",
        ),
    ] = FILE,
) -> None:
    """Write myenv.yml, the tutorial's conda file.

    It holds the image's pinned requirements.
    """
    with _one_line_errors():
        write_text(out, conda_file())
    typer.echo(out)
