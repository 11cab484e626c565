"""Differences that a team has looked at and lives with, each with a reason and an end."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pydantic
import yaml

from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Severity

MOST_DAYS = 180
"""How far ahead an exception may end: later, somebody has to look at it again."""


class Entry(pydantic.BaseModel):
    """One exception.

    Attributes:
        resource: The resource's name, or `TYPE::NAME` where that is not clear; `*` stands for any
            characters, as in `path` and `accepts`.
        path: The property; left out, the whole resource with all its properties. Over a critical
            difference that is the resource as such alone: missing, or there.
        accepts: The actual value that is accepted, as the report shows it.
        reason: Why the difference is accepted.
        expires: The last day on which it is; at most `MOST_DAYS` ahead.
        longer: Why it may end later than that; empty if it may not.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    resource: str = pydantic.Field(min_length=1)
    path: str = ""
    accepts: str = pydantic.Field(min_length=1)
    reason: str = pydantic.Field(min_length=1)
    expires: datetime.date
    longer: str = ""

    def matches(self, finding: Finding) -> bool:
        """Whether it speaks about a finding; of a critical one it has to say everything plainly."""
        names = finding.resource, f"{finding.type}::{finding.resource}"
        if finding.severity is Severity.CRITICAL:
            named = self.resource in names
            return named and (self.path, self.accepts) == (finding.path, finding.actual)
        return (
            any(_like(name, self.resource) for name in names)
            and (not self.path or _like(finding.path, self.path))
            and _like(finding.actual, self.accepts)
        )


@dataclass(frozen=True)
class Accepted:
    """A finding that an entry excuses."""

    finding: Finding
    reason: str
    expires: str


@dataclass(frozen=True)
class Stale:
    """An entry that no longer does anything: it is itself a finding.

    Attributes:
        resource: As the entry has it.
        path: As the entry has it.
        why: `expired on DATE` or `matches nothing`.
    """

    resource: str
    path: str
    why: str


def read(path: Path, today: datetime.date | None = None) -> tuple[Entry, ...]:
    """The entries of a YAML file: a list, or nothing.

    Args:
        path: The file.
        today: The day that `expires` is held against; by default this one, in UTC.

    Raises:
        DriftError: It cannot be read, is no list, or an entry lacks something or ends too late.
    """
    try:
        # Texts alone: what a report shows as true, 30 or 2024-11-01 is written so here, too.
        content = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - makes texts, lists and mappings
    except OSError as error:
        raise DriftError(f"cannot read the baseline {path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        where = " ".join(str(error).split())
        raise DriftError(f"the baseline {path} is not YAML: {where}") from error
    try:
        entries = pydantic.TypeAdapter(tuple[Entry, ...]).validate_python(
            () if content is None else content
        )
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DriftError(
            f"the baseline {path}: entry {where}: {first['msg']}; wanted: a list of entries with "
            + ", ".join(Entry.model_fields)
        ) from error
    latest = (today or datetime.datetime.now(datetime.UTC).date()) + datetime.timedelta(MOST_DAYS)
    for number, entry in enumerate(entries):
        if entry.expires > latest and not entry.longer.strip():
            raise DriftError(
                f"the baseline {path}: entry {number}.expires: {entry.expires} is more than"
                f" {MOST_DAYS} days ahead; the latest is {latest}, unless `longer` says why"
            )
    return entries


def apply(
    entries: Sequence[Entry], findings: Iterable[Finding], today: datetime.date, *, whole: bool
) -> tuple[list[Finding], list[Accepted], list[Stale]]:
    """(what is left, what is accepted, what is stale).

    Args:
        entries: The exceptions; an expired one excuses nothing.
        findings: Everything that was found.
        today: The day of the check.
        whole: Whether all questions were answered; else what matches nothing may yet match.
    """
    left: list[Finding] = []
    accepted: list[Accepted] = []
    used: set[Entry] = set()
    for finding in findings:
        matching = [entry for entry in entries if entry.matches(finding)]
        used.update(matching)
        valid = [entry for entry in matching if entry.expires >= today]
        if valid:
            accepted.append(Accepted(finding, valid[0].reason, valid[0].expires.isoformat()))
        else:
            left.append(finding)
    stale = [
        Stale(entry.resource, entry.path, why)
        for entry in entries
        for why in [_why_stale(entry, today, matched=entry in used or not whole)]
        if why
    ]
    return left, accepted, stale


def _why_stale(entry: Entry, today: datetime.date, *, matched: bool) -> str:
    if entry.expires < today:
        return f"expired on {entry.expires.isoformat()}"
    return "" if matched else "matches nothing"


def _like(text: str, wanted: str) -> bool:
    """Only `*` is special: brackets are part of a path."""
    return fnmatch.fnmatchcase(text, wanted.replace("[", "[[]").replace("?", "[?]"))
