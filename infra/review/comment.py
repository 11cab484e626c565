"""One comment a project and stack on a pull request: made once, changed from then on."""

from __future__ import annotations

import os
import re

from infra.github.client import Access, GitHub, GitHubError
from infra.github.keep_one import Done, comments, keep, marker
from infra.review.errors import ReviewError

PURPOSE = "infra-review"

_SAID = {Done.MADE: "Created", Done.CHANGED: "Updated", Done.LEFT: "Left unchanged"}


def post(
    project: str, stack: str, text: str, repository: str = "", number: int | None = None
) -> str:
    """Create or update the stack's comment, return a line that says which and where.

    Args:
        project: The Pulumi project's name.
        stack: The stack's name; each has a comment of its own.
        text: The report.
        repository: `OWNER/NAME`; by default GITHUB_REPOSITORY.
        number: The pull request's number; by default that of the running workflow.

    Raises:
        ReviewError: It could not be posted.
    """
    number = number or _number()
    try:
        with GitHub(Access.from_environment(repository)) as github:
            first = marker(PURPOSE, project, stack)
            done, comment = keep(github, comments(number), first, text)
    except GitHubError as error:
        raise ReviewError(f"the comment was not posted: {error}") from error
    where = str(comment.get("html_url") or "")
    return f"{_SAID[done]} the comment on pull request {number}: {where}".rstrip(": ")


def _number() -> int:
    """The pull request that a workflow runs for."""
    match = re.fullmatch(r"refs/pull/(\d+)/(?:merge|head)", os.environ.get("GITHUB_REF", ""))
    if not match:
        raise ReviewError(
            "the pull request is not known: GITHUB_REF names none; name it with --pull-request"
        )
    return int(match[1])
