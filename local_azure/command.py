"""A command that is run to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_azure.errors import LocalAzureError


def command_output(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    given: str = "",
    *,
    failed: str,
) -> str:
    """What a command prints.

    Args:
        words: The program and its arguments.
        environment: Its environment.
        folder: Where it is run; None is here.
        given: Its standard input.
        failed: The beginning of the error.

    Raises:
        LocalAzureError: It failed; with its last line.
    """
    done = subprocess.run(
        words,
        cwd=folder,
        env=dict(environment),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        raise LocalAzureError(f"{failed}: {said.splitlines()[-1]}")
    return done.stdout
