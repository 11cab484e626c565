"""Rounds of load on the servers in turn, so that what disturbs one disturbs the other, too."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
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

Say = Callable[[str], None]


@dataclass(frozen=True)
class Environments:
    """Of the servers that are measured beside ours."""

    theirs: Path
    mlserver: Path


def measure(
    model: Path,
    images: Path,
    environments: Environments,
    plan: Plan,
    generator: Generator,
    say: Say,
) -> Comparison:
    """Measure the three servers.

    Args:
        model: The model directory.
        images: A gzipped IDX file with rows for the model.
        environments: Of the other two.
        plan: How much.
        generator: What makes the load that is measured.
        say: Told what is being measured, `steps()` times.

    Raises:
        ModelError: The model is not what its manifest declares.
        OSError: The images cannot be read.
        ServerFailedError: A server did not come up.
        ValueError: The images do not fit the model.
        WrongAnswerError: A server did not predict what scikit-learn does.
    """
    cases = Cases(model, images)
    cores = sorted(os.sched_getaffinity(0))
    server_core, load_cores = {cores[0]}, set(cores[1:] or cores)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(servers.pinned(load_cores))
        starts: list[Pair] = []
        for number in range(plan.starts + 1):
            say(f"cold start {number} of {plan.starts}" if number else "a start to warm up")
            with servers.ours(model, folder, server_core) as ours:
                pass
            with servers.theirs(environments.theirs, model, folder, server_core) as theirs:
                pass
            with servers.mlserver(environments.mlserver, model, folder, server_core) as other:
                pass
            starts.append(Pair(ours.cold_start, theirs.cold_start, other.cold_start))
        trio = _trio(stack, environments, model, folder, server_core)
        bare = stack.enter_context(servers.bare(folder, server_core))
        lines: list[Line] = []
        for rows in plan.sizes:
            lines += _lines(trio, bare, cases, rows, plan, generator, say)
        lines.sort(key=lambda line: (FORMS.index(line.form), line.rows))
        plain, tensor = cases.case("JSON", 1, CLOSING), cases.tensor(1, CLOSING)
        lines.append(
            _beside(
                trio,
                NEW_CONNECTIONS,
                (plain, plain, tensor),
                plan.rounds,
                plan.seconds,
                generator,
                say,
                bare,
            )
        )
        time.sleep(REST_SECONDS)
        resident = Pair(*(each.resident() for each in trio))
        proportional = Pair(*(each.proportional() for each in trio))
        stack.close()
        general: list[Line] = []
        stack.enter_context(servers.pinned(load_cores))
        for served in estimators.make(folder):
            with contextlib.ExitStack() as each:
                trio = _trio(each, environments, served.directory, folder, server_core)
                for rows in plan.sizes:
                    plain, tensor = served.case(rows), served.tensor(rows)
                    asked = (plain, plain, tensor)
                    rounds, seconds = plan.general, plan.general_seconds
                    general.append(
                        _beside(trio, served.name, asked, rounds, seconds, generator, say)
                    )
        stack.close()
        case = cases.case("JSON", SCALING_ROWS)
        scaling = _scaling(model, folder, set(cores), case, plan, generator, say)
        case = cases.case(SEEN_FORM, SEEN_ROWS)
        seen = _seen(model, folder, set(cores), case, plan, generator, say)
    # The first start reads from the disk what the others find in memory.
    return Comparison(
        tuple(lines),
        tuple(starts[1:]),
        resident,
        proportional,
        scaling,
        len(cores),
        seen,
        generator.name,
        generator.foreign,
        tuple(general),
    )


def steps(plan: Plan) -> int:
    """How often measure() calls `say`."""
    general = len(estimators.KINDS) * len(plan.sizes) * plan.general
    return plan.starts + 1 + (len(plan.sizes) + 3) * plan.rounds + general


def _trio(
    stack: contextlib.ExitStack,
    environments: Environments,
    model: Path,
    folder: Path,
    core: set[int],
) -> tuple[Running, Running, Running]:
    """Ours, Microsoft's and MLServer with one model, until the stack is closed."""
    return (
        stack.enter_context(servers.ours(model, folder, core)),
        stack.enter_context(servers.theirs(environments.theirs, model, folder, core)),
        stack.enter_context(servers.mlserver(environments.mlserver, model, folder, core)),
    )


