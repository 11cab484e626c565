"""A `pulumi` in front of the real one, for what happens at an exact moment of a command."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.machine import Machine


def shim(
    machine: Machine,
    folder: Path,
    *,
    after: Mapping[str, str] | None = None,
    answers: Mapping[str, str] | None = None,
    real: Mapping[str, str] | None = None,
) -> list[str]:
    """`env` and what it sets, so that a command finds the shim.

    Args:
        machine: Where the real `pulumi` is found.
        folder: An empty folder for the shim.
        after: Commands that run when the real `pulumi NAME` has ended; `$real` is the real one.
        answers: What `pulumi WORD WORD` writes in place of the real one, by its first two words.
        real: Environment variables of the real one.
    """
    variables = machine.environment()
    found = shutil.which("pulumi", path=variables["PATH"])
    assert found
    lines = ["#!/bin/sh", f"real={shlex.quote(found)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in (real or {}).items()]
    for words, text in (answers or {}).items():
        test = f'[ "$1 $2" = {shlex.quote(words)} ]'
        lines.append(f"{test} && printf %s {shlex.quote(text)} && exit 0")
    lines += ['"$real" "$@"', "code=$?"]
    for name, command in (after or {}).items():
        lines.append(f'[ "$1" = {shlex.quote(name)} ] && {command} >&2')
    lines.append("exit $code")
    folder.mkdir()
    file = folder / "pulumi"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o755)
    return ["env", f"PATH={folder}{os.pathsep}{variables['PATH']}"]
