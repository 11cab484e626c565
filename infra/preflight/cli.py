"""The command: `python -m infra.preflight --stack STACK`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.arm.errors import ArmError
from infra.disclosure.mask import Mask, environment_secrets
from infra.preflight import check, rendering
from infra.preflight.line import Status
from infra.preview.engine import PreviewError

REFUSED = 1
UNANSWERED = 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _object_id(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise typer.BadParameter(f"{text!r} is no object id: 8-4-4-4-12 hexadecimal digits")
    return text


@app.command()
def preflight(
    stack: Annotated[str, typer.Option(metavar="NAME", help="The stack to ask for.")],
    registrar: Annotated[
        str,
        typer.Option(
            metavar="PRINCIPAL_ID",
            callback=_object_id,
            help="Object id of who registers models, to ask for both storage roles.",
        ),
    ] = "",
    report: Annotated[
        Path, typer.Option(metavar="FILE", help="The report of the model's validation.")
    ] = Path("out/report.json"),
    min_accuracy: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="The gate.")
    ] = 0.9,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the lines as JSON.")
    ] = None,
    cwd: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder of the Pulumi project.")
    ] = Path(),
) -> None:
    """Ask Azure what would refuse the next update, before it is made. Nothing is changed.

    Exit codes: 0 nothing refuses; 1 something does; 2 wrong usage, or something cannot be asked.
    """
    mask = Mask.of(environment_secrets())
    try:
        with Console(stderr=True).status("Asking") as status:
            lines = check.run(
                stack,
                cwd,
                lambda what: status.update(f"Asking: {what}"),
                registrar=registrar,
                report=report,
                least=min_accuracy,
            )
        if json_file:
            json_file.write_text(rendering.document(stack, lines) + "\n", encoding="utf-8")
    except (ArmError, PreviewError) as error:
        typer.echo(f"error: {mask.text(str(error))}", err=True)
        raise typer.Exit(UNANSWERED) from None
    except OSError as error:
        typer.echo(f"error: cannot write {json_file}: {error.strerror}", err=True)
        raise typer.Exit(UNANSWERED) from None
    rendering.show(Console(), stack, lines)
    found = {one.answer.status for one in lines}
    if Status.REFUSED in found:
        raise typer.Exit(REFUSED)
    if Status.UNANSWERED in found:
        raise typer.Exit(UNANSWERED)
