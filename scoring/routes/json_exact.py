"""Strict JSON by Python's own parser, for what is short: it is slow, and names each fault's place.

It needs about forty times a text's size in memory, and a second for some megabytes.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from scoring.errors import Rejection

# The longest text that it is given.
LONGEST = 256 << 10


def parse_exactly(body: bytes | bytearray) -> Any:
    """Parse strict JSON in UTF-8 without duplicate keys; a fault is named by its place."""
    try:
        return parse(body)
    except UnicodeDecodeError as error:
        raise _bad("not_utf8", f"the body is not UTF-8: byte {error.start} is wrong") from None
    except json.JSONDecodeError as error:
        raise _bad(
            "not_json",
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
            f"{remedy(error)}",
        ) from None


def remedy(error: json.JSONDecodeError) -> str:
    """What to do where a text was printed in place of being made JSON; else nothing."""
    if error.doc.startswith("np.", error.pos):
        return "; NumPy prints its numbers so: send json.dumps(rows.tolist())"
    return ""


def parse(body: bytes | bytearray) -> Any:
    """The same, whose JSONDecodeError and UnicodeDecodeError have the place."""
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise
    except RecursionError:
        raise _bad("too_deep", "the body is nested too deeply") from None
    except ValueError:
        raise _bad(
            "not_finite",
            f"the body holds an integer of more than {sys.get_int_max_str_digits()} digits",
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad("duplicate_key", "the body holds the same key twice")
    return found


def kind(value: Any) -> str:
    """A JSON value's kind, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if hasattr(value, "keys") else "a list"


def _no_constant(name: str) -> Any:
    raise _bad("not_finite", f"the body holds {name}, which is neither JSON nor a finite number")


def _bad(code: str, message: str) -> Rejection:
    return Rejection(400, code, message)
