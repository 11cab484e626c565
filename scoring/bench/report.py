"""What was measured as Markdown and JSON, and which targets were missed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from statistics import median

from scoring.bench.comparison import NEW_CONNECTIONS, REST_SECONDS, SEEN_FORM, SEEN_ROWS
from scoring.bench.load import Load
from scoring.bench.plan import Comparison, Line, Pair

LEAST = {
    ("JSON", 1): 25.0,
    ("JSON", 30): 16.0,
    ("JSON", 1000): 13.5,
    (NEW_CONNECTIONS, 1): 25.0,
    ("UINT8", 1): 40.0,
    ("UINT8", 30): 90.0,
    ("UINT8", 1000): 150.0,
}
"""Our rate by that of azureml-inference-server-http with JSON, at least."""

MOST_TAIL = 2.5
LEAST_START = 6.0
MOST_MEMORY = 0.5

LEAST_SEEN = 8.0
"""Rate of a worker that sees more cores than it has, by that with a thread for each of them."""

LEAST_GENERAL = 1.0
"""Our rate by either's, for models that are not linear; below it in every round is a miss."""

_COLUMNS = (
    *("request", "rows", "ours, 1/s", "theirs, 1/s", "MLServer, 1/s", "ratio (spread)", "target"),
    *("p50", "p99", "p99/p50", "a bare server", "its p99/p50"),
)
_GENERAL = (
    *("model", "rows", "ours, 1/s", "theirs, 1/s", "MLServer, 1/s", "to theirs", "to MLServer"),
)


def missed(comparison: Comparison) -> list[str]:
    """Each target that was not reached, in words."""
    found = [
        f"{line.form} of {line.rows:,} rows is {line.ratio:.1f}x, not {least:g}x"
        for line in comparison.lines
        for least in [LEAST.get((line.form, line.rows), 0)]
        if line.ratio < least
    ]
    found += [
        f"the p99 of {line.form} of {line.rows:,} rows is {line.tail:.1f} times its p50, "
        f"not under {MOST_TAIL:g}"
        for line in comparison.lines
        if line.form in ("JSON", NEW_CONNECTIONS) and line.tail >= MOST_TAIL
    ]
    found += [
        f"{line.form} of {line.rows:,} rows is {median(ratios):.2f} times {name}"
        for line in comparison.general
        for name, ratios in (
            ("Microsoft's", line.ratios),
            ("MLServer's", line.ratios_to_mlserver),
        )
        if max(ratios) < LEAST_GENERAL
    ]
    if comparison.start_ratio < LEAST_START:
        found.append(f"a cold start is {comparison.start_ratio:.1f}x as fast, not {LEAST_START:g}x")
    if comparison.memory_ratio >= MOST_MEMORY:
        found.append(f"memory is {comparison.memory_ratio:.2f} of theirs, not under {MOST_MEMORY}")
    gains = [one.ours / one.theirs for one in comparison.seen]
    if gains and max(gains) < LEAST_SEEN:
        found.append(
            f"one thread for a worker with one core is {median(gains):.1f} times as fast as"
            f" a thread for each that it sees, not {LEAST_SEEN:g} times"
        )
    return found


