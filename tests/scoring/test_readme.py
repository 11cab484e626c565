"""The README's table of environment variables is what Settings reads."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from scoring.cli import app
from scoring.settings import Settings

README = Path(__file__).resolve().parents[2] / "scoring" / "README.md"


def shown(default: Any) -> str:
    """A default as the table writes it."""
    if default is MISSING:
        return "required"
    if default is None:
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default.name if isinstance(default, Path) else default}`"


def test_the_table_is_the_settings():
    table = README.read_text().split("## Environment variables")[1]
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    expected = []
    for field in fields(Settings):
        about = field.metadata
        limits = f"{about['low']} to {about['high']}" if about["high"] else ""
        expected.append((f"`{about['variable']}`", about["meaning"], shown(field.default), limits))
    assert rows == expected


def test_the_commands_it_names_exist():
    named = set(re.findall(r"`python -m scoring (\w+)", README.read_text()))
    assert named == {each.callback.__name__ for each in app.registered_commands if each.callback}
