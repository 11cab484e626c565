"""Ends the service under steady load, again and again: is a request lost?

Lost is a request that was sent on a connection which the service had taken, and has no whole
answer.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scoring.bench import bodies, servers
from scoring.bench.callers import Callers
from scoring.bench.cases import Case, Cases

CLIENTS = 8
ROWS = {"small": 1, "large": 400}
PATIENCE_SECONDS = 20.0
_BEFORE = 50
"""So many answers are waited for before the service is told to end."""


@dataclass(frozen=True)
class Ending:
    """What became of the requests around one SIGTERM.

    Attributes:
        workers: Of the service.
        size: Of the requests, a key of ROWS.
        answers: Whole and right ones.
        after: Those of them that came after the SIGTERM.
        lost: What went wrong with the others, in words.
        seconds: From the SIGTERM to the end of the process.
        status: Its exit code.
    """

    workers: int
    size: str
    answers: int
    after: int
    lost: list[str]
    seconds: float
    status: int


def runs(model: Path, images: Path, count: int) -> Iterator[Ending]:
    """End the service so often for each number of workers and each size of requests.

    Raises:
        ServerFailedError: It did not come up, or was ended before it had answered.
    """
    cases = Cases.read(model, images)
    of_size = {size: cases.case("JSON", rows) for size, rows in ROWS.items()}
    cores = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(count):
            for workers in (1, 2):
                for size, case in of_size.items():
                    with servers.ours(model, Path(folder), cores, workers) as running:
                        yield end(running, case, workers, size)


def end(running: servers.Running, case: Case, workers: int, size: str) -> Ending:
    """Load a service, tell it to end, and see."""
    right = case.right_body(running)
    path, _, body = bodies.parts(case.request)
    uri = f"http://127.0.0.1:{running.port}{path}"
    # Half of them take a new connection for each request, half keep theirs as long as they may.
    with Callers(uri, body, CLIENTS, pause=0.0, right=right, ending=True) as callers:
        callers.wait(_BEFORE)
        before, begin = callers.answers, time.monotonic()
        running.process.terminate()
        status = running.process.wait(PATIENCE_SECONDS)
        seconds = time.monotonic() - begin
    after = callers.answers - before
    return Ending(workers, size, callers.answers, after, callers.failures, seconds, status)