def markdown(comparison: Comparison) -> str:
    """The table of docs/performance.md."""
    table = _table(_COLUMNS, map(_cells, comparison.lines))
    if comparison.general:
        table += ["", *_table(_GENERAL, map(_general_cells, comparison.general))]
    starts = comparison.starts
    resident, proportional = comparison.resident, comparison.proportional
    rest = [
        _generator(comparison),
        f"Cold start to ready: {_middle(starts, 'ours'):.2f} s beside"
        f" {_middle(starts, 'theirs'):.2f} s (MLServer {_middle(starts, 'mlserver'):.2f} s), "
        f"{comparison.start_ratio:.1f}x as fast"
        f" ({_spread(one.theirs / one.ours for one in starts)}; target {LEAST_START:g}x).",
        f"Memory {REST_SECONDS:g} s after all load: {_mega(resident.ours)} beside "
        f"{_mega(resident.theirs)} (MLServer {_mega(resident.mlserver)}; RSS), "
        f"{_mega(proportional.ours)} beside {_mega(proportional.theirs)} (PSS); "
        f"at worst {comparison.memory_ratio:.2f} of theirs (target under {MOST_MEMORY}).",
    ]
    if len(comparison.scaling) > 1:
        (one, rates), (many, more) = sorted(comparison.scaling.items())
        gains = [b / a for a, b in zip(rates, more, strict=True)]
        rest.append(
            f"{many} workers answer {median(gains):.2f} times "
            f"({_spread(gains, 2)}) as many requests of 30 rows as {one}, "
            f"on {comparison.cores} cores that the load itself shares."
        )
    if comparison.seen:
        ours, theirs = (_rate(_middle(comparison.seen, each)) for each in ("ours", "theirs"))
        gains = [one.ours / one.theirs for one in comparison.seen]
        rest.append(
            f"One worker with one core's time that sees {comparison.cores}: {ours} requests"
            f" of {SEEN_ROWS:,} rows of {SEEN_FORM} a second; with a thread for each core that it"
            f" sees {theirs}: {median(gains):.1f} times"
            f" ({_spread(gains)}; target {LEAST_SEEN:g})."
        )
    asked = [line for line in comparison.lines if line.form != NEW_CONNECTIONS]
    spent = [_spent(line) for line in asked if line.spent]
    if spent:
        rest.append(
            f"By processor time an answer, which other work disturbs less: {', '.join(spent)}."
        )
    idle = min((line for line in asked if line.busy), key=lambda line: median(line.busy))
    rest.append(
        f"Our server was computing at least {median(idle.busy):.0%} of the time"
        f" ({idle.form} of {idle.rows:,} rows); the rest went to the load generator and whatever"
        " else ran."
    )
    return "\n".join(table) + "\n\n" + "\n".join(f"- {line}" for line in rest) + "\n"


def document(comparison: Comparison) -> str:
    """All figures as JSON."""
    content = {
        **dataclasses.asdict(comparison),
        "ratios": {f"{line.form} {line.rows}": line.ratio for line in comparison.lines},
        "start_ratio": comparison.start_ratio,
        "memory_ratio": comparison.memory_ratio,
        "missed": missed(comparison),
    }
    return json.dumps(content, indent=2) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head, lines = "---|" * len(columns), [f"| {' | '.join(each)} |" for each in (columns, *rows)]
    return [lines[0], f"|{head}", *lines[1:]]


def _cells(line: Line) -> list[str]:
    target = LEAST.get((line.form, line.rows))
    theirs, third = _middle(line.theirs, "rate"), ""
    if line.mlserver:  # and its ratio to Microsoft's
        rate = _middle(line.mlserver, "rate")
        third = f"{_rate(rate)} ({rate / theirs:.1f}x)"
    return [
        line.form,
        f"{line.rows:,}",
        _rate(_middle(line.ours, "rate")),
        _rate(theirs),
        third,
        f"**{line.ratio:.1f}x** ({_spread(line.ratios)})",
        f"{target:g}x" if target else "",
        f"{_middle(line.ours, 'p50') * 1e3:.2f} ms",
        f"{_middle(line.ours, 'p99') * 1e3:.2f} ms",
        f"{line.tail:.2f}",
        f"{line.bare_ratio:.1f}x" if line.bare else "",
        f"{line.bare_tail:.2f}" if line.bare else "",
    ]


def _general_cells(line: Line) -> list[str]:
    loads = (line.ours, line.theirs, line.mlserver)
    return [
        line.form,
        f"{line.rows:,}",
        *(_rate(_middle(each, "rate")) for each in loads),
        *(
            f"**{median(ratios):.2f}x** ({_spread(ratios, 2)})"
            for ratios in (line.ratios, line.ratios_to_mlserver)
        ),
    ]


def _spent(line: Line) -> str:
    ours, theirs = (f"{_middle(line.spent, each) * 1e3:.3g} ms" for each in ("ours", "theirs"))
    ratio = median(pair.theirs / pair.ours for pair in line.spent)
    return f"{line.form} of {line.rows:,} {ratio:.1f}x ({ours} beside {theirs})"


def _generator(comparison: Comparison) -> str:
    if comparison.foreign:
        return (
            f"Load by {comparison.generator}, eight connections; every answer was compared in a"
            " separate pass before."
        )
    return (
        f"Load by {comparison.generator}: neither wrk nor Go was found. Such ratios compare with"
        " nothing that another tool measures; install wrk."
    )


def _middle(rounds: Iterable[Load | Pair], figure: str) -> float:
    return median(getattr(one, figure) for one in rounds)


def _spread(rounds: Iterable[float], digits: int = 1) -> str:
    found = list(rounds)
    return f"{min(found):.{digits}f} to {max(found):.{digits}f}"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def _mega(size: float) -> str:
    return f"{size / 1e6:.0f} MB"
