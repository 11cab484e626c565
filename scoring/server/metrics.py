"""Counters for `/metrics`, in Prometheus' text format 0.0.4.

Written by hand: an answer costs two dictionary updates here, and importing a client library would
cost more of the cold start than the rest of the service's own code.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from scoring.manifest import Manifest

TEXT = "text/plain; version=0.0.4; charset=utf-8"
# Seconds: one row takes tens of microseconds, a slow script up to its time limit.
BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)


class Metrics:
    """One worker's counters since its start."""

    def __init__(self, manifest: Manifest) -> None:
        self._model = _labels(name=manifest.name, version=manifest.version, sha256=manifest.sha256)
        self._requests: Counter[tuple[str, int]] = Counter()
        self._errors: Counter[str] = Counter()
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self._rows = 0

    def count(self, route: str, status: int, error: str) -> None:
        """Count an answer; `error` is empty for a good one."""
        self._requests[route, status] += 1
        if error:
            self._errors[error] += 1

    def scored(self, rows: int, seconds: float) -> None:
        """Count a scored request: its rows, and the time from its head to its answer."""
        self._rows += rows
        self._seconds += seconds
        self._buckets[bisect_left(BOUNDS, seconds)] += 1

    def render(self, *, in_flight: int, connections: int) -> bytes:
        """Every metric as text."""
        lines = [
            *_metric("scoring_model_info", "gauge", "The served model.", [(self._model, 1)]),
            *_metric(
                "scoring_requests_total",
                "counter",
                "Answers by route and status.",
                [
                    (_labels(route=route, status=str(status)), count)
                    for (route, status), count in sorted(self._requests.items())
                ],
            ),
            *_metric(
                "scoring_errors_total",
                "counter",
                "Refused or failed requests by kind.",
                [(_labels(kind=kind), count) for kind, count in sorted(self._errors.items())],
            ),
            *_metric("scoring_rows_total", "counter", "Rows scored.", [("", self._rows)]),
            *_metric(
                "scoring_requests_in_flight",
                "gauge",
                "Requests that are being received or answered.",
                [("", in_flight)],
            ),
            *_metric("scoring_connections", "gauge", "Open connections.", [("", connections)]),
            *self._histogram("scoring_latency_seconds"),
        ]
        return ("\n".join(lines) + "\n").encode()

    def _histogram(self, name: str) -> Iterable[str]:
        yield f"# HELP {name} Time from a scoring request's head to its answer."
        yield f"# TYPE {name} histogram"
        total = 0
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self._buckets, strict=True):
            total += count
            yield f"{name}_bucket{_labels(le=bound)} {total}"
        yield f"{name}_sum {self._seconds!r}"
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
