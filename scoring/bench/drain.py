"""Ends the service under steady load, again and again: is a request lost?

A client that is refused a connection has sent nothing and loses nothing; it asks elsewhere. Lost is
a request that was sent on a connection which the service had taken, and has no whole answer.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scoring.bench import load, servers
from scoring.bench.cases import Case, Cases

CLIENTS = 8
ROWS = {"small": 1, "large": 400}
PATIENCE_SECONDS = 20.0
_BEFORE = 50
"""So many answers are waited for before the service is told to end."""


@dataclass
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
    answers: int = 0
    after: int = 0
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0
    status: int = 0


def runs(model: Path, images: Path, count: int) -> Iterator[Ending]:
    """End the service so often for each number of workers and each size of requests.

    Raises:
        ServerFailedError: It did not come up, or was ended before it had answered.
    """
    cases = Cases(model, images)
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
    found = Ending(workers, size)
    body, lock, told = case.right_body(running), threading.Lock(), threading.Event()

    def answered() -> None:
        with lock:
            found.answers += 1
            found.after += told.is_set()

    def lost(why: str) -> None:
        with lock:
            found.lost.append(why)

    # Half of them take a new connection for each request, half keep theirs as long as they may.
    clients = [
        threading.Thread(
            target=_ask, args=(running.port, case.request, body, number % 2 == 0, answered, lost)
        )
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    limit = time.monotonic() + PATIENCE_SECONDS
    while found.answers < _BEFORE and not found.lost and time.monotonic() < limit:
        time.sleep(0.005)
    begin = time.monotonic()
    told.set()
    running.process.terminate()
    found.status = running.process.wait(PATIENCE_SECONDS)
    found.seconds = time.monotonic() - begin
    for client in clients:
        client.join(PATIENCE_SECONDS)
        if client.is_alive():
            lost("a client was left waiting")
    return found


def _ask(
    port: int,
    request: bytes,
    body: bytes,
    keep: bool,
    answered: Callable[[], None],
    lost: Callable[[str], None],
) -> None:
    """Send the request until a connection is refused."""
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        except ConnectionRefusedError:
            return
        with client:
            try:
                while True:
                    client.sendall(request)
                    head, content = load.answer(client)
                    if not head.startswith(b"HTTP/1.1 200") or content != body:
                        lost(f"the answer {head[:60]!r} {content[:60]!r}")
                        return
                    answered()
                    if not keep or b"connection: close" in head:
                        break
            except OSError as error:
                lost(f"{type(error).__name__}: {error}")
                return
