"""The result of a check, ready to be shown: everything in it is masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.disclosure.plain import plain
from infra.drift.baseline import Accepted, Stale
from infra.drift.finding import Finding, Question, Severity
from infra.drift.repair import Repair

IN_SYNC, BROKE, DRIFT = 0, 1, 7
"""Exit codes."""


@dataclass(frozen=True)
class Report:
    """What a check says.

    Attributes:
        stack: The stack's name.
        findings: What is not as declared, the most severe first.
        accepted: What the baseline excuses.
        stale: Entries of the baseline that have expired or match nothing.
        asked: For each question how it went; one that is missing was not reached.
        repair: What can be done, in its order; nothing if the check broke.
        broken: Why the check broke, or empty.
        endpoint: A sentence: whether the endpoint answers now.
    """

    stack: str
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    stale: tuple[Stale, ...] = ()
    asked: Mapping[Question, str] = field(default_factory=dict)
    repair: tuple[Repair, ...] = ()
    broken: str = ""
    endpoint: str = "Whether the endpoint answers is not known."

    @property
    def code(self) -> int:
        """The exit code; a broken check cannot say that there is no drift, nor how much."""
        if self.broken:
            return BROKE
        return DRIFT if self.findings or self.stale else IN_SYNC

    @property
    def headline(self) -> str:
        """What to know first, in one line: does the endpoint answer now, and what was found."""
        return f"{self.endpoint} {self.verdict}"

    @property
    def verdict(self) -> str:
        """One line."""
        said = self._differences()
        if self.broken:
            return f"The check broke. Found until then: {said}"
        return said

    def _differences(self) -> str:
        parts: list[str] = []
        if self.findings:
            resources = len({(one.type, one.resource) for one in self.findings})
            critical = sum(one.severity is Severity.CRITICAL for one in self.findings)
            parts.append(
                f"{_count(len(self.findings), 'difference')} in {_count(resources, 'resource')}, "
                f"{critical or 'none'} critical"
            )
        if self.stale:
            parts.append(f"{_count(len(self.stale), 'stale baseline entry', 'entries')}")
        if not parts and not self.broken:
            parts.append("In sync")
        elif not parts:
            parts.append("nothing")
        if self.accepted:
            parts[-1] += f", {len(self.accepted)} accepted"
        return "; ".join(parts) + "."

    def json(self) -> str:
        """The report as JSON with sorted keys: the same report gives the same bytes."""
        content = {
            "headline": self.headline,
            "verdict": self.verdict,
            "code": self.code,
            **plain(self),
        }
        return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _count(number: int, noun: str, plural: str = "") -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('entry') + plural if plural else noun + 's'}"
