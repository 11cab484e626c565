"""Whether an update still is what was reviewed.

A saved plan (`pulumi up --plan`) would be the engine's own answer. Tried with Pulumi 3.259.0, it
looks at each resource only when its turn comes, so it stops half-way where something moved, and it
calls a replacement that turned out not to be needed a violation: a tag on the registry is enough.
So the deployment reviews once more, right before it, and compares: nothing is touched before that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pydantic

from infra.disclosure.markdown import code
from infra.review.document import plain
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


class _Review(pydantic.BaseModel):
    stack: str
    changes: list[_Change]
    outputs: list[_Row]


def read(path: Path) -> Mapping[str, Any]:
    """A report that `--json` wrote.

    Raises:
        ReviewError: It cannot be read, or is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReviewError(f"cannot read the expected review {path}: {error}") from error
    try:
        _Review.model_validate(content)
    except pydantic.ValidationError as error:
        raise ReviewError(f"{path} is no review; allowed: a file that `--json` wrote") from error
    return content


def moved(expected: Mapping[str, Any], report: Report) -> list[str]:
    """What is not as it was reviewed, a line of Markdown each; empty if all is.

    Args:
        expected: The document of the review that was agreed to.
        report: The review of now.
    """
    now: Mapping[str, Any] = plain(report)
    said: list[str] = []
    if expected.get("stack") != now["stack"]:
        return [f"the stack: {code(str(expected.get('stack')))} was reviewed"]
    before, after = (_by_name(each["changes"]) for each in (expected, now))
    for name in sorted({*before, *after}):
        said += _resource(name, before.get(name), after.get(name))
    was, will_be = (_rows(each.get("outputs") or []) for each in (expected, now))
    said += [
        f"output {code(path)}: {_told(was.get(path))} was reviewed, now {_told(will_be.get(path))}"
        for path in sorted({*was, *will_be})
        if was.get(path) != will_be.get(path)
    ]
    return said


def _by_name(changes: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {f"{one.get('type')} {one.get('name')}": one for one in changes}


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    return {
        f"{row.get('path')} {row.get('label')}".strip(): (
            str(row.get("before")),
            str(row.get("after")),
        )
        for row in rows
    }


def _told(row: tuple[str, str] | None) -> str:
    return f"{code(row[0])} -> {code(row[1])}" if row else "no change"


def _resource(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[str]:
    if before is None or after is None:
        one = before or after or {}
        when = "was reviewed, now nothing is" if after is None else "was not reviewed"
        yield f"{code(name)}: **{one.get('op')}** {when}"
        return
    if before.get("op") != after.get("op"):
        yield f"{code(name)}: **{before.get('op')}** was reviewed, now **{after.get('op')}**"
        return
    was, will_be = (_rows(each.get("rows") or []) for each in (before, after))
    differing = [path for path in sorted({*was, *will_be}) if was.get(path) != will_be.get(path)]
    for path in differing:
        yield (
            f"{code(name)} {code(path)}: {_told(was.get(path))} was reviewed, "
            f"now {_told(will_be.get(path))}"
        )
    if not differing and before.get("digest") != after.get("digest"):
        yield f"{code(name)}: a value that is not shown, or a secret of the stack, is another one"
