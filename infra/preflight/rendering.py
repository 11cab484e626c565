"""The lines as a table with what to type below it, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.preflight.line import Line, Status

_STYLES = {
    Status.GOOD: "green",
    Status.REFUSED: "bold red",
    Status.UNANSWERED: "yellow",
    Status.NOT_ASKED: "dim",
}


def headline(stack: str, lines: Sequence[Line]) -> str:
    """The answer to all questions in one sentence."""
    refusing = sum(one.answer.status is Status.REFUSED for one in lines)
    open_ = sum(one.answer.status is Status.UNANSWERED for one in lines)
    left = f"; {open_} not answered" if open_ else ""
    if refusing:
        return f"{stack} is not ready: {refusing} of {len(lines)} refuse{left}."
    return f"Nothing refuses the next update of {stack}{left}."


def show(console: Console, stack: str, lines: Sequence[Line]) -> None:
    """Print the table; commands are not wrapped, so that they can be copied."""
    table = Table("check", "status", "what Azure says", box=None, pad_edge=False)
    for one in lines:
        status = one.answer.status
        said = Text(one.answer.said, overflow="fold")
        table.add_row(Text(one.check), Text(status, style=_STYLES[status]), said)
    console.print(table)
    for one in lines:
        if one.answer.remedy:
            text = f"\n# {one.check}\n{one.answer.remedy}"
            console.print(Text(text), soft_wrap=True)
    console.print(Text(f"\n{headline(stack, lines)}"))


def document(stack: str, lines: Sequence[Line]) -> str:
    """The same for machines."""
    return json.dumps(
        {
            "stack": stack,
            "headline": headline(stack, lines),
            "checks": [
                {
                    "check": one.check,
                    **one.answer._asdict(),
                    "remedy": one.answer.remedy.splitlines(),
                }
                for one in lines
            ],
        },
        indent=2,
    )
