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
from infra.preview.engine import PreviewError
from infra.preview.plan import Plan
from infra.preview.secret_lists import Opened
from infra.review import expectation, machine_formats, manifests, offline, rendering, report
from infra.review.digest import key_of
from infra.review.errors import ReviewError
from infra.review.report import Report
from infra.review.verdict import verdict

DIFFERENT = 7
"""Exit code of `--expect-no-changes` where something changes, as `infra.drift` answers."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def review(
    stack: Annotated[str, typer.Option(metavar="NAME", help="The stack to preview.")],
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
        typer.Option(
            min=1, metavar="N", help="With --post: its number; in a workflow it is known."
        ),
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
    expect: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Exit with {DIFFERENT} unless all is as in this review that --json wrote.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="A mandatory policy that is not decided is violated.")
    ] = False,
    allow_open: Annotated[
        bool, typer.Option("--allow-open", help="The endpoint may lose its key.")
    ] = False,
    without_identity: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="Hold only what the program declares against the policies: no engine, no login.",
        ),
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the policies as JUnit XML.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the policies as SARIF.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page for people: one file, nothing is fetched."),
    ] = None,
) -> None:
    """Preview a stack and say what a reviewer should know, in Markdown.

    Exit codes: 0 the review was made; 1 a mandatory policy is violated, the update cannot finish,
    or the preview or the review failed; 2 wrong usage; 7 something is not as --expect says, or
    changes although --expect-no-changes was given.
    """
    try:
        expected = expectation.read(expect) if expect else None
        bounds = policy_limits.load(limits) if limits else policy_limits.Limits()
        told, opened = _plan(stack, plan, cwd, without_identity=without_identity)
        mask = Mask.of(opened.secrets | environment_secrets())
        if said := told.refused_login:
            raise ReviewError(
                f"Azure refused the login: {mask.text(said)}; sign in again (az login), or set"
                " ARM_CLIENT_ID, ARM_TENANT_ID and what the login needs"
            )
        found = manifests.find(manifest_folder)
        made = report.build(
            stack,
            told,
            found,
            bounds,
            mask,
            strict=strict,
            allow_open=allow_open,
            offline=without_identity,
            run_url=workflow.run_url(),
            key=key_of(opened.secrets),
        )
        moved = expectation.moved(expected, made) if expected is not None else []
        text = rendering.markdown(made, moved=moved)
        _write(markdown, text)
        _write(json_file, machine_formats.document(made))
        _write(junit, machine_formats.junit(made))
        _write(sarif, machine_formats.sarif(made))
        if html:
            from infra.review import page

            _write(html, page.html(made, moved))
        workflow.summarize(text)
        _annotate(made, moved)
        if markdown is None and json_file is None and html is None:
            typer.echo(text)
        else:
            typer.echo(verdict(made))
        if post:
            from infra.review.comment import post as post_comment

            typer.echo(post_comment(engine.project(cwd), stack, text, repository, pull_request))
    except (PreviewError, ReviewError, policy_limits.LimitsError) as error:
        typer.echo(f"error: {Mask.of(environment_secrets()).text(str(error))}", err=True)
        raise typer.Exit(1) from None
    _end(made, moved, expect_no_changes)


def _plan(
    stack: str, file: Path | None, cwd: Path, *, without_identity: bool
) -> tuple[Plan, Opened]:
    """The plan, and the secrets that it must not show."""
    if without_identity:
        return offline.plan(stack, cwd), Opened()
    if file is None:
        told = command.run(stack, cwd, refresh=True)
        return told.plan(), told.opened
    try:
        told = Preview(file.read_text(encoding="utf-8"), Opened())
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"cannot read the plan {file}: {error}") from error
    try:
        return told.plan(), told.opened
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ReviewError(
            f"the plan {file} is not what `pulumi preview --json` writes:"
            f" {type(error).__name__}: {error}"
        ) from error


def _write(path: Path | None, text: str) -> None:
    if path:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ReviewError(f"cannot write {path}: {error.strerror}") from error


def _annotate(made: Report, moved: list[str]) -> None:
    """What stops the change, on the first page of a workflow's run."""
    for one in made.obstacles:
        workflow.annotate("error", "This update cannot finish", f"{one.resource}: {one.why}")
    for one in made.mandatory:
        workflow.annotate("error", one.rule, f"{one.resource}: {one.message}")
    for one in made.open_questions:
        level = "error" if made.strict else "warning"
        workflow.annotate(level, f"{one.rule} is not decided", f"{one.resource}: {one.message}")
    for line in moved:
        workflow.annotate("error", "Not as it was reviewed", line)
    workflow.annotate("notice", f"Review of {made.stack}", verdict(made))


def _end(made: Report, moved: list[str], expect_no_changes: bool) -> None:
    """The last line says why the code is not 0."""
    if made.refusal:
        typer.echo(f"error: {made.refusal}", err=True)
        raise typer.Exit(1)
    if moved:
        for line in moved:
            typer.echo(f"moved: {line}", err=True)
        typer.echo(
            "error: the world moved since the review; nothing was touched; review it anew", err=True
        )
        raise typer.Exit(DIFFERENT)
    if expect_no_changes and (made.changes or made.outputs):
        typer.echo("error: changes were found and none were expected", err=True)
        raise typer.Exit(DIFFERENT)
