"""Where an attack is measured: a service of its own with the image's defaults, and one worker."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from scoring.bench import bodies, load, servers
from scoring.bench.faults import FaultError
from scoring.bench.servers import Running
from scoring.manifest import Manifest

TIMEOUT = 60.0
"""Seconds that a client waits for an answer at most."""

ALIVE = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
_PROCESS_CLOCK = 2


@dataclass(frozen=True)
class Outcome:
    """What an attack cost, or how it was answered wrongly.

    Attributes:
        name: The attack's.
        tries: How often it was done, or by how many clients.
        figures: What was measured.
        problem: What was wrong beside it; empty for nothing.
    """

    name: str
    tries: int
    figures: list[Figure]
    problem: str = ""

    @property
    def held(self) -> bool:
        """Every figure is within its bound, and every answer was right."""
        return not self.problem and all(figure.held for figure in self.figures)


@dataclass(frozen=True)
class Figure:
    """What was measured, and how much it may be."""

    name: str
    value: float
    bound: float
    unit: str = ""

    @property
    def held(self) -> bool:
        """It is within its bound."""
        return self.value <= self.bound


@dataclass(frozen=True)
class Attack:
    """One thing that a hostile client does.

    Attributes:
        name: What it is, in the table.
        tries: How often it is done, or by how many clients.
        measure: Does it and says what it cost; FaultError where an answer is not what it has to be.
        slow: Minutes rather than seconds: for `make attack`, not for the tests.
        script: An entry script's text, in place of the service's own.
        variables: Settings other than the defaults.
    """

    name: str
    tries: int
    measure: Callable[[Arena], list[Figure]]
    slow: bool = False
    script: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, 0 where the connection ended without one, and the body."""

    status: int
    body: bytes

    @property
    def message(self) -> str:
        """The refusal in words, of either protocol."""
        error = json.loads(self.body)["error"]
        return error if isinstance(error, str) else error["message"]


@dataclass(frozen=True)
class Cost:
    """What requests have cost the service, and what another client noticed.

    Attributes:
        cpu: Seconds of the worker's processor time.
        memory: Bytes above a service that rests, at the highest.
        wait: The most that the worker did while another client waited for `GET /`, in seconds of
            its processor time: what the machine does beside it does not count.
        usual: The median of the same. Where there is always more to do, a client that is late to
            look takes that for its wait.
        answers: What came back, request by request.
    """

    cpu: float
    memory: int
    wait: float
    usual: float
    answers: list[Answer]

    def check(self, *statuses: int) -> None:
        """Refuse other answers.

        Raises:
            FaultError: There is one.
        """
        for answer in self.answers:
            if answer.status not in statuses:
                raise FaultError(f"HTTP {answer.status} {answer.body[:120]!r}")


class Arena:
    """A running service with one worker, and what it needs when it rests.

    Attributes:
        large: Seconds of processor time that the costliest good request takes here.
    """

    def __init__(self, running: Running, model: Path, large: float) -> None:
        self.running = running
        self.large = large
        self.manifest = Manifest.read(model)
        self.port = running.port
        self.pid = running.tree()[-1].pid  # the worker, or the only process there is
        self.ask(ALIVE)
        self._resting = self._status("VmRSS")

    @property
    def infer(self) -> str:
        """The path of the model's tensors."""
        return f"/v2/models/{self.manifest.name}/infer"

    def cost(self, requests: list[bytes], at_once: bool = False) -> Cost:
        """Send whole requests one after another, or all at once, each on its own connection."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak counts from now on
        before = self.busy()
        clients = ThreadPoolExecutor(len(requests) if at_once else 1)
        with self._other() as waits, clients:
            answers = list(clients.map(self.ask, requests))
        return Cost(
            self.busy() - before,
            self._status("VmHWM") - self._resting,
            max(waits),
            statistics.median(waits),
            answers,
        )

    def highest(self) -> int:
        """Bytes of all processes, the worker at its highest since the last cost was taken."""
        top = self.running.proportional()
        return top + max(0, self._status("VmHWM") - self._status("VmRSS"))

    def busy(self) -> float:
        """Seconds of processor time that the worker has had: man 2 clock_getres."""
        return time.clock_gettime(~self.pid << 3 | _PROCESS_CLOCK)

    def ask(self, request: bytes) -> Answer:
        """The first answer to some bytes, on a connection of its own."""
        data = b""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), TIMEOUT) as client,
        ):
            with contextlib.suppress(OSError):  # refused before all of it was sent
                client.sendall(request)
            while not load.whole(data) and (piece := client.recv(1 << 20)):
                data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        return Answer(int(head[9:12] or 0), body)

    @contextlib.contextmanager
    def _other(self) -> Iterator[list[float]]:
        """Meanwhile another client asks again and again; gives the work done while it waited."""
        waits = [0.0]
        end = threading.Event()

        def ask() -> None:
            while not end.wait(0.005):
                begin = self.busy()
                self.ask(ALIVE)
                waits.append(self.busy() - begin)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield waits
        finally:
            end.set()
            thread.join()

    def _status(self, name: str) -> int:
        """Bytes of the worker, as /proc says."""
        found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) << 10 if found else 0


@contextlib.contextmanager
def arena(model: Path, script: str = "", large: float = 1.0, **variables: str) -> Iterator[Arena]:
    """A service with its defaults, but for the given variables."""
    cores = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as folder:
        if script:
            entry = Path(folder) / "entry.py"
            entry.write_text(script)
            variables["SCORING_SCRIPT"] = str(entry)
        with servers.ours(model, Path(folder), cores, 1, **variables) as running:
            yield Arena(running, model, large)


def post(path: str, body: bytes, *headers: tuple[str, str]) -> bytes:
    """A whole request; JSON unless a header says otherwise."""
    return bodies.request(path, body, ("connection", "close"), *headers)
