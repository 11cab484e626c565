"""What stands for a value that is not there, or that Pulumi does not tell."""

from __future__ import annotations


class Mark:
    """Stands for a value; there is one of each kind."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


MISSING = Mark("MISSING")
"""A property that is not there."""

UNKNOWN = Mark("UNKNOWN")
"""A value that is not known before the update."""

SECRET = Mark("SECRET")
"""A value that Pulumi keeps secret; what it is never reaches a rule."""
