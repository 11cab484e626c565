"""`myenv.yml`: the tutorial's conda file, made from the image's own pinned requirements.

It is for Azure ML's own base images; our image installs requirements.txt itself, with hashes.
"""

from __future__ import annotations

import re
from pathlib import Path

from scoring.errors import ImageError

ROOM = Path(__file__).resolve().parent
REQUIREMENTS = ROOM / "requirements.txt"
FILE = ROOM / "myenv.yml"
PYTHON = (3, 11)
INFERENCE_SERVER = "azureml-inference-server-http==1.5.1"
"""Azure ML starts a scoring script with this server; tests/scoring runs score.py under it."""

_PIN = re.compile(
    r"(?P<pin>[\w.-]+==[\w.]+)(?: ; python_full_version (?P<bound>(?:<|>=) '[\d.]+'))?(?: \\)?"
)


def conda_file(requirements: Path = REQUIREMENTS) -> str:
    """The file's text.

    Raises:
        ImageError: The requirements cannot be read, or hold a line of another form.
    """
    try:
        lines = requirements.read_text("utf-8").splitlines()
    except OSError as error:
        raise ImageError(f"{requirements} cannot be read: {error.strerror}") from None
    pins = [INFERENCE_SERVER]
    for line in lines:
        if not line or line.startswith((" ", "#")):
            continue
        match = _PIN.fullmatch(line)
        if match is None:
            raise ImageError(
                f"{requirements}: {line!r} is not NAME==VERSION with at most a bound on"
                " python_full_version; run: make lock"
            )
        if _holds(match["bound"]):
            pins.append(match["pin"])
    python = ".".join(map(str, PYTHON))
    listed = "".join(f"      - {pin}\n" for pin in pins)
    return (
        "# Made from requirements.txt by: python -m scoring myenv\n"
        "name: sklearn-mnist\n"
        "channels:\n  - conda-forge\n"
        f"dependencies:\n  - python={python}\n  - pip\n  - pip:\n{listed}"
    )


def _holds(bound: str | None) -> bool:
    """Whether a bound like `< '3.12'` holds for the file's Python."""
    if bound is None:
        return True
    sign, text = bound.split(" ")
    version = tuple(int(part) for part in text.strip("'").split("."))
    return version > PYTHON if sign == "<" else version <= PYTHON
