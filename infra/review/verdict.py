"""The one line that says whether to worry."""

from __future__ import annotations

from infra.preview.plan import Op
from infra.review.azure import Endpoint
from infra.review.report import Report

_WORDS = {
    Op.DELETE: "deleted",
    Op.REPLACE: "replaced",
    Op.UPDATE: "in place",
    Op.CREATE: "created",
}
_ENDPOINT = {
    Endpoint.UNTOUCHED: "The endpoint is not touched.",
    Endpoint.STARTS: "The endpoint is new.",
    Endpoint.RESTARTS: "The endpoint restarts and answers nothing meanwhile.",
    Endpoint.INTERRUPTED: "The endpoint is interrupted: its container group is replaced.",
    Endpoint.REMOVED: "The endpoint goes away.",
}


def verdict(report: Report) -> str:
    """What happens, in one line of fixed words and numbers."""
    said: list[str] = []
    if report.failed:
        said.append("The preview failed: what follows is incomplete.")
    elif not report.changes:
        said.append("Nothing changes." if not report.outputs else "Only stack outputs change.")
    if report.changes:
        counts = ", ".join(f"{count} {_WORDS[op]}" for op, count in report.counts.items())
        said += [f"{counts}.", _ENDPOINT[report.endpoint]]
    count = len(report.mandatory)
    if count:
        said.append(f"{count} mandatory policy violation{'s' if count > 1 else ''}.")
    return " ".join(said)
