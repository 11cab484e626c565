"""The same application under any ASGI server: `uvicorn --factory scoring.asgi:create`.

Settings come from the environment; host, port, workers and the limits on connections, heads and
time are the server's own then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoring.process.threads import take_one
from scoring.settings import Settings

if TYPE_CHECKING:
    from scoring.asgi.face import Face


def create() -> Face:
    """Load the script; a ScoringError says why that is not possible."""
    take_one()
    from scoring.asgi.face import Face  # not before: numpy is imported there

    return Face(Settings.from_environment())
