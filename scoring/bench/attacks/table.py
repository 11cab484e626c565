"""Which attacks there are, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from scoring.bench.attacks import crowds, framing, fuzzing, heavy_bodies, scripts
from scoring.bench.attacks.arena import Attack, Figure, arena
from scoring.bench.faults import FaultError

ATTACKS: tuple[Attack, ...] = (
    *heavy_bodies.ATTACKS,
    *framing.ATTACKS,
    *scripts.ATTACKS,
    *crowds.ATTACKS,
)

FUZZ = "fuzzed"
_FEWEST_INPUTS = 1000


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


def attack(one: Attack, model: Path, large: float) -> Outcome:
    """Do one attack on a service of its own; another request is answered afterwards.

    `large` is what the costliest good request costs here, in seconds of processor time.
    """
    variables = {"SCORING_LOG_REQUESTS": "false", **one.variables}
    with arena(model, one.script, large, **variables) as target:
        try:
            found = one.measure(target)
            live = target.ask(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        except (FaultError, OSError) as error:
            return Outcome(one.name, one.tries, [], str(error))
    problem = "" if live.status == 200 else "it answers no more"
    return Outcome(one.name, one.tries, found, problem)


def attack_all(
    attacks: Sequence[Attack], model: Path, say: Callable[[str], None] = lambda _: None
) -> list[Outcome]:
    """Each on a service of its own, so that none finds what another left."""
    if not attacks:
        return []
    say("The largest good request")
    with arena(model, SCORING_LOG_REQUESTS="false") as target:
        large = heavy_bodies.large_request(target)
    outcomes = []
    for one in attacks:
        say(one.name)
        outcomes.append(attack(one, model, large))
    return outcomes


def fuzz_all(seconds: int, found: Path = fuzzing.FOUND) -> list[Outcome]:
    """The fuzzer for so many seconds; an input that broke a target is its problem."""
    return [
        Outcome(
            f"{FUZZ}: {each.target}",
            each.tried,
            [Figure("inputs that break it", bool(each.problem), 0)],
            each.problem or _too_few(each.tried),
        )
        for each in fuzzing.fuzz(seconds, found)
    ]


def _too_few(tried: int) -> str:
    return f"only {tried} inputs were tried" if tried < _FEWEST_INPUTS else ""


def table(outcomes: Sequence[Outcome]) -> Table:
    """A line an attack and figure."""
    found = Table("attack", "tried", "figure", "bound", "measured", "held", highlight=False)
    for outcome in outcomes:
        name, tries = outcome.name, f"{outcome.tries:,}"
        if outcome.problem:
            found.add_row(name, tries, outcome.problem, "", "", "NO")
        for figure in outcome.figures:
            found.add_row(
                name,
                tries,
                figure.name,
                f"{figure.bound:.4g} {figure.unit}",
                f"{figure.value:.3g} {figure.unit}",
                "yes" if figure.held else "NO",
            )
            name = tries = ""
    return found


def document(outcomes: Sequence[Outcome]) -> str:
    """The same as JSON."""
    content = [
        {
            "attack": each.name,
            "tries": each.tries,
            "problem": each.problem,
            "figures": [{**asdict(figure), "held": figure.held} for figure in each.figures],
            "held": each.held,
        }
        for each in outcomes
    ]
    return json.dumps(content, indent=2) + "\n"
