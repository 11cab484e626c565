"""The report as Markdown that fits into one comment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from infra.disclosure.markdown import code, size
from infra.preview.plan import Op
from infra.review import sections
from infra.review.report import Report
from infra.review.resource_change import ResourceChange
from infra.review.verdict import verdict

LIMIT = 65_536
"""Characters of a comment on a pull request."""

_MARGIN = 1_500
"""Kept free for the marker that finds the comment again and for what was left out."""

_HIDDEN = (
    "Values appear if they are on the allow-list; others show as `[hidden]`, Pulumi's secrets as "
    "`[secret]`, and may have changed all the same."
)


def markdown(report: Report, limit: int = LIMIT, moved: Sequence[str] = ()) -> str:
    """The report, most important first, at most `limit` characters (and bytes) long.

    The verdict and what is deleted or replaced are never left out, only said more briefly; tables
    are left out a resource at a time, with a count.
    """
    # Two spaces end a line without ending the paragraph.
    told = "  \n".join(verdict(report).splitlines())
    text = f"## Infrastructure preview of {code(report.stack)}\n\n{told}\n"
    room = limit - _MARGIN - size(text)
    head = ""
    for lengths, share in (
        (sections.moved(moved), 0.2),
        (sections.problems(report) if report.failed else (), 0.15),
        (sections.obstacles(report), 0.2),
        (sections.destructive(report), 0.6),
        (sections.models(report), 0.15),
        (sections.policies(report), 0.2),
        (() if report.failed else sections.problems(report), 0.1),
    ):
        head += _fitting(lengths, min(int(limit * share), room - size(head)))
    run = f"\n[The run that made this review]({report.run_url})\n" if report.run_url else ""
    return f"{text}{head}{_tables(report, room - size(head))}\n{_HIDDEN}\n{run}"


def _tables(report: Report, room: int) -> str:
    text = ""
    for lengths in (
        sections.outputs(report),
        sections.unsettled(report),
        sections.unchanged(report),
    ):
        text += _fitting(lengths, min(room // 4, room - size(text)))
    shown = _fitting(sections.shared(report), (room - size(text)) // 2)
    told = sections.told_once(report) if shown else frozenset()
    own = (sections.own_rows(one, told) for one in report.changes if one.op is not Op.DELETE)
    # What is new is last among the changes: tables of what exists come first.
    wanted = [one for one in own if one.rows]
    if wanted:
        shown += "\n### Properties\n"
    for index, change in enumerate(wanted):
        block = _fitting(sections.resource(change), room - size(text) - size(shown))
        if not block:
            shown += f"\n{_left_out(wanted[index:])}\n"
            break
        shown += block
    return shown + text


def _left_out(changes: list[ResourceChange]) -> str:
    counted = Counter(one.op for one in changes)
    counts = ", ".join(f"{counted[op]} {op}" for op in Op if counted[op])
    return f"**Left out to fit: the properties of {len(changes)} resources ({counts}).**"


def _fitting(lengths: Iterable[str], room: int) -> str:
    """The longest version that fits, or nothing."""
    for text in lengths:
        if size(text) + 2 <= room:
            return f"\n{text}\n"
    return ""
