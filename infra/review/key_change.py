"""What happens to the key that callers must send."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from infra.disclosure.display import NOTHING
from infra.preview.plan import Op
from infra.review.resource_change import ResourceChange, Row

VARIABLE = "SCORING_KEY"
"""The environment variable that holds it."""


class KeyChange(enum.StrEnum):
    """What happens to it."""

    NONE = "none"
    SET = "set"
    CHANGED = "changed"
    REMOVED = "removed"


def is_of_key(row: Row) -> bool:
    """Whether a row is about the key."""
    return row.label == VARIABLE


def key_change(changes: Sequence[ResourceChange]) -> tuple[KeyChange, str]:
    """What happens to the key of a service that stays, and the container group's name."""
    for change in changes:
        rows = [row for row in change.rows if is_of_key(row)]
        if change.op not in {Op.UPDATE, Op.REPLACE} or not rows:
            continue
        if all(row.after == NOTHING for row in rows):
            return KeyChange.REMOVED, change.name
        if all(row.before == NOTHING for row in rows):
            return KeyChange.SET, change.name
        return KeyChange.CHANGED, change.name
    return KeyChange.NONE, ""
