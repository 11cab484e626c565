"""A `pulumi` that only a test knows, on PATH."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest


class Pulumi:
    """What it does is a shell script; what it was asked is kept, a line a call."""

    def __init__(self, folder: Path) -> None:
        self._asked = folder / "asked"
        self._program = folder / "pulumi"
        self.does("")

    def does(self, script: str) -> None:
        """From here on it does this."""
        asked = shlex.quote(str(self._asked))
        self._program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n{script}\n')
        self._program.chmod(0o755)

    def says(self, **answers: str) -> None:
        """From here on it answers so, by the first word of a command."""
        cases = "".join(f"{name}) {script} ;;\n" for name, script in answers.items())
        self.does(f'case "$1" in\n{cases}esac')

    @property
    def asked(self) -> list[list[str]]:
        return [line.split() for line in self._asked.read_text().splitlines()]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return Pulumi(folder)
