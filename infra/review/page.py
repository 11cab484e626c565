"""The report as a page for people: the models as matrices, and what changes where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra.review.report import Report
from infra.review.sections import WORST_CELLS, by_rule
from infra.review.verdict import verdict
from pages import page

TEMPLATE = Path(__file__).with_name("page.html.jinja")


def html(report: Report, moved: Sequence[str] = ()) -> str:
    """The whole report in one file; nothing is left out for length.

    Args:
        report: The review; it is masked already.
        moved: What is not as an earlier review said, a line each.
    """
    content = {
        "report": report,
        "moved": moved,
        "verdict": verdict(report).splitlines(),
        "heading": _heading(report),
        "rules": by_rule(report.findings),
        "open_rules": by_rule(report.undecided),
        "worst_cells": WORST_CELLS,
    }
    return page.render(TEMPLATE, content)


def _heading(report: Report) -> str:
    if report.offline:
        return "The program against the policies"
    if report.failed:
        return "The preview failed"
    if not report.changes:
        if report.outputs:
            return "Only stack outputs change"
        return "Nothing changes in Azure" if report.causes else "Nothing changes"
    words = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
    return ", ".join(f"{count} {words[op]}" for op, count in report.counts.items())
