"""Cuts the one long list, `data`, out of a request, without reading it.

What is left is short: Python's own parser reads it, exactly. The list is read in pieces
(`json_pieces`). So nothing is ever built of millions of lists, objects or keys: beside the list
there is no room for them, and in it they are found in the first piece.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.errors import Rejection
from scoring.routes.json_exact import LONGEST, parse
from scoring.routes.messages import Content

# What may stand before the list, and after it.
LONGEST_ENVELOPE = 64 << 10
# A quote within a text has a backslash before it.
_BEGIN = re.compile(rb'(?<!\\)"data"[ \t\n\r]*:[ \t\n\r]*\[')
_CHUNK = 256 << 10
# So often a byte is looked for; further ones are counted without a look at each.
_FEW = 2048
# Stands for the list; no client can guess it.
LIST = os.urandom(16).hex()
_LIST = f'"{LIST}"'.encode()


@dataclass(frozen=True, slots=True)
class Cut:
    """A request without its list.

    Attributes:
        envelope: The request as Python's own values, with `LIST` in place of the list.
        start: Where the list's content begins in the body, after its bracket.
        end: Where it ends, before its bracket.
        fault: What is wrong with the rest, which is None then: often only a consequence of a fault
            in the list, which ended too early by it.
    """

    envelope: Any
    start: int
    end: int
    fault: Rejection | None = None


def cut(body: Content) -> Cut | None:
    """Cut out the first `"data": [...]`; None where there is none in the first 64 kB.

    Numbers have neither quotes nor braces, so the list has ended before the first of them. Where
    that is wrong the rest is no JSON.
    """
    begin = _BEGIN.search(body, 0, LONGEST_ENVELOPE)
    if begin is None:
        return None
    start = begin.end()
    limit = _next_member(body, start)
    end = body.rfind(b"]", max(start, limit - LONGEST_ENVELOPE), limit)
    if end < 0:
        fault = 'the body is not JSON: the list "data" does not end'
        return Cut(None, start, len(body), _bad("not_json", fault))
    if len(body) - end > LONGEST_ENVELOPE:
        fault = (
            f'{len(body) - end} bytes follow the list "data"; at most {LONGEST_ENVELOPE} are read'
        )
        return Cut(None, start, len(body), _bad("not_json", fault))
    text = b"".join((body[: start - 1], _LIST, body[end + 1 :]))
    try:
        return Cut(_read(text, start - 1, end + 1), start, end)
    except Rejection as fault:
        return Cut(None, start, len(body), fault)


def _read(text: bytes, start: int, end: int) -> Any:
    """Parse what is left; a fault is named by its place in the whole body."""
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        place = len(error.doc[: error.pos].encode())
        code, reason = "not_json", f"not JSON: {error.msg} at"
    except UnicodeDecodeError as error:
        place, code, reason = error.start, "not_utf8", "not UTF-8:"
    if place > start:
        place += end - start - len(_LIST)
    raise _bad(code, f"the body is {reason} byte {place}")


def _next_member(body: Content, start: int) -> int:
    """Where the first quote or brace is from there on; the body's length if there is none."""
    quote = body.find(b'"', start)
    brace = body.find(b"}", start, len(body) if quote < 0 else quote)
    return brace if brace >= 0 else quote if quote >= 0 else len(body)


def count(body: Content, byte: bytes, start: int, end: int) -> int:
    """How often a byte occurs in a part of a body, faster than its own count()."""
    for found in range(_FEW):
        start = body.find(byte, start, end) + 1
        if not start:
            return found
    values = np.frombuffer(body, np.uint8)
    return _FEW + sum(
        int(np.count_nonzero(values[first : min(first + _CHUNK, end)] == byte[0]))
        for first in range(start, end, _CHUNK)
    )


def too_long_to_read(body: Content) -> Rejection | None:
    """The refusal of a long body without a list to cut out; None for one that is short enough."""
    if len(body) <= LONGEST:
        return None
    opening = bytes(body[:64]).lstrip()[:1]
    if opening != b"{":
        return _bad("not_an_object", "the body is not a JSON object")
    return _bad(
        "no_data",
        f'the body of {len(body)} bytes has no list "data" in its first {LONGEST_ENVELOPE} bytes',
    )


def _bad(code: str, message: str) -> Rejection:
    return Rejection(400, code, message)
