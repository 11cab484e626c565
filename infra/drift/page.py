"""The report as a page for people: findings by severity, each with its history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.drift import history
from infra.drift.finding import Finding, Severity
from infra.drift.history import Check, Key
from infra.drift.report import BROKE, Report
from pages import page

TEMPLATE = Path(__file__).with_name("page.html.jinja")
SHOWN = 30
"""Checks in the strip beside a finding."""

LISTED = 14
"""Checks that are listed with their verdicts."""


@dataclass(frozen=True)
class Past:
    """The history of one finding.

    Attributes:
        marks: A word a check, the oldest first: `seen`, `absent`, or `broke`.
        since: The day since when it is there without a break, or empty where it is new.
        seen: In how many of the checks shown it is there.
    """

    marks: tuple[str, ...]
    since: str
    seen: int


def html(report: Report, checks: Sequence[Check]) -> str:
    """The whole report in one file; nothing is left out for length.

    Args:
        report: What was found; it is masked already.
        checks: Of this and other stacks, this one last.
    """
    own = [one for one in checks if one.stack == report.stack]
    here = frozenset(map(history.key, report.findings))
    before = next((one for one in reversed(own[:-1]) if one.code != BROKE), None)
    # A check that broke did not look everywhere: what it did not find may still be there.
    gone = sorted(before.found - here) if before and not report.broken else []
    content = {
        "report": report,
        "groups": [(level.name.lower(), found) for level, found in _by_severity(report, own)],
        "checks": own[-SHOWN:],
        "listed": LISTED,
        "gone": gone,
        "before": before,
        "together": [one for one in report.repair if one.command and not one.chosen],
        "choices": [one for one in report.repair if not one.command or one.chosen],
    }
    return page.render(TEMPLATE, content)


def _by_severity(
    report: Report, checks: Sequence[Check]
) -> Iterator[tuple[Severity, list[tuple[Finding, Past]]]]:
    for level in sorted(Severity, reverse=True):
        found = [(one, _past(one, checks)) for one in report.findings if one.severity is level]
        if found:
            yield level, found


def _past(finding: Finding, checks: Sequence[Check]) -> Past:
    wanted: Key = history.key(finding)
    marks = ["broke" if one.code == BROKE and wanted not in one.found
             else "seen" if wanted in one.found else "absent" for one in checks]  # fmt: skip
    since = ""
    for check, mark in zip(reversed(checks), reversed(marks), strict=True):
        if mark == "absent":
            break
        if mark == "seen":
            since = f"{check.at:%Y-%m-%d}"
    new = marks.count("seen") == 1 and marks[-1] == "seen"
    shown = tuple(marks[-SHOWN:])
    return Past(shown, "" if new else since, shown.count("seen"))
