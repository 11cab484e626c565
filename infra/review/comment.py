"""One comment a stack on a pull request: created once, updated from then on."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any

from infra.github.client import Access, GitHub, GitHubError, ServerError
from infra.review.errors import ReviewError

TRIES = 3


def post(stack: str, text: str, repository: str = "", number: int | None = None) -> str:
    """Create or update the stack's comment, return a line that says which and where.

    Args:
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
            done, comment = upsert(github, number, stack, text)
    except GitHubError as error:
        raise ReviewError(f"the comment was not posted: {error}") from error
    return f"{done} the comment on pull request {number}: {comment.get('html_url', '')}".rstrip()


def upsert(github: GitHub, number: int, stack: str, text: str) -> tuple[str, dict[str, Any]]:
    """Find the comment by its marker through all pages; update it, or create it.

    Raises:
        GitHubError: GitHub refused, or failed too often.
    """
    body = {"body": f"{marker(stack)}\n{text}"}
    for attempt in range(1, TRIES + 1):
        found = _find(github, number, marker(stack))
        if found:
            if found.get("body") == body["body"]:
                return "Left unchanged", found
            return "Updated", github.call("PATCH", f"issues/comments/{found['id']}", body)
        try:
            return "Created", github.call("POST", f"issues/{number}/comments", body)
        except ServerError:
            # It may have been created all the same: look again before another is made.
            if attempt == TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def marker(stack: str) -> str:
    """The hidden first line; the name is hashed, for it could end the HTML comment."""
    return f"<!-- infra-review {hashlib.sha256(stack.encode()).hexdigest()[:16]} -->"


def _find(github: GitHub, number: int, first: str) -> dict[str, Any] | None:
    comments = github.pages(f"issues/{number}/comments")
    return next((one for one in comments if str(one.get("body", "")).startswith(first)), None)


def _number() -> int:
    """The pull request that a workflow runs for."""
    match = re.fullmatch(r"refs/pull/(\d+)/(?:merge|head)", os.environ.get("GITHUB_REF", ""))
    if not match:
        raise ReviewError(
            "the pull request is not known: GITHUB_REF names none; name it with --pull-request"
        )
    return int(match[1])
