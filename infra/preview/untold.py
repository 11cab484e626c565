"""What stands for a value that Pulumi does not tell."""

from __future__ import annotations


class Unknown:
    """Stands for a value that is not known before the update."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


class Secret:
    """Stands for a value that Pulumi keeps secret; what it is never reaches a rule."""

    def __repr__(self) -> str:
        return "SECRET"


SECRET = Secret()
