"""Rounds of load on the servers in turn, so that what disturbs one disturbs the other, too."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scoring.bench import estimators, load, servers
from scoring.bench.cases import Case, Cases
from scoring.bench.generator import Generator
from scoring.bench.load import Load
from scoring.bench.plan import Comparison, Line, Pair, Plan
from scoring.bench.servers import Running
from scoring.process.threads import VARIABLES

FORMS = ("JSON", "UINT8", "FP32")
NEW_CONNECTIONS = "JSON, a connection each"
CLOSING = ("connection", "close")
SCALING_ROWS = 30
# OpenBLAS shares out no smaller product than some hundred rows make.
SEEN_FORM, SEEN_ROWS = "UINT8", 1000
REST_SECONDS = 3.0
"""Memory is read so long after the load: both servers have had time to give some back."""

_ONE_CORE = {
    "/sys/fs/cgroup/cpu": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000"},
    "/sys/fs/cgroup": {"cpu.max": "100000 100000"},
}


@dataclass
class _Asked:
    """A server with one request, and what came of it.

    Attributes:
        server: Which.
        request: What it is asked.
        right: The body of the only right answer.
        loads: One a round.
        busy: Part of the time that the server was computing, round by round.
        spent: Seconds of processor time an answer, round by round.
    """

    server: Running
    request: bytes
    right: bytes
    loads: list[Load] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, server: Running, case: Case) -> _Asked:
        """Once its labels are found to be right."""
        return cls(server, case.request, case.right_body(server))

    def load(self, generator: Generator, seconds: float) -> None:
        """Ask for one round."""
        before, began = self.server.busy_seconds(), time.perf_counter()
        done = generator.run(self.server.port, self.request, self.right, seconds)
        elapsed = time.perf_counter() - began
        used = self.server.busy_seconds() - before
        self.loads.append(done)
        self.busy.append(used / elapsed)
        self.spent.append(used / done.answers)


@dataclass(frozen=True)
class Bench:
    """Measures three servers.

    Attributes:
        theirs: The environment of Microsoft's.
        mlserver: That of MLServer.
        plan: How much is measured.
        generator: What makes the load that is measured.
        folder: For what the servers read and write.
        say: Told what is being measured, `steps` times.
        cores: All that may be used; the first one is that of servers beside each other.
    """

    theirs: Path
    mlserver: Path
    plan: Plan
    generator: Generator
    folder: Path
    say: Callable[[str], None]
    cores: tuple[int, ...] = field(default_factory=lambda: tuple(sorted(os.sched_getaffinity(0))))

    @property
    def steps(self) -> int:
        """How often `say` is called."""
        plan = self.plan
        general = len(estimators.KINDS) * len(plan.sizes) * plan.general
        return plan.starts + 1 + (len(plan.sizes) + 3) * plan.rounds + general

    def measure(self, model: Path, images: Path) -> Comparison:
        """Measure all.

        Args:
            model: The model directory.
            images: A gzipped IDX file with rows for the model.

        Raises:
            ModelError: The model is not what its manifest declares.
            OSError: The images cannot be read.
            ServerFailedError: A server did not come up.
            ValueError: The images do not fit the model.
            WrongAnswerError: A server did not predict what scikit-learn does.
        """
        cases = Cases.read(model, images)
        with servers.pinned(set(self.cores[1:] or self.cores)):
            starts = self._starts(model)
            lines, resident, proportional = self._linear(model, cases)
            general = tuple(self._general())
        scaling = self._scaling(model, cases.case("JSON", SCALING_ROWS))
        seen = self._seen(model, cases.case(SEEN_FORM, SEEN_ROWS))
        return Comparison(
            lines,
            starts,
            resident,
            proportional,
            scaling,
            len(self.cores),
            seen,
            self.generator.name,
            self.generator.foreign,
            general,
        )

    def _starts(self, model: Path) -> tuple[Pair, ...]:
        """Cold starts of the three, each alone."""
        found: list[Pair] = []
        count = self.plan.starts
        for number in range(count + 1):
            self.say(f"cold start {number} of {count}" if number else "a start to warm up")
            seconds = []
            for each in self._servers(model):
                with each as running:
                    seconds.append(running.cold_start)
            found.append(Pair(*seconds))
        # The first start reads from the disk what the others find in memory.
        return tuple(found[1:])

    def _linear(self, model: Path, cases: Cases) -> tuple[tuple[Line, ...], Pair, Pair]:
        """The lines of the model itself, and what memory the servers need then, as RSS and PSS."""
        plan = self.plan
        with self._trio(model) as trio, servers.bare(self.folder, {self.cores[0]}) as bare:
            lines: list[Line] = []
            for rows in plan.sizes:
                of_form = {form: cases.case(form, rows) for form in FORMS}
                rounds, seconds = plan.rounds, plan.seconds_for(rows)
                lines += self._lines(trio, of_form, cases.tensor(rows), rounds, seconds, bare)
            lines.sort(key=lambda line: (FORMS.index(line.form), line.rows))
            new = {NEW_CONNECTIONS: cases.case("JSON", 1, CLOSING)}
            tensor = cases.tensor(1, CLOSING)
            lines += self._lines(trio, new, tensor, plan.rounds, plan.seconds, bare)
            time.sleep(REST_SECONDS)
            resident = Pair(*(each.resident() for each in trio))
            proportional = Pair(*(each.proportional() for each in trio))
        return tuple(lines), resident, proportional

    def _general(self) -> Iterator[Line]:
        """Lines of models that are not linear."""
        plan = self.plan
        for name, model, cases in estimators.make(self.folder):
            with self._trio(model) as trio:
                for rows in plan.sizes:
                    case = {name: cases.case("JSON", rows)}
                    rounds, seconds = plan.general, plan.general_seconds
                    yield from self._lines(trio, case, cases.tensor(rows), rounds, seconds)

    def _scaling(self, model: Path, case: Case) -> dict[int, list[float]]:
        """Rates of one worker and of a worker a core, in turn."""
        plan = self.plan
        found: dict[int, list[float]] = {workers: [] for workers in sorted({1, len(self.cores)})}
        for number in range(plan.rounds):
            self.say(f"workers, round {number + 1} of {plan.rounds}")
            for workers, rates in found.items():
                with servers.ours(model, self.folder, set(self.cores), workers) as running:
                    rates.append(self._rate(running, case, plan.seconds, threads=2))
        return found

    def _seen(self, model: Path, case: Case) -> tuple[Pair, ...]:
        """Rates of one worker with one core's time that sees all: one thread a library, or many."""
        plan, found = self.plan, []
        for number in range(plan.rounds):
            self.say(f"visible cores, round {number + 1} of {plan.rounds}")
            rates = []
            for threads in ("1", str(len(self.cores))):
                given = dict.fromkeys(VARIABLES, threads)
                with (
                    servers.ours(model, self.folder, set(self.cores), 1, **given) as running,
                    servers.limited(running, _ONE_CORE) as limited,
                ):
                    if not limited:
                        return ()
                    rates.append(self._rate(running, case, plan.seconds_for(case.rows)))
            found.append(Pair(*rates))
        return tuple(found) if len(self.cores) > 1 else ()

    def _servers(self, model: Path) -> Iterator[AbstractContextManager[Running]]:
        """Ours, Microsoft's and MLServer."""
        place = (model, self.folder, {self.cores[0]})
        yield servers.ours(*place)
        yield servers.theirs(self.theirs, *place)
        yield servers.mlserver(self.mlserver, *place)

    @contextmanager
    def _trio(self, model: Path) -> Iterator[list[Running]]:
        """The three beside each other."""
        with ExitStack() as stack:
            yield [stack.enter_context(each) for each in self._servers(model)]

    def _lines(
        self,
        trio: Sequence[Running],
        cases: Mapping[str, Case],
        tensor: Case,
        rounds: int,
        seconds: float,
        bare: Running | None = None,
    ) -> list[Line]:
        """A line a form; the first, which is JSON, is what Microsoft's server is asked, too.

        Args:
            trio: The servers.
            cases: By what their lines are called.
            tensor: What MLServer is asked.
            rounds: Of all, every other one in the opposite order.
            seconds: Of load on one server in one round.
            bare: Asked beside ours, where it is there.
        """
        first, rows = next(iter(cases)), tensor.rows
        ours = {form: _Asked.of(trio[0], case) for form, case in cases.items()}
        theirs, mlserver = _Asked.of(trio[1], cases[first]), _Asked.of(trio[2], tensor)
        in_turn = [theirs, mlserver, *ours.values()]
        if self.generator.foreign:  # it takes any 200: each answer is compared here, before
            for each in in_turn:
                load.run(each.server.port, each.request, each.right, self.plan.comparing)
        floor: dict[str, _Asked] = {}
        if bare is not None:
            for form, case in cases.items():
                right = load.ask(bare.port, case.request)
                floor[form] = _Asked(bare, case.request, right)
                in_turn.insert(in_turn.index(ours[form]) + 1, floor[form])
        for number in range(rounds):
            self.say(f"{', '.join(cases)}, {rows:,} rows, round {number + 1} of {rounds}")
            for each in in_turn if number % 2 else reversed(in_turn):
                each.load(self.generator, seconds)
        return [
            Line(
                form,
                rows,
                len(asked.request),
                tuple(asked.loads),
                tuple(theirs.loads),
                tuple(asked.busy),
                tuple(mlserver.loads) if form == first else (),
                tuple(map(Pair, asked.spent, theirs.spent)),
                tuple(floor[form].loads) if bare else (),
            )
            for form, asked in ours.items()
        ]

    def _rate(self, running: Running, case: Case, seconds: float, threads: int = 1) -> float:
        body = case.right_body(running)
        return self.generator.run(running.port, case.request, body, seconds, threads=threads).rate
