"""The report as Markdown, for a screen, a workflow's summary or an issue."""

from __future__ import annotations

from infra.disclosure.markdown import code, details, fence, size, table
from infra.drift.finding import Finding
from infra.drift.repair import Repair
from infra.drift.report import Report

LIMIT = 60_000
"""Bytes; GitHub takes 65,536 characters, and the marker of an issue has to fit in, too."""

MOST_COMMANDS, MOST_CHOICES, MOST_ENTRIES = 20, 40, 100
"""What a reader takes in; the rest is counted, and said where it is."""

_HEADER = ("severity", "resource", "property", "declared", "actual", "kind")


def markdown(report: Report) -> str:
    """The report; what does not fit is left out from the end of the table, with a count."""
    parts = [f"## Drift of {code(report.stack)}", f"**{report.headline}**"]
    if report.broken:
        parts.append("The check broke:\n\n" + fence(report.broken[:2000]))
    asked = "\n".join(f"- {question}: {how}" for question, how in report.asked.items())
    rest = [*_stale(report), *_repair(report), *_accepted(report), asked]
    room = LIMIT - size("\n\n".join([*parts, *rest]))
    parts += _findings(report, room)
    return "\n\n".join([*parts, *rest]) + "\n"


def _findings(report: Report, room: int) -> list[str]:
    rows = [_row(one) for one in report.findings]
    if not rows:
        return []
    taken: list[tuple[str, ...]] = []
    used = 500  # the header and the line that counts what is left out
    for row in rows:
        used += size(" | ".join(row)) + 5
        if used > room:
            break
        taken.append(row)
    left = len(rows) - len(taken)
    shown = [table(_HEADER, taken)] if taken else []
    return [*shown, *_left(left)]


def _left(count: int, option: str = "--json") -> list[str]:
    """That something is not shown, and where it is."""
    return [f"{count} more are left out here; `{option}` has all."] if count > 0 else []


def _row(one: Finding) -> tuple[str, ...]:
    name = f"[{code(one.resource)}]({one.link})" if one.link else code(one.resource)
    name += f"<br>{code(one.type)}" if one.type else ""
    place = code(one.path) if one.path else "(the resource)"
    place += f" of {code(one.label)}" if one.label else ""
    weight = one.severity.name.lower()
    weight = f"**{weight}**: {one.reason}" if one.reason else weight
    return weight, name, place, code(one.declared), code(one.actual), one.kind


def _stale(report: Report) -> list[str]:
    if not report.stale:
        return []
    rows = [(code(one.resource), code(one.path), one.why) for one in report.stale[:MOST_ENTRIES]]
    left = _left(len(report.stale) - len(rows))
    return ["Entries of the baseline to be removed or renewed:\n\n" + _of(rows, "why"), *left]


def _accepted(report: Report) -> list[str]:
    if not report.accepted:
        return []
    rows = [
        (code(one.finding.resource), code(one.finding.path), f"{code(one.reason)} to {one.expires}")
        for one in report.accepted[:MOST_ENTRIES]
    ]
    count = len(report.accepted)
    shown = "\n\n".join([_of(rows, "reason"), *_left(count - len(rows))])
    return [details(f"Accepted by the baseline: {count}", shown)]


def _of(rows: list[tuple[str, str, str]], last: str) -> str:
    return table(("resource", "property", last), rows)


def _repair(report: Report) -> list[str]:
    """One block of what harms nothing; what has to be chosen stands below it, each by itself."""
    parts: list[str] = []
    together = [one for one in report.repair if one.command and not one.chosen]
    if together:
        lines = [one.line for one in together[:MOST_COMMANDS]]
        parts.append("To repair:\n\n" + fence("\n".join(lines)))
        parts += _left(len(together) - len(lines), "--fix")
    choices = [one for one in report.repair if not one.command or one.chosen]
    if choices:
        parts.append("To choose from:\n\n" + "\n".join(map(_choice, choices[:MOST_CHOICES])))
        parts += _left(len(choices) - MOST_CHOICES, "--fix")
    return parts


def _choice(one: Repair) -> str:
    if not one.command:
        return f"- {code(one.why)}"
    word = one.harm.partition(" ")[0]
    return f"- **{word}** {code(one.line.removeprefix(f'# {word} '))}"
