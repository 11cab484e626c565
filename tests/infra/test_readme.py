"""The README's table of settings is what the program reads."""

from __future__ import annotations

import re
from pathlib import Path

from infra.settings import KEYS, Settings

README = Path(__file__).resolve().parents[2] / "infra" / "README.md"


def rows() -> dict[str, tuple[str, str]]:
    """Default and allowed values by key."""
    table = README.read_text(encoding="utf-8").split("## Settings")[1].split("##")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    return {key.strip("`"): (default, allowed) for key, _, default, allowed in cells}


def test_every_key_is_listed_with_what_is_allowed() -> None:
    assert {key: allowed for key, (_, allowed) in rows().items()} == dict(KEYS)


def test_the_defaults_are_the_programs() -> None:
    own = Settings(location="westeurope")
    for key, (default, _) in rows().items():
        name = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", key).lower().replace("sha_", "sha")
        value = getattr(own if hasattr(own, name) else own.kubernetes, name)
        assert default == (
            "" if value is None else f"`{str(value).lower() if value is True else value}`"
        ), key
