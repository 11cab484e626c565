"""Counters for `/metrics`, in Prometheus' text format 0.0.4.

Written by hand: an answer costs two dictionary updates here, and importing a client library would
cost more of the cold start than the rest of the service's own code.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable

from scoring.manifest import Manifest
from scoring.process.scoreboard import Board

# Seconds: one row takes tens of microseconds, a slow script up to its time limit.
BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)


class Counts:
    """Everything that only grows."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.errors: Counter[str] = Counter()
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.rows = 0

    def packed(self) -> bytes:
        """All of it as a note for the board."""
        requests = [[route, status, count] for (route, status), count in self.requests.items()]
        return json.dumps([requests, self.errors, self.buckets, self.seconds, self.rows]).encode()

    def add(self, note: bytes) -> None:
        """Add what a worker packed."""
        if not note:
            return
        requests, errors, buckets, seconds, rows = json.loads(note)
        for route, status, count in requests:
            self.requests[route, status] += count
        self.errors.update(errors)
        self.buckets = [one + other for one, other in zip(self.buckets, buckets, strict=True)]
        self.seconds += seconds
        self.rows += rows


class Metrics:
    """One worker's counters, which go on from those of the worker whose place it took."""

    def __init__(
        self,
        manifest: Manifest,
        board: Board,
        worker: int = 0,
        held: Callable[[], tuple[int, int]] = lambda: (0, 0),
    ) -> None:
        """Go on counting; `held` says how many connections and requests the worker holds now."""
        self._model = _labels(name=manifest.name, version=manifest.version, sha256=manifest.sha256)
        self._board = board
        self._worker = worker
        self._held = held
        self._counts = Counts()
        self._counts.add(board.note(worker))

    def count(self, route: str, status: int, error: str) -> None:
        """Count an answer; `error` is empty for a good one."""
        self._counts.requests[route, status] += 1
        if error:
            self._counts.errors[error] += 1

    def scored(self, rows: int, seconds: float) -> None:
        """Count a scored request: its rows, and the time from its head to its answer."""
        counts = self._counts
        counts.rows += rows
        counts.seconds += seconds
        counts.buckets[bisect_left(BOUNDS, seconds)] += 1

    def publish(self, *, answering: int = 0) -> None:
        """Show this worker's numbers to the others."""
        connections, in_flight = self._held()
        self._board.publish(self._worker, self._counts.packed())
        self._board.gauge(self._worker, connections, in_flight + answering)

    def render(self) -> bytes:
        """Every metric of all workers as text.

        What one answer shows is published before it, so no later answer, whichever worker gives
        it, shows less.
        """
        self.publish(answering=1)  # who asks was read whole, so nobody else counts it
        board = self._board
        total = Counts()
        for worker in range(board.workers):
            total.add(board.note(worker))
        connections, in_flight = board.gauges()
        ready = sum(board.ready(worker) for worker in range(board.workers))
        lines = [
            *_metric("scoring_model_info", "gauge", "The served model.", [(self._model, 1)]),
            *_metric(
                "scoring_requests_total",
                "counter",
                "Answers by route and status.",
                [
                    (_labels(route=route, status=str(status)), count)
                    for (route, status), count in sorted(total.requests.items())
                ],
            ),
            *_metric(
                "scoring_errors_total",
                "counter",
                "Refused or failed requests by kind.",
                [(_labels(kind=kind), count) for kind, count in sorted(total.errors.items())],
            ),
            *_metric("scoring_rows_total", "counter", "Rows scored.", [("", total.rows)]),
            *_metric(
                "scoring_requests_in_flight",
                "gauge",
                "Requests that are being received or answered.",
                [("", in_flight)],
            ),
            *_metric("scoring_connections", "gauge", "Open connections.", [("", connections)]),
            *_metric("scoring_workers", "gauge", "Workers that are ready.", [("", ready)]),
            *_metric(
                "scoring_worker_restarts_total",
                "counter",
                "Workers started in place of one that ended.",
                [("", board.restarts)],
            ),
            *_histogram("scoring_latency_seconds", total),
        ]
        return ("\n".join(lines) + "\n").encode()


def _histogram(name: str, counts: Counts) -> Iterable[str]:
    yield f"# HELP {name} Time from a scoring request's head to its answer."
    yield f"# TYPE {name} histogram"
    total = 0
    for bound, count in zip((*map(repr, BOUNDS), "+Inf"), counts.buckets, strict=True):
        total += count
        yield f"{name}_bucket{_labels(le=bound)} {total}"
    yield f"{name}_sum {counts.seconds!r}"
    yield f"{name}_count {total}"


def _metric(
    name: str, kind: str, meaning: str, samples: Iterable[tuple[str, int]]
) -> Iterable[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{labels} {value}"


def _labels(**labels: str) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
