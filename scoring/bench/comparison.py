"""Rounds of load on both servers in turn, so that what disturbs one disturbs the other, too."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from scoring.bench import bodies, load, servers
from scoring.bench.generator import Generator
from scoring.bench.load import Load, WrongAnswerError
from scoring.bench.plan import Comparison, Line, Pair, Plan
from scoring.bench.servers import Running
from scoring.manifest import Manifest, verified_bytes
from scoring.process.threads import VARIABLES

FORMS = ("JSON", "UINT8", "FP32")
SCALING_ROWS = 30
REST_SECONDS = 3.0
"""Memory is read so long after the load: both servers have had time to give some back."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """A request, and the labels that scikit-learn gives for exactly the values in it."""

    form: str
    rows: int
    request: bytes
    labels: list[int]

    def right_body(self, server: Running) -> bytes:
        """The body of a server's answer, once its labels are found to be right."""
        body = load.ask(server.port, self.request)
        given = bodies.labels(body, raw=self.form != "JSON")
        if given != self.labels:
            raise WrongAnswerError(
                f"{server.name} predicts {given[:10]} for {self.form} of {self.rows} rows,"
                f" not {self.labels[:10]}"
            )
        return body


class Cases:
    """Makes cases of one model and its test images."""

    def __init__(self, model: Path, images: Path) -> None:
        """Read both.

        Raises:
            ModelError: The model is not what its manifest declares.
            OSError: The images cannot be read.
            ValueError: They do not fit the model.
        """
        manifest = Manifest.read(model)
        verified_bytes(model, manifest)
        self._name = manifest.name
        self._estimator: Any = joblib.load(model / manifest.file)
        self._pixels = bodies.read_images(images, manifest.features)

    def case(self, form: str, rows: int, *headers: tuple[str, str]) -> Case:
        """The first rows in one form."""
        pixels: NDArray[np.uint8] = np.resize(self._pixels, (rows, self._pixels.shape[1]))
        if form == "JSON":
            request = bodies.score(pixels, *headers)
        else:
            request = bodies.binary(self._name, pixels, form, *headers)
        exact = bodies.values(pixels, form).astype(np.float64)
        return Case(form, rows, request, self._estimator.predict(exact).tolist())


def measure(
    model: Path,
    images: Path,
    environment: Path,
    plan: Plan,
    generator: Generator,
    say: Say,
) -> Comparison:
    """Measure both servers.

    Args:
        model: The model directory.
        images: A gzipped IDX file with rows for the model.
        environment: Of Microsoft's server.
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
            with servers.theirs(environment, model, folder, server_core) as theirs:
                starts.append(Pair(ours.cold_start, theirs.cold_start))
        ours = stack.enter_context(servers.ours(model, folder, server_core))
        theirs = stack.enter_context(servers.theirs(environment, model, folder, server_core))
        lines: list[Line] = []
        for rows in plan.sizes:
            lines += _lines(ours, theirs, cases, rows, plan, generator, say)
        lines.sort(key=lambda line: (FORMS.index(line.form), line.rows))
        time.sleep(REST_SECONDS)
        resident = Pair(ours.resident(), theirs.resident())
        proportional = Pair(ours.proportional(), theirs.proportional())
        stack.close()
        case = cases.case("JSON", SCALING_ROWS)
        scaling = _scaling(model, folder, set(cores), case, plan, generator, say)
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
    )


def steps(plan: Plan) -> int:
    """How often measure() calls `say`."""
    return plan.starts + 1 + (len(plan.sizes) + 2) * plan.rounds


def _lines(
    ours: Running,
    theirs: Running,
    cases: Cases,
    rows: int,
    plan: Plan,
    generator: Generator,
    say: Say,
) -> list[Line]:
    of_form = {form: cases.case(form, rows) for form in FORMS}
    plain = of_form["JSON"]
    right = {form: case.right_body(ours) for form, case in of_form.items()}
    baseline = plain.right_body(theirs)
    seconds = plan.seconds_for(rows)
    found: dict[str, list[Load]] = {form: [] for form in FORMS}
    busy: dict[str, list[float]] = {form: [] for form in FORMS}
    other: list[Load] = []
    if generator.foreign:  # it takes any answer that is a 200: each is compared here, before
        for form, case in of_form.items():
            load.run(ours.port, case.request, right[form], plan.comparing)
        load.run(theirs.port, plain.request, baseline, plan.comparing)

    def load_theirs() -> None:
        other.append(generator.run(theirs.port, plain.request, baseline, seconds))

    def load_ours(form: str) -> None:
        before, begin = ours.busy_seconds(), time.perf_counter()
        found[form].append(generator.run(ours.port, of_form[form].request, right[form], seconds))
        elapsed = time.perf_counter() - begin
        busy[form].append((ours.busy_seconds() - before) / elapsed)

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
        )
        for form in FORMS
    ]


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
                rates.append(generator.run(running.port, case.request, body, plan.seconds).rate)
        found.append(Pair(*rates))
    return tuple(found) if len(cores) > 1 else ()
