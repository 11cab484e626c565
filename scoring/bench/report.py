"""What was measured as Markdown and JSON, and which targets were missed."""

from __future__ import annotations

import dataclasses
import json
from statistics import median

from scoring.bench.comparison import NEW_CONNECTIONS, REST_SECONDS, SEEN_FORM, SEEN_ROWS
from scoring.bench.plan import Comparison, Line

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
    "model",
    "rows",
    "ours, 1/s",
    "theirs, 1/s",
    "MLServer, 1/s",
    "to theirs",
    "to MLServer",
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
    table = [
        f"| {' | '.join(_COLUMNS)} |",
        f"|{'---|' * len(_COLUMNS)}",
        *(_row(line) for line in comparison.lines),
    ]
    starts = comparison.starts
    ours, theirs = median(one.ours for one in starts), median(one.theirs for one in starts)
    ratios = [one.theirs / one.ours for one in starts]
    resident, proportional = comparison.resident, comparison.proportional
    if comparison.general:
        table += ["", f"| {' | '.join(_GENERAL)} |", f"|{'---|' * len(_GENERAL)}"]
        table += map(_general_row, comparison.general)
    rest = [_generator(comparison)]
    third = median(one.mlserver for one in starts)
    rest += [
        f"Cold start to ready: {ours:.2f} s beside {theirs:.2f} s (MLServer {third:.2f} s), "
        f"{comparison.start_ratio:.1f}x as fast ({min(ratios):.1f} to {max(ratios):.1f}; "
        f"target {LEAST_START:g}x).",
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
            f"({min(gains):.2f} to {max(gains):.2f}) as many requests of 30 rows as {one}, "
            f"on {comparison.cores} cores that the load itself shares."
        )
    if comparison.seen:
        ours, theirs = (
            median(one.ours for one in comparison.seen),
            median(one.theirs for one in comparison.seen),
        )
        gains = [one.ours / one.theirs for one in comparison.seen]
        rest.append(
            f"One worker with one core's time that sees {comparison.cores}: {_rate(ours)} requests"
            f" of {SEEN_ROWS:,} rows of {SEEN_FORM} a second; with a thread for each core that it"
            f" sees {_rate(theirs)}: {median(gains):.1f} times"
            f" ({min(gains):.1f} to {max(gains):.1f}; target {LEAST_SEEN:g})."
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


def _row(line: Line) -> str:
    target = LEAST.get((line.form, line.rows))
    cells = [
        line.form,
        f"{line.rows:,}",
        _rate(median(one.rate for one in line.ours)),
        _rate(median(one.rate for one in line.theirs)),
        _third(line),
        f"**{line.ratio:.1f}x** ({min(line.ratios):.1f} to {max(line.ratios):.1f})",
        f"{target:g}x" if target else "",
        f"{median(one.p50 for one in line.ours) * 1e3:.2f} ms",
        f"{median(one.p99 for one in line.ours) * 1e3:.2f} ms",
        f"{line.tail:.2f}",
        f"{line.bare_ratio:.1f}x" if line.bare else "",
        f"{line.bare_tail:.2f}" if line.bare else "",
    ]
    return f"| {' | '.join(cells)} |"


def _third(line: Line) -> str:
    """MLServer's rate, and its ratio to Microsoft's."""
    if not line.mlserver:
        return ""
    rate = median(one.rate for one in line.mlserver)
    return f"{_rate(rate)} ({rate / median(one.rate for one in line.theirs):.1f}x)"


def _spent(line: Line) -> str:
    ours = median(pair.ours for pair in line.spent)
    theirs = median(pair.theirs for pair in line.spent)
    ratio = median(pair.theirs / pair.ours for pair in line.spent)
    return (
        f"{line.form} of {line.rows:,} {ratio:.1f}x"
        f" ({_milliseconds(ours)} beside {_milliseconds(theirs)})"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"


def _general_row(line: Line) -> str:
    rates = (median(one.rate for one in each) for each in (line.ours, line.theirs, line.mlserver))
    cells = [line.form, f"{line.rows:,}", *map(_rate, rates)]
    cells += [
        f"**{median(ratios):.2f}x** ({min(ratios):.2f} to {max(ratios):.2f})"
        for ratios in (line.ratios, line.ratios_to_mlserver)
    ]
    return f"| {' | '.join(cells)} |"


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


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def _mega(size: float) -> str:
    return f"{size / 1e6:.0f} MB"
