"""One issue a stack: opened with the first drift, updated with each other, closed when in sync."""

from __future__ import annotations

import hashlib
from typing import Any

from infra.drift import rendering
from infra.drift.errors import DriftError
from infra.drift.report import BROKE, IN_SYNC, Report
from infra.github.client import Access, GitHub, GitHubError
from infra.github.keep_one import OPEN_ISSUES, Done, find, keep

_SAID = {
    Done.MADE: "Opened an issue",
    Done.CHANGED: "Updated the issue",
    Done.LEFT: "Left the issue unchanged",
}


def post(report: Report, repository: str = "") -> str:
    """Open, update or close the stack's issue; return a line that says which and where.

    A check that broke knows nothing about drift: it leaves the issue as it is.

    Args:
        report: The result of the check.
        repository: `OWNER/NAME`; by default GITHUB_REPOSITORY.

    Raises:
        DriftError: GitHub could not be told.
    """
    if report.code == BROKE:
        return "Left the issue as it is: the check broke"
    try:
        with GitHub(Access.from_environment(repository)) as github:
            done, issue = settle(github, report)
    except GitHubError as error:
        raise DriftError(f"the issue was not written: {error}") from error
    return f"{done}: {issue['html_url']}" if issue else done


def settle(github: GitHub, report: Report) -> tuple[str, dict[str, Any] | None]:
    """(what was done, the issue): make the stack's issue say what the report says.

    Raises:
        GitHubError: GitHub refused, or failed too often.
    """
    first = marker(report.stack)
    if report.code == IN_SYNC:
        return _close(github, find(github, OPEN_ISSUES, first))
    title = f"Drift of the stack {report.stack}: {report.verdict.rstrip('.')}"
    done, issue = keep(github, OPEN_ISSUES, first, rendering.markdown(report), title=title)
    return _SAID[done], issue


def marker(stack: str) -> str:
    """The hidden first line; the name is hashed, for it could end the HTML comment."""
    return f"<!-- infra-drift {hashlib.sha256(stack.encode()).hexdigest()[:16]} -->"


def _close(github: GitHub, found: dict[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    if found is None:
        return "No issue is open, and none is needed", None
    path = f"issues/{found['number']}"
    github.call("POST", f"{path}/comments", {"body": "In sync again."})
    closed = github.call("PATCH", path, {"state": "closed", "state_reason": "completed"})
    return "Closed the issue", closed
