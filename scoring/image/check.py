"""Start a model as the image will: its files, its packages, and nothing else of this machine.

What only the checkout has (a module of the user's, pandas) is then missing here and not first in
the container. The packages are installed once for a lock, into the user's cache.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scoring.environments import environment
from scoring.errors import ImageError

START = "from scoring import score; score.init()"
"""Loads the model and lets it answer a row; `docker build` runs the same."""

SECONDS = 300.0
"""How long a start may take."""


def start(files: Mapping[str, bytes], variables: Mapping[str, str]) -> None:
    """Load the model of an image and let it answer a row.

    Args:
        files: What the image has in its working directory, `requirements.txt` among it.
        variables: The image's environment variables; of the user's it gets PATH alone.

    Raises:
        ImageError: It does not start.
        PackagesError: The packages cannot be installed.
    """
    python = environment(files["requirements.txt"], "image-packages") / "bin" / "python"
    with tempfile.TemporaryDirectory() as name:
        for file, content in files.items():
            path = Path(name, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            done = subprocess.run(
                # Without the user's own packages; the working directory is the image's.
                [python, "-s", "-c", START],
                cwd=name,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    **variables,
                    "PYTHONDONTWRITEBYTECODE": "",  # the next check shall be quick
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ImageError(
                f"the model does not start in the image: no answer within {SECONDS:g} s"
            ) from None
    if done.returncode != 0:
        raise ImageError(f"the model does not start in the image: {_reason(done)}")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of a traceback, which is our own where we refused."""
    if done.returncode < 0:
        return f"it was ended by signal {-done.returncode}"
    lines = done.stderr.split("\n")
    said = next((line for line in reversed(lines) if line.strip()), "it says nothing")
    reason = said.strip().removeprefix("scoring.errors.ModelError: ")
    if "No module named" not in reason:
        return reason
    return (
        f"{reason}; the image has the packages of scoring/requirements.txt alone: pickle a model"
        " of their classes, or add the package to scoring/requirements.in and run make lock"
    )
