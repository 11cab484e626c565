"""How much is measured, and what comes out."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

from scoring.bench.load import Load


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        seconds: Of load on one server in one round; twice as long for 1,000 rows and more, of
            which few are answered.
        rounds: How often each server gets each request.
        starts: How often each server is started.
        sizes: Rows in a request.
        comparing: Seconds of load whose every answer is compared, before one that is measured.
        general: Rounds of models that are not linear.
        general_seconds: Of load in each of them.
    """

    seconds: float = 3.0
    rounds: int = 5
    starts: int = 5
    sizes: tuple[int, ...] = (1, 30, 1000)
    comparing: float = 1.0
    general: int = 3
    general_seconds: float = 2.0

    def seconds_for(self, rows: int) -> float:
        """Seconds of one load."""
        return self.seconds * (2 if rows >= 1000 else 1)


QUICK = Plan(
    seconds=0.2, rounds=2, starts=1, sizes=(1, 30), comparing=0.2, general=1, general_seconds=0.2
)


@dataclass(frozen=True)
class Pair:
    """One figure of ours and of another; of MLServer too, where it was measured."""

    ours: float
    theirs: float
    mlserver: float = math.nan


@dataclass(frozen=True)
class Line:
    """One form of one number of rows: our loads beside the others', round by round.

    Attributes:
        form: JSON, or the data type of the raw values, or the model; theirs is always JSON.
        rows: Rows in a request.
        size: Bytes of our request, head and body.
        ours: One load a round.
        theirs: One load a round.
        busy: Part of the time that our server was computing, round by round.
        mlserver: One load of MLServer a round, JSON of its own protocol; only beside our JSON.
        spent: Seconds of processor time an answer took each server, round by round.
        bare: One load of a bare server a round, with our requests.
    """

    form: str
    rows: int
    size: int
    ours: tuple[Load, ...]
    theirs: tuple[Load, ...]
    busy: tuple[float, ...] = ()
    mlserver: tuple[Load, ...] = ()
    spent: tuple[Pair, ...] = ()
    bare: tuple[Load, ...] = ()

    @property
    def ratios(self) -> list[float]:
        """Our rate by theirs, round by round."""
        return [one.rate / other.rate for one, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.ratios)

    @property
    def ratios_to_mlserver(self) -> list[float]:
        """Our rate by MLServer's, round by round; empty where it was not asked."""
        return [one.rate / other.rate for one, other in zip(self.ours, self.mlserver, strict=False)]

    @property
    def bare_ratio(self) -> float:
        """The bare server's rate by theirs, the median of the rounds."""
        pairs = zip(self.bare, self.theirs, strict=True)
        return statistics.median(one.rate / other.rate for one, other in pairs)

    @property
    def tail(self) -> float:
        """Our p99 by our p50, the median of the rounds."""
        return _tail(self.ours)

    @property
    def bare_tail(self) -> float:
        """The same of the bare server: what this machine does to any."""
        return _tail(self.bare)


def _tail(loads: tuple[Load, ...]) -> float:
    return statistics.median(one.p99 / one.p50 for one in loads)


@dataclass(frozen=True)
class Comparison:
    """Everything that was measured.

    Attributes:
        lines: By form and rows.
        starts: Seconds to the first good answer, start by start.
        resident: Bytes of RSS after all load, each server's whole tree.
        proportional: The same as PSS.
        scaling: Our rates of 30 rows as JSON, round by round, by number of workers; they share all
            cores with the load itself.
        cores: How many cores this machine lets be used.
        seen: Rates of 1,000 rows as UINT8, round by round, of one worker that sees all cores and
            has one core's time: as it is, beside one whose libraries take a thread a core. Empty on
            one core, and without the right to make a control group.
        generator: What made the load, with its version.
        foreign: Whether others have it, too.
        general: Lines of models that are not linear, JSON alone.
    """

    lines: tuple[Line, ...]
    starts: tuple[Pair, ...]
    resident: Pair
    proportional: Pair
    scaling: dict[int, list[float]] = field(default_factory=dict)
    cores: int = 1
    seen: tuple[Pair, ...] = ()
    generator: str = ""
    foreign: bool = True
    general: tuple[Line, ...] = ()

    @property
    def start_ratio(self) -> float:
        """Their cold start by ours, the median of the starts."""
        return statistics.median(each.theirs / each.ours for each in self.starts)

    @property
    def memory_ratio(self) -> float:
        """Our memory by theirs: by RSS or by PSS, whichever is worse for us."""
        return max(each.ours / each.theirs for each in (self.resident, self.proportional))
