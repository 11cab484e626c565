"""A command whose packages are missing names the file that installs them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def packages_of(lock: str) -> Iterator[None]:
    """What is imported inside is installed by a lock file, named from the checkout's root.

    Raises:
        SystemExit: A package is missing; its message is one line.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: this Python has no {error.name}; activate .venv, which make setup makes, or"
            f" install it: pip install --require-hashes -r {lock}"
        )
