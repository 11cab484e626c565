"""The command: `python -m infra.review --stack STACK`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.disclosure.mask import Mask, environment_secrets
from infra.github import workflow
from infra.policy import limits as policy_limits
from infra.preview import command, engine
from infra.preview.command import Preview
from infra.preview.errors import PreviewError
from infra.preview.secret_lists import Opened
from infra.review import manifests, rendering, report
from infra.review.document import document
from infra.review.errors import ReviewError
from infra.review.report import Report
from infra.review.verdict import verdict

DIFFERENT = 7
"""Exit code of `--expect-no-changes` where something changes, as `infra.drift` answers."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def review(
    stack: Annotated[str, typer.Option(help="The stack to preview.")],
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as Markdown.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON.")
    ] = None,
    post: Annotated[
        bool,
        typer.Option("--post", help="Create or update the stack's comment on the pull request."),
    ] = False,
    repository: Annotated[
        str,
        typer.Option(
            envvar="GITHUB_REPOSITORY", metavar="OWNER/NAME", help="With --post: where to comment."
        ),
    ] = "",
    pull_request: Annotated[
        int | None,
        typer.Option(min=1, help="With --post: its number; in a workflow it is known."),
    ] = None,
    manifest_folder: Annotated[
        Path,
        typer.Option("--manifests", metavar="DIR", help="Where the models' manifests are."),
    ] = Path("model_eval/models"),
    limits: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML with the policy's limits instead of its own."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Review this output of `pulumi preview --json`."),
    ] = None,
    cwd: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder of the Pulumi project.")
    ] = Path(),
    expect_no_changes: Annotated[
        bool, typer.Option("--expect-no-changes", help=f"Exit with {DIFFERENT} on any change.")
    ] = False,
) -> None:
    """Preview a stack and say what a reviewer should know, in Markdown.

    Exit codes: 0 the review was made; 1 a mandatory policy is violated, or the preview or the
    review failed; 2 wrong usage; 7 something changes although --expect-no-changes was given.
    """
    try:
        made = _review(stack, plan, cwd, manifest_folder, limits)
        text = rendering.markdown(made)
        _write(markdown, text)
        _write(json_file, document(made))
        workflow.summarize(text)
        if markdown is None and json_file is None:
            typer.echo(text)
        else:
            typer.echo(verdict(made))
        if post:
            from infra.review.comment import post as post_comment

            typer.echo(post_comment(engine.project(cwd), stack, text, repository, pull_request))
    except (
        PreviewError,
        ReviewError,
        engine.EngineError,
        policy_limits.LimitsError,
    ) as error:
        typer.echo(f"error: {Mask.of(environment_secrets()).text(str(error))}", err=True)
        raise typer.Exit(1) from None
    _end(made, expect_no_changes)


def _review(stack: str, plan: Path | None, cwd: Path, folder: Path, limits: Path | None) -> Report:
    bounds = policy_limits.load(limits) if limits else policy_limits.Limits()
    found = manifests.find(folder)
    if plan:
        try:
            told = Preview(plan.read_text(encoding="utf-8"), Opened())
        except (OSError, UnicodeDecodeError) as error:
            raise ReviewError(f"cannot read the plan {plan}: {error}") from error
    else:
        told = command.run(stack, cwd, refresh=True)
    mask = Mask.of(told.opened.secrets | environment_secrets())
    return report.build(stack, told.plan(), found, bounds, mask)


def _write(path: Path | None, text: str) -> None:
    if path:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ReviewError(f"cannot write {path}: {error.strerror}") from error


def _end(made: Report, expect_no_changes: bool) -> None:
    """The last line says why the code is not 0."""
    if made.failed:
        typer.echo("error: the preview failed; the report shows its errors", err=True)
        raise typer.Exit(1)
    if made.mandatory:
        rules = ", ".join(sorted({one.rule for one in made.mandatory}))
        typer.echo(f"error: mandatory policies are violated: {rules}", err=True)
        raise typer.Exit(1)
    if expect_no_changes and (made.changes or made.outputs):
        typer.echo("error: changes were found and none were expected", err=True)
        raise typer.Exit(DIFFERENT)
