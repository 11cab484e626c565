"""The report as JSON, whole: nothing is left out for length, and nothing hidden appears."""

from __future__ import annotations

import json

from infra.disclosure.plain import plain
from infra.review.report import Report
from infra.review.verdict import verdict


def document(report: Report) -> str:
    """The report as JSON text with sorted keys: the same report gives the same bytes."""
    content = {
        "verdict": verdict(report),
        "endpoint": report.endpoint.name.lower(),
        "counts": {str(op): count for op, count in report.counts.items()},
        **plain(report),
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"
