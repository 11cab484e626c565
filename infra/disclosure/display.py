"""Values as a reader sees them: allowed and short, or hidden."""

from __future__ import annotations

import json
from typing import Any

from infra.disclosure import allow_list
from infra.disclosure.mask import HIDDEN, Mask
from infra.preview.paths import MISSING, Path, show
from infra.preview.untold import SECRET, UNKNOWN

NOTHING = "(none)"
LATER = "(known after the update)"
PULUMI_SECRET = "[secret]"  # noqa: S105  what is shown instead of one
MOST = 200
"""Longest value that is shown whole."""


def property_value(token: str, path: Path, label: str, value: Any, mask: Mask) -> str:
    """A property's value, or what stands for one that may not be shown."""
    return _value(
        value, lambda text: allow_list.property_may_be_shown(token, path, label, text, mask)
    )


def output_value(path: Path, value: Any, mask: Mask) -> str:
    """A stack output's value, or what stands for one that may not be shown."""
    return _value(value, lambda text: allow_list.output_may_be_shown(path, text, mask))


def path(steps: Path, mask: Mask) -> str:
    """A property's path: names are no secrets, but a key of a free map may hold a known one."""
    return show(tuple(_step(step, mask) for step in steps))


def key(text: str, mask: Mask) -> str:
    """A name that a program gave to a property, a variable, a tag or a type, on one line."""
    return _short(mask.known_only(text))


def name(text: str, mask: Mask) -> str:
    """A name on one line, short, what looks like a secret hidden."""
    return _short(mask.text(text))


def _step(step: str | int, mask: Mask) -> str | int:
    if not isinstance(step, str) or step in allow_list.PROPERTY_NAMES:
        return step
    return mask.known_only(step)


def _value(value: Any, may_be_shown: Any) -> str:
    if value is MISSING or value is None:
        return NOTHING
    if value is SECRET:
        return PULUMI_SECRET
    if value is UNKNOWN:
        return LATER
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "{}" if value == {} else "[]" if value == [] else HIDDEN
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if not may_be_shown(text):
        return HIDDEN
    return _short(_quoted(text) if isinstance(value, str) else text)


def _quoted(text: str) -> str:
    """A string that could be taken for something else is put in quotes."""
    special = {NOTHING, LATER, PULUMI_SECRET, HIDDEN, ""}
    if text in special or text != text.strip() or not text.isprintable() or _is_json(text):
        return json.dumps(text)
    return text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _short(text: str) -> str:
    text = "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
    if len(text) <= MOST:
        return text
    half = MOST // 2
    return f"{text[:half]} ... {text[-half // 2 :]} ({len(text)} characters)"
