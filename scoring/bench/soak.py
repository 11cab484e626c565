"""Full load for a long time, with faults mixed in: is every answer right, does anything grow?"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import psutil

from scoring.bench import bodies
from scoring.bench.attacks.hostile import HOSTILE
from scoring.bench.cases import Cases
from scoring.bench.faults import FAULTS, Asking, EndedError, Fault, FaultError, Target
from scoring.bench.servers import Running

CLIENTS, HOSTILE_CLIENTS = 6, 4
GROWTH = 1.10
"""The last third may need so much more memory than the first ..."""

SLACK = 16_000_000
"""... and so many bytes: allocators never stand quite still ..."""

WARM_SECONDS = 120.0
"""... or four times as many in a run so short that it is still warming up."""

MORE_FILES = 24
"""Open files fluctuate with the connections of the moment."""

KILL_SECONDS = 15.0
"""More than five deaths in a minute would end the service, on purpose."""

_SAMPLES = 240
_EXAMPLES = 5


@dataclass(frozen=True)
class Question:
    """A good request and its only right answer.

    Attributes:
        path: Where it is sent.
        headers: Of the request.
        body: Of the request.
        read: Makes labels of the answer's body.
        labels: The right ones.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    read: Callable[[bytes], list[int]]
    labels: list[int]


@dataclass
class Outcome:
    """What happened.

    Attributes:
        seconds: How long it went on.
        answers: Good requests that were answered rightly.
        faults: Faults that were answered as they have to be, by name.
        killed: Workers that were killed on purpose.
        excused: Requests that broke off because their connection was a killed worker's.
        problems: What was wrong, by kind, with how often.
        examples: The first few problems in words.
        memory: Bytes of the whole tree, sample by sample.
        files: Open files of the whole tree, sample by sample.
    """

    seconds: float = 0.0
    answers: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    excused: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def verdict(self) -> list[str]:
        """Everything that must not be; nothing if the service stood it."""
        found = [f"{count} times {kind}" for kind, count in sorted(self.problems.items())]
        if not self.answers:
            found.append("no request was answered")
        if len(self.memory) >= 3:
            first, last = thirds(self.memory)
            slack = SLACK * (4 if self.seconds < WARM_SECONDS else 1)
            if last > first * GROWTH + slack:
                found.append(f"memory grew from {first / 1e6:.0f} MB to {last / 1e6:.0f} MB")
            first, last = thirds(self.files)
            if last > first + MORE_FILES:
                found.append(f"open files grew from {first:.0f} to {last:.0f}")
        return found

    def json(self) -> str:
        """Everything as JSON."""
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return json.dumps({**content, "verdict": self.verdict()}, indent=2) + "\n"


