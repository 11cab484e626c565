"""The report as JSON, whole: nothing is left out for length, and nothing hidden appears."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

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


def plain(value: Any) -> Any:
    """Dataclasses, mappings and enumerations as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, enum.IntEnum):
        return value.name.lower()
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value
