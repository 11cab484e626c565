"""Start the service and say on stdout when it is ready."""

from __future__ import annotations

import json
import sys

from scoring.server.worker import listen, serve
from scoring.settings import Settings


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    listener = listen(settings)
    host, port = listener.getsockname()[:2]

    def ready() -> None:
        line = {"event": "ready", "host": host, "port": port}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    serve(settings, listener, ready)
