"""Start the service and say on stdout when it is ready."""

from __future__ import annotations

from scoring.http.listener import listen
from scoring.manifest import pin
from scoring.process.cores import available
from scoring.process.log import Log
from scoring.process.supervisor import Supervisor
from scoring.settings import Settings


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; one worker is started and watched as several are."""
    workers = settings.workers or available()
    pin(settings.model_dir, settings.model_sha256)  # workers that are started later serve it, too
    listener = listen(settings)
    host, port = listener.getsockname()[:2]

    def ready() -> None:
        Log().event("ready", host=host, port=port, workers=workers)

    Supervisor(settings, listener, workers).run(ready)
