"""What happens to the key that callers must send."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from infra.azure_facts import DEPLOYMENT, SECRET
from infra.disclosure.display import NOTHING
from infra.preview.plan import Op
from infra.review.resource_change import ResourceChange, Row

VARIABLE = "SCORING_KEY"
"""The environment variable that holds it."""

SECOND = "SCORING_KEY_SECONDARY"
"""The one with a second key that is as good."""


class KeyChange(enum.StrEnum):
    """What happens to it."""

    NONE = "none"
    SET = "set"
    CHANGED = "changed"
    REMOVED = "removed"


_SERVICES = frozenset({"containerinstance:ContainerGroup", DEPLOYMENT})
_POINTER = ".valueFrom.secretKeyRef.name"
"""Where a pod names the Secret that holds its keys: of another name where any of them changes."""


def is_of_key(row: Row) -> bool:
    """Whether a row is about one of the keys."""
    return any(_is_of(row, each) for each in (VARIABLE, SECOND))


def _is_of(row: Row, variable: str) -> bool:
    return row.label == variable or row.path.endswith(f"ata.{variable}")


def key_change(
    changes: Sequence[ResourceChange], variable: str = VARIABLE
) -> tuple[KeyChange, str]:
    """What happens to a key of a service that stays, and the name of what runs it."""
    for change in changes:
        if change.op in {Op.UPDATE, Op.REPLACE} and change.type != SECRET:
            found = _of(_rows(change, variable), changes, variable)
            if found is not KeyChange.NONE:
                return found, change.name
    gone, come = (
        [one for one in changes if one.type in _SERVICES and one.op is op]
        for op in (Op.DELETE, Op.CREATE)
    )
    if len(gone) == len(come) == 1:
        had, has = (any(_rows(one, variable)) for (one,) in (gone, come))
        if had is not has:
            return KeyChange.REMOVED if had else KeyChange.SET, come[0].name
    return KeyChange.NONE, ""


def _rows(change: ResourceChange, variable: str) -> list[Row]:
    return [row for row in change.rows if _is_of(row, variable)]


def _of(rows: Sequence[Row], changes: Sequence[ResourceChange], variable: str) -> KeyChange:
    if not rows:
        return KeyChange.NONE
    if all(row.after == NOTHING for row in rows):
        return KeyChange.REMOVED
    if all(row.before == NOTHING for row in rows):
        return KeyChange.SET
    secrets = [one for one in changes if one.type == SECRET]
    if secrets and all(row.path.endswith(_POINTER) for row in rows):
        changed = any(_rows(one, variable) for one in secrets)
        return KeyChange.CHANGED if changed else KeyChange.NONE
    return KeyChange.CHANGED
