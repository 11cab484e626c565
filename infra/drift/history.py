"""What earlier checks found: a line of JSON a check, the oldest first, masked like the report."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import pydantic

from infra.drift.errors import DriftError
from infra.drift.finding import Finding
from infra.drift.report import Report

KEPT = 100
"""Checks; the oldest fall out."""

Key = tuple[str, str, str, str, str]


class Check(pydantic.BaseModel):
    """One check.

    Attributes:
        at: When, in UTC.
        stack: The stack's name.
        code: The command's exit code: 0 in sync, 1 broke, 7 drift.
        verdict: The report's one line.
        found: Each finding's question, type, resource, property and label.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    at: datetime.datetime
    stack: str
    code: int
    verdict: str
    found: frozenset[Key]


def key(one: Finding) -> Key:
    """What makes two findings of different checks the same one, whatever the values."""
    return (str(one.question), one.type, one.resource, one.path, one.label)


def read(file: Path) -> tuple[Check, ...]:
    """The checks in a file; none where there is no file yet.

    Raises:
        DriftError: It cannot be read, or was not written by this command.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise DriftError(f"cannot read the history {file}: {error}") from error
    checks: list[Check] = []
    for number, line in enumerate(lines, 1):
        try:
            checks.append(Check.model_validate_json(line))
        except pydantic.ValidationError as error:
            raise DriftError(
                f"the history {file}, line {number}, is none that --history wrote; name another "
                "file, or remove it"
            ) from error
    return tuple(checks)


def extended(past: Sequence[Check], report: Report, at: datetime.datetime) -> tuple[Check, ...]:
    """The checks of this stack with this one as the last."""
    check = Check(
        at=at.replace(microsecond=0),
        stack=report.stack,
        code=report.code,
        verdict=report.verdict,
        found=frozenset(map(key, report.findings)),
    )
    return (*past, check)[-KEPT:]


def write(file: Path, checks: Sequence[Check]) -> None:
    """Replace the file as a whole.

    Raises:
        DriftError: The disk refuses; the file is as it was.
    """
    text = "".join(f"{check.model_dump_json()}\n" for check in checks)
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise DriftError(f"cannot write the history {file}: {error.strerror}") from error
