"""The page for who changes the code names the folders as they are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z_/]+/)` \|", TEXT, re.MULTILINE)


def rooms(*parents: str) -> set[str]:
    """The packages below some folders, with a slash at the end."""
    found = set()
    for parent in parents:
        for each in (ROOT / parent).iterdir():
            if (each / "__init__.py").exists():
                found.add(f"{each.relative_to(ROOT).as_posix()}/")
    return found


def test_every_folder_that_it_names_exists():
    named = {*ROWS, *re.findall(r"`([a-z_]+/[a-z_/]+\.(?:py|md))`", TEXT)}
    assert len(named) > 20
    assert [each for each in sorted(named) if not (ROOT / each).exists()] == []


def test_every_room_has_its_row():
    wanted = rooms(".", "infra", "scoring") | {"tests/"}
    assert sorted(wanted - set(ROWS)) == []
