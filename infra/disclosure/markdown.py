"""Pieces of Markdown that text from a plan cannot break out of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

_RUN = re.compile(r"`+")


def code(text: str) -> str:
    """A code span: nothing in it is a link, a mention, HTML or the end of a table's cell."""
    plain = "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
    # A backslash before a bar is read differently by different tables; an escape is not.
    plain = plain.replace("|", r"\u007c").replace("`", r"\u0060")
    return f"`{plain}`" if plain.strip() else '`""`'


def fence(text: str) -> str:
    """A code block that ends where it should, whatever is in it."""
    plain = "".join(one if one.isprintable() or one == "\n" else " " for one in text)
    marks = "`" * (1 + max([2, *map(len, _RUN.findall(plain))]))
    return f"{marks}text\n{plain}\n{marks}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; every cell is Markdown of one line already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def details(summary: str, body: str) -> str:
    """A folded part; the summary is fixed words and numbers, as it is HTML."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def size(text: str) -> int:
    """How much of a comment's room a text takes: bytes, never fewer than characters."""
    return len(text.encode())
