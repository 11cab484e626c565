"""Start the service, alone or with several workers, and say on stdout when it is ready."""

from __future__ import annotations

from scoring.http.listener import listen
from scoring.process.cores import available
from scoring.process.log import Log
from scoring.settings import Settings


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    workers = settings.workers or available()
    listener = listen(settings)
    host, port = listener.getsockname()[:2]

    def ready() -> None:
        Log().event("ready", host=host, port=port, workers=workers)

    # Imported late: what a supervisor does not load, its workers load for themselves.
    if workers == 1:
        from scoring.process.worker import serve

        serve(settings, listener, ready)
    else:
        from scoring.process.supervisor import Supervisor

        Supervisor(settings, listener, workers).run(ready)
