"""One text of ours in one place: found by its hidden marker, made once, changed from then on.

Anybody can post a marker. So only what the token's own user wrote is ours: what others wrote is
neither changed nor counted.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.github.client import GitHub, GoneError, ServerError

TRIES = 3
"""How often the place is looked through again where it is not known what happened."""


@dataclass(frozen=True)
class Place:
    """Where texts are.

    Attributes:
        listed: The path that lists them, the oldest first.
        made: The path that a new one is posted to.
        changed: The path of one, with a field of what is listed in braces.
    """

    listed: str
    made: str
    changed: str


def comments(number: int) -> Place:
    """The comments on an issue or a pull request."""
    path = f"issues/{number}/comments"
    return Place(path, path, "issues/comments/{id}")


OPEN_ISSUES = Place("issues?state=open&sort=created&direction=asc", "issues", "issues/{number}")
"""The repository's open issues; pull requests are listed among them, and are none."""


class Done(enum.StrEnum):
    """What was done."""

    MADE = "made"
    CHANGED = "changed"
    LEFT = "left"


def marker(purpose: str, project: str, stack: str) -> str:
    """The hidden first line: one a purpose, a project and a stack.

    Args:
        purpose: What the text is, in letters and hyphens, such as `infra-review`.
        project: The Pulumi project's name.
        stack: The stack's name. Both are hashed, for they could end the HTML comment.
    """
    whole = f"{project}\0{stack}".encode()
    return f"<!-- {purpose} {hashlib.sha256(whole).hexdigest()[:16]} -->"


def find(github: GitHub, place: Place, first: str) -> dict[str, Any] | None:
    """The oldest text that begins with the marker and is the token's own, or None.

    Raises:
        GitHubError: GitHub refused, or failed too often.
    """
    for one in github.pages(place.listed):
        # Who asks is asked only where it matters: most pages have no marker on them.
        if (
            "pull_request" not in one
            and str(one.get("body")).startswith(first)
            and _author(one) == github.login().lower()
        ):
            return one
    return None


def keep(
    github: GitHub, place: Place, first: str, text: str, **more: str
) -> tuple[Done, dict[str, Any]]:
    """Make the one text say this; return what was done, and the text as GitHub has it.

    Args:
        github: The client.
        place: Where it is.
        first: Its marker.
        text: What it says below the marker.
        more: Other fields, such as an issue's title.

    Raises:
        GitHubError: GitHub refused, or failed too often.
    """
    wanted = {**more, "body": f"{first}\n{text}"}
    attempt = 0
    while True:
        attempt += 1
        found = find(github, place, first)
        try:
            if found is None:
                return Done.MADE, github.call("POST", place.made, wanted)
            if all(found.get(name) == each for name, each in wanted.items()):
                return Done.LEFT, found
            return Done.CHANGED, github.call("PATCH", place.changed.format_map(found), wanted)
        except ServerError:
            # It may have been done all the same: look again before another is made.
            if attempt == TRIES:
                raise
        except GoneError:
            # Somebody deleted it between the look and the change: make it anew.
            if attempt == TRIES or found is None:
                raise


def _author(one: Mapping[str, Any]) -> str:
    user = one.get("user")
    return str(user.get("login") or "").lower() if isinstance(user, Mapping) else ""
