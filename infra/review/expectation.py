"""Whether an update still is what was reviewed.

A saved plan (`pulumi up --plan`) would be the engine's own answer. Tried with Pulumi 3.259.0, it
looks at each resource only when its turn comes, so it stops half-way where something moved, and it
calls a replacement that turned out not to be needed a violation: a tag on the registry is enough.
So the deployment reviews once more, right before it, and compares: nothing is touched before that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pydantic

from infra.disclosure.markdown import code
from infra.disclosure.plain import plain
from infra.review.errors import ReviewError
from infra.review.report import Report


class _Row(pydantic.BaseModel):
    path: str
    label: str
    before: str
    after: str


class _Change(pydantic.BaseModel):
    name: str
    type: str
    op: str
    digest: str
    rows: list[_Row]


class Review(pydantic.BaseModel):
    """What of a review's document is compared."""

    stack: str
    changes: list[_Change]
    outputs: list[_Row]


def read(path: Path) -> Review:
    """A report that `--json` wrote.

    Raises:
        ReviewError: It cannot be read, or is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReviewError(f"cannot read the expected review {path}: {error}") from error
    try:
        return Review.model_validate(content)
    except pydantic.ValidationError as error:
        raise ReviewError(f"{path} is no review; allowed: a file that `--json` wrote") from error


def moved(expected: Review, report: Report) -> list[str]:
    """What is not as it was reviewed, a line of Markdown each; empty if all is.

    Args:
        expected: The review that was agreed to.
        report: The review of now.
    """
    now = Review.model_validate(plain(report))
    if expected.stack != now.stack:
        return [f"the stack: {code(expected.stack)} was reviewed"]
    said: list[str] = []
    before, after = (
        {f"{one.type} {one.name}": one for one in each.changes} for each in (expected, now)
    )
    for name in sorted({*before, *after}):
        said += _resource(name, before.get(name), after.get(name))
    said += [f"output {told}" for told in _rows(expected.outputs, now.outputs)]
    return said


def _rows(before: Sequence[_Row], after: Sequence[_Row]) -> list[str]:
    """Each row that is another one, with both."""
    was, will_be = (
        {f"{row.path} {row.label}".strip(): row for row in each} for each in (before, after)
    )
    return [
        f"{code(path)}: {_told(was.get(path))} was reviewed, now {_told(will_be.get(path))}"
        for path in sorted({*was, *will_be})
        if was.get(path) != will_be.get(path)
    ]


def _told(row: _Row | None) -> str:
    return f"{code(row.before)} -> {code(row.after)}" if row else "no change"


def _resource(name: str, before: _Change | None, after: _Change | None) -> Iterator[str]:
    if before is None:
        yield f"{code(name)}: **{after and after.op}** was not reviewed"
    elif after is None:
        yield f"{code(name)}: **{before.op}** was reviewed, now nothing is"
    elif before.op != after.op:
        yield f"{code(name)}: **{before.op}** was reviewed, now **{after.op}**"
    elif rows := _rows(before.rows, after.rows):
        yield from (f"{code(name)} {told}" for told in rows)
    elif before.digest != after.digest:
        yield f"{code(name)}: a value that is not shown, or a secret of the stack, is another one"
