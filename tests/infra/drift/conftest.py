"""Plans, findings and reports made to order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.drift import rendering
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.report import Report
from tests.support.github_markdown import read_every

# Every report that a test makes is read as GitHub would.
rendering.markdown = read_every(rendering.markdown)


def a_finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "question": Question.CLOUD,
        "resource": "registry",
        "type": "azure-native:containerregistry:Registry",
        "path": "adminUserEnabled",
        "label": "",
        "declared": "false",
        "actual": "true",
        "kind": Kind.CHANGED,
        "severity": Severity.CRITICAL,
        "reason": "breaks the policy no-admin-account",
    }
    return Finding(**{**values, **changes})


def a_report(*findings: Finding, **more: Any) -> Report:
    return Report("dev", findings, **more)


@pytest.fixture
def finding() -> Callable[..., Finding]:
    return a_finding


@pytest.fixture
def report() -> Callable[..., Report]:
    return a_report
