"""The command: `python -m infra.drift --stack STACK`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.disclosure.mask import Mask, environment_secrets
from infra.drift import baseline as baselines
from infra.drift import check, history, rendering, repair, sample
from infra.drift.errors import DriftError
from infra.drift.report import BROKE, DRIFT, Report

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def drift(
    stack: Annotated[str, typer.Option(metavar="NAME", help="The stack to check.")],
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as Markdown.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON.")
    ] = None,
    issue: Annotated[
        bool, typer.Option("--issue", help="Open, update or close the stack's issue on GitHub.")
    ] = False,
    repository: Annotated[
        str,
        typer.Option(envvar="GITHUB_REPOSITORY", metavar="OWNER/NAME", help="With --issue: where."),
    ] = "",
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML with differences that are accepted.")
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Print only the commands that repair; nothing is run.")
    ] = False,
    sample_file: Annotated[
        Path | None,
        typer.Option("--sample", metavar="FILE", help="What the endpoint is asked, as JSON."),
    ] = None,
    cwd: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder of the Pulumi project.")
    ] = Path(),
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page for people: one file, nothing is fetched."),
    ] = None,
    history_file: Annotated[
        Path | None,
        typer.Option(
            "--history",
            metavar="FILE",
            help="Keep here what each check found, so that the page says since when.",
        ),
    ] = None,
) -> None:
    """Compare cloud, program and endpoint with the state. Nothing is changed.

    Exit codes: 0 in sync; 7 drift, or a stale entry of the baseline; 1 the check itself broke;
    2 wrong usage. Drift is 7 even where the issue could not be written; the last line says both.
    """
    console = Console(stderr=True)
    try:
        asked = sample.of_stack(stack, sample_file)
        entries = baselines.read(baseline) if baseline else ()
        past = history.read(history_file) if history_file else ()
        with console.status("Checking") as status:
            report = check.run(
                stack, cwd, asked, entries, say=lambda what: status.update(f"Asking: {what}")
            )
        _write(markdown, rendering.markdown(report))
        _write(json_file, report.json())
        checks = history.extended(past, report, datetime.datetime.now(datetime.UTC))
        if html:
            from infra.drift import page

            _write(html, page.html(report, checks))
        if history_file:
            history.write(history_file, checks)
        if fix:
            if not report.broken:
                typer.echo(repair.script(report.repair))
        elif markdown is None and json_file is None and html is None:
            typer.echo(rendering.markdown(report))
        else:
            typer.echo(report.headline)
    except DriftError as error:
        typer.echo(f"error: {_masked(error)}", err=True)
        raise typer.Exit(BROKE) from None
    _end(report, _post(report, repository, quiet=fix) if issue else "")


def _post(report: Report, repository: str, *, quiet: bool) -> str:
    """Why the issue was not written, or empty."""
    from infra.drift.issue import post

    try:
        typer.echo(post(report, repository), err=quiet)
    except DriftError as error:
        return _masked(error)
    return ""


def _masked(error: DriftError) -> str:
    return Mask.of(environment_secrets()).text(str(error))


def _write(path: Path | None, text: str) -> None:
    if path:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DriftError(f"cannot write {path}: {error.strerror}") from error


def _end(report: Report, unwritten: str) -> None:
    """The last line says why the code is not 0; that drift was found outweighs the issue."""
    code, more = report.code, f"; {unwritten}" if unwritten else ""
    if code == BROKE:
        typer.echo(f"error: the check broke: {report.broken}", err=True)
    elif code == DRIFT:
        typer.echo(f"drift: {report.verdict.rstrip('.')}{more or '.'}", err=True)
    elif unwritten:
        typer.echo(f"error: {report.verdict.rstrip('.')}{more}", err=True)
        code = BROKE
    if code:
        raise typer.Exit(code)