def thirds(values: Sequence[int]) -> tuple[float, float]:
    """Medians of the first and the last third, after a warm-up of a tenth."""
    warm = values[len(values) // 10 :]
    size = max(1, len(warm) // 3)
    return statistics.median(warm[:size]), statistics.median(warm[-size:])


class Soak:
    """One run against one service."""

    def __init__(
        self,
        server: Running,
        target: Target,
        questions: Sequence[Question],
        kill: bool = True,
        hostile: int = 0,
    ) -> None:
        """A run that can be started.

        Args:
            server: The service.
            target: Where faults are sent.
            questions: Good requests; clients take them in turn.
            kill: Whether to kill a worker now and then.
            hostile: Clients that send what costs most, beside the one that makes mistakes.
        """
        self._server = server
        self._target = target
        self._questions = questions
        self._kill = kill
        self._hostile = hostile
        self._outcome = Outcome()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._taken: dict[int, float] = {}  # clients' ports that ended with a worker, and when

    def run(self, seconds: float, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """Keep the service busy for so long."""
        begin = time.monotonic()
        threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        bad = [(FAULTS, 0), *((HOSTILE, number) for number in range(self._hostile))]
        threads += [threading.Thread(target=self._misbehave, args=each) for each in bad]
        if self._kill:
            threads.append(threading.Thread(target=self._murder))
        try:
            for thread in threads:
                thread.start()
            while (elapsed := time.monotonic() - begin) < seconds:
                if self._server.process.poll() is not None:
                    self._problem("the service ended", self._server.last_words())
                    break
                self._outcome.memory.append(self._server.proportional())
                self._outcome.files.append(self._server.files())
                say(
                    f"{elapsed:.0f} of {seconds:.0f} s, {self._outcome.answers:,} right answers, "
                    f"{sum(self._outcome.problems.values())} problems"
                )
                self._end.wait(max(0.05, seconds / _SAMPLES))
        finally:
            self._end.set()
            for thread in threads:
                if thread.ident:  # it was started
                    thread.join()
        self._outcome.seconds = time.monotonic() - begin
        return self._outcome

    def _ask(self, number: int) -> None:
        """One client: good requests on a connection that is kept."""
        questions = itertools.islice(itertools.cycle(self._questions), number, None)
        connection = Asking(self._server.port, 30, [])
        right = 0
        for question in questions:
            if self._end.is_set():
                break
            try:
                connection.request("POST", question.path, question.body, question.headers)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._broken_off(connection.opened, error)
                connection = Asking(self._server.port, 30, [])
                continue
            if answer.status != 200:
                self._problem(f"HTTP {answer.status} to a good request", repr(content[:200]))
            elif self._wrong(question, content):
                self._problem("a wrong answer", repr(content[:200]))
            else:
                right += 1
                if right % 64 == 0:
                    self._count(64)
        self._count(right % 64)
        connection.close()

    def _wrong(self, question: Question, content: bytes) -> bool:
        try:
            return question.read(content) != question.labels
        except (ValueError, KeyError, TypeError, IndexError):
            return True

    def _misbehave(self, faults: Mapping[str, Fault], first: int) -> None:
        """Every fault in turn from the first on, again and again."""
        target = replace(self._target, opened=[])
        for name, fault in itertools.islice(itertools.cycle(faults.items()), first, None):
            if self._end.is_set():
                return
            target.opened.clear()
            try:
                fault(target)
            except (EndedError, OSError, http.client.HTTPException) as error:
                self._broken_off(target.opened, error, name)
            except FaultError as error:
                self._problem(f"{name} answered otherwise", str(error))
            else:
                with self._lock:
                    self._outcome.faults[name] += 1
            self._end.wait(0.02)

    def _murder(self) -> None:
        """Kill a worker; another one has to take its place."""
        while not self._end.wait(KILL_SECONDS):
            workers = [process.pid for process in self._server.tree()[1:]]
            if not workers:
                self._problem("no worker to kill", "the service has no processes below it")
                continue
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                self._kill_one(workers[0])
            if not any(self._replaced(workers) for _ in self._patience()):
                self._problem("a killed worker was not replaced", f"of {len(workers)}")

    def _kill_one(self, worker: int) -> None:
        """Kill it, and know exactly which connections end with it: stopped, it takes no more."""
        os.kill(worker, signal.SIGSTOP)
        ports: list[int] = []
        try:
            process = psutil.Process(worker)
            for _ in self._patience():
                if process.status() == psutil.STATUS_STOPPED:
                    break
            held = process.net_connections("tcp")
            ports = [each.raddr.port for each in held if each.raddr]
        finally:
            with self._lock:
                self._taken.update(dict.fromkeys(ports, time.monotonic()))
            os.kill(worker, signal.SIGKILL)
        self._outcome.killed += 1

    def _replaced(self, before: list[int]) -> bool:
        now = [process.pid for process in self._server.tree()[1:] if process.status() != "zombie"]
        return len(now) >= len(before) and before[0] not in now

    def _patience(self) -> Iterator[None]:
        limit = time.monotonic() + KILL_SECONDS
        while time.monotonic() < limit:
            yield
            time.sleep(0.05)

    def _broken_off(
        self, opened: Sequence[tuple[int, float]], error: Exception, fault: str = ""
    ) -> None:
        """A connection that ended: excused only if it was a killed worker's."""
        with self._lock:
            excused = any(since <= self._taken.get(port, 0.0) for port, since in opened)
            self._outcome.excused += excused
        if excused:
            time.sleep(0.01)
            return
        kind = f"{fault} broke off" if fault else "a good request broke off"
        self._problem(kind, f"{type(error).__name__}: {error}")

    def _problem(self, kind: str, example: str) -> None:
        with self._lock:
            self._outcome.problems[kind] += 1
            if len(self._outcome.examples) < _EXAMPLES:
                self._outcome.examples.append(f"{kind}: {example}")
        self._end.wait(0.01)

    def _count(self, right: int) -> None:
        with self._lock:
            self._outcome.answers += right


def questions(cases: Cases, key: str) -> list[Question]:
    """JSON and raw values, one and many rows, with the Bearer key."""
    found: list[Question] = []
    for rows in (1, 7, 30):
        for form in ("JSON", "FP32"):
            case = cases.case(form, rows, ("authorization", f"Bearer {key}"))
            read = partial(bodies.labels, raw=form != "JSON")
            found.append(Question(*bodies.parts(case.request), read, case.labels))
    return found
