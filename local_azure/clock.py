"""Times as Azure writes them: ISO 8601 in UTC, with a Z."""

from __future__ import annotations

import datetime
import time


def now() -> str:
    """This moment."""
    return iso(time.time())


def iso(seconds: float) -> str:
    """A moment in seconds since 1970."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")
