"""uv, which installs the packages of a lock by their hashes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from uv import find_uv_bin

SECONDS = 900.0
"""How long an installation may take."""


def failure(arguments: list[str], environment: Mapping[str, str]) -> str | None:
    """Run uv with the user's own settings; None, or why it failed, in one line."""
    try:
        done = subprocess.run(
            [find_uv_bin(), "--no-progress", *arguments],
            env={k: v for k, v in environment.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return " ".join(str(error).split())
    if done.returncode == 0:
        return None
    return " ".join(done.stderr.split())[-500:] or f"exit code {done.returncode}"