def _lines(
    trio: tuple[Running, Running, Running],
    bare: Running,
    cases: Cases,
    rows: int,
    plan: Plan,
    generator: Generator,
    say: Say,
) -> list[Line]:
    ours, theirs, mlserver = trio
    of_form = {form: cases.case(form, rows) for form in FORMS}
    plain, tensor = of_form["JSON"], cases.tensor(rows)
    right = {form: case.right_body(ours) for form, case in of_form.items()}
    baseline, v2 = plain.right_body(theirs), tensor.right_body(mlserver)
    seconds = plan.seconds_for(rows)
    found: dict[str, list[Load]] = {form: [] for form in FORMS}
    busy: dict[str, list[float]] = {form: [] for form in FORMS}
    spent: dict[str, list[float]] = {form: [] for form in FORMS}
    floor: dict[str, list[Load]] = {form: [] for form in FORMS}
    other: list[Load] = []
    spent_theirs: list[float] = []
    third: list[Load] = []
    if generator.foreign:  # it takes any answer that is a 200: each is compared here, before
        for form, case in of_form.items():
            load.run(ours.port, case.request, right[form], plan.comparing)
        load.run(theirs.port, plain.request, baseline, plan.comparing)
        load.run(mlserver.port, tensor.request, v2, plan.comparing)

    def load_theirs() -> None:
        before = theirs.busy_seconds()
        other.append(generator.run(theirs.port, plain.request, baseline, seconds))
        spent_theirs.append((theirs.busy_seconds() - before) / other[-1].answers)
        third.append(generator.run(mlserver.port, tensor.request, v2, seconds))

    def load_ours(form: str) -> None:
        before, begin = ours.busy_seconds(), time.perf_counter()
        found[form].append(generator.run(ours.port, of_form[form].request, right[form], seconds))
        elapsed = time.perf_counter() - begin
        used = ours.busy_seconds() - before
        busy[form].append(used / elapsed)
        spent[form].append(used / found[form][-1].answers)
        request = of_form[form].request
        floor[form].append(generator.run(bare.port, request, load.ask(bare.port, request), seconds))

    for number in range(plan.rounds):
        say(f"{rows:,} rows, round {number + 1} of {plan.rounds}")
        if number % 2:
            load_theirs()
        for form in FORMS if number % 2 else reversed(FORMS):
            load_ours(form)
        if not number % 2:
            load_theirs()
    return [
        Line(
            form,
            rows,
            len(of_form[form].request),
            tuple(found[form]),
            tuple(other),
            tuple(busy[form]),
            tuple(third) if form == "JSON" else (),
            tuple(map(Pair, spent[form], spent_theirs)),
            tuple(floor[form]),
        )
        for form in FORMS
    ]


def _beside(
    trio: tuple[Running, Running, Running],
    name: str,
    cases: tuple[Case, Case, Case],
    rounds: int,
    seconds: float,
    generator: Generator,
    say: Say,
    bare: Running | None = None,
) -> Line:
    """Three servers with a case each: another model than the linear one, or another way to ask."""
    asked = tuple(zip(trio, cases, strict=True))
    rows, request = cases[0].rows, cases[0].request
    right = [case.right_body(server) for server, case in asked]
    if generator.foreign:
        for (server, case), body in zip(asked, right, strict=True):
            load.run(server.port, case.request, body, min(seconds, 0.3))
    found: tuple[list[Load], ...] = ([], [], [])
    floor: list[Load] = []
    for number in range(rounds):
        say(f"{name}, {rows:,} rows, round {number + 1} of {rounds}")
        for place in (0, 1, 2) if number % 2 else (2, 1, 0):
            server, case = asked[place]
            done = generator.run(server.port, case.request, right[place], seconds)
            found[place].append(done)
        if bare is not None:
            floor.append(generator.run(bare.port, request, load.ask(bare.port, request), seconds))
    ours, theirs, mlserver = map(tuple, found)
    return Line(name, rows, len(request), ours, theirs, mlserver=mlserver, bare=tuple(floor))


def _scaling(
    model: Path,
    folder: Path,
    cores: set[int],
    case: Case,
    plan: Plan,
    generator: Generator,
    say: Say,
) -> dict[int, list[float]]:
    """Rates of one worker and of a worker a core, in turn."""
    found: dict[int, list[float]] = {}
    for number in range(plan.rounds):
        say(f"workers, round {number + 1} of {plan.rounds}")
        for workers in sorted({1, len(cores)}):
            with servers.ours(model, folder, cores, workers) as running:
                body = case.right_body(running)
                done = generator.run(running.port, case.request, body, plan.seconds, threads=2)
                found.setdefault(workers, []).append(done.rate)
    return found


def _seen(
    model: Path,
    folder: Path,
    cores: set[int],
    case: Case,
    plan: Plan,
    generator: Generator,
    say: Say,
) -> tuple[Pair, ...]:
    """Rates of one worker with one core's time that sees all: one thread a library, or many."""
    found = []
    for number in range(plan.rounds):
        say(f"visible cores, round {number + 1} of {plan.rounds}")
        rates = []
        for threads in ("1", str(len(cores))):
            given = dict.fromkeys(VARIABLES, threads)
            with (
                servers.ours(model, folder, cores, 1, **given) as running,
                servers.quota(running) as limited,
            ):
                if not limited:
                    return ()
                body = case.right_body(running)
                seconds = plan.seconds_for(case.rows)
                rates.append(generator.run(running.port, case.request, body, seconds).rate)
        found.append(Pair(*rates))
    return tuple(found) if len(cores) > 1 else ()
