"""The first two lines: what was changed, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.disclosure.markdown import code
from infra.preview.plan import Op
from infra.review.azure import Endpoint
from infra.review.causes import GROUP
from infra.review.judgement import Finding
from infra.review.report import Report

_LONGEST = 300
"""Characters of an error in the first line; the whole of it is below."""

_WORDS = {
    Op.DELETE: "deleted",
    Op.REPLACE: "replaced",
    Op.UPDATE: "changed in place",
    Op.CREATE: "created",
}
_ENDPOINT = {
    Endpoint.UNTOUCHED: "The endpoint is not touched.",
    Endpoint.STARTS: "The endpoint starts; until then there is none.",
    Endpoint.ROLLS: "Rolling, no downtime: {why}.",
    Endpoint.GAPS: "Rolling, but requests may fail meanwhile: {why}.",
    Endpoint.MOVES: (
        "The endpoint moves: callers need the new URL, and what answers at the old one ends."
    ),
    Endpoint.RESTARTS: "The endpoint restarts: no caller gets an answer for some seconds.",
    Endpoint.INTERRUPTED: (
        "The endpoint is interrupted: its container group is replaced, and no caller gets an "
        "answer until the new one is ready, some minutes."
    ),
    Endpoint.REMOVED: "The endpoint goes away for all callers.",
}


def verdict(report: Report) -> str:
    """What happens in two lines of Markdown, the cause above what follows; one if nothing does."""
    second = " ".join(_consequences(report))
    return "\n".join(line for line in (_first(report), second) if line)


def _first(report: Report) -> str:
    said: list[str] = []
    if report.obstacles:
        first = report.obstacles[0]
        named = f" `{first.name}`:" if first.name else ""
        more = len(report.obstacles) - 1
        said.append(
            f"**This update cannot {'start' if first.first else 'finish'}**: "
            f"{code(first.resource)}:{named} {first.why}" + (f", and {more} more." if more else ".")
        )
    if report.failed and report.obstacles:
        said.append("The preview stopped there: what follows is incomplete.")
    elif report.failed:
        told = next(iter(report.errors), "")
        if len(told) > _LONGEST:
            # An exception is named at the end of its traceback.
            told = f"{told[: _LONGEST - 100]} ... {told[-100:]}"
        reason = f": {code(told)}." if told else "."
        said.append(f"**The preview failed**{reason} What follows is incomplete.")
    if report.offline:
        said.append(
            "Only what the program declares was held against the policies, without an identity: "
            "what would change is not known."
        )
    elif report.causes:
        text = "; ".join(report.causes)
        said.append(re.sub(r"^\**\w", lambda match: match[0].upper(), text) + ".")
    elif not report.failed and not report.changes:
        said.append("Nothing changes." if not report.outputs else "Only stack outputs change.")
    elif report.changes:
        said.append("What was changed is not shown.")
    return " ".join(said)


def _consequences(report: Report) -> Iterator[str]:
    if report.changes:
        yield ", ".join(f"{count} {_WORDS[op]}" for op, count in report.counts.items()) + "."
        yield _endpoint(report)
    lost = [f"{code(one.name)} with {one.lost}" for one in report.changes if one.lost]
    if lost:
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        yield f"**Destroyed for good: {', '.join(lost[:3])}{more}.**"
    yield from _counted(report.mandatory, "mandatory policy violation")
    yield from _counted(
        report.open_questions, "mandatory rule not decided", "mandatory rules not decided"
    )


def _endpoint(report: Report) -> str:
    """What callers notice, and on Kubernetes why."""
    worst = report.endpoint
    told = [
        one.notes[0]
        for one in report.changes
        if one.endpoint is worst and one.notes and one.type != GROUP
    ]
    why = "; ".join(dict.fromkeys(told))
    if why and worst is Endpoint.INTERRUPTED:
        return f"The endpoint is interrupted: {why}."
    return _ENDPOINT[worst].format(why=why)


def _counted(findings: tuple[Finding, ...], one: str, many: str = "") -> Iterator[str]:
    if findings:
        rules = sorted({each.rule for each in findings})
        shown = ", ".join(map(code, rules[:3])) + (" and more" if len(rules) > 3 else "")
        count = len(findings)
        yield f"**{count} {one if count == 1 else many or one + 's'}**: {shown}."
