"""Which attacks there are, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from scoring.bench.attacks import crowds, heavy_bodies
from scoring.bench.attacks.arena import Arena, Attack, Figure, arena
from scoring.bench.faults import FaultError

ATTACKS: tuple[Attack, ...] = (*heavy_bodies.ATTACKS, *crowds.ATTACKS)


@dataclass(frozen=True)
class Outcome:
    """What an attack cost, or how it was answered wrongly."""

    attack: Attack
    figures: list[Figure]
    problem: str = ""

    @property
    def held(self) -> bool:
        """Every figure is within its bound, and every answer was right."""
        return not self.problem and all(figure.held for figure in self.figures)


def attack(one: Attack, target: Arena) -> Outcome:
    """Do one attack; another request is answered afterwards."""
    try:
        found = one.measure(target)
        live = target.ask(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    except (FaultError, OSError) as error:
        return Outcome(one, [], str(error))
    return Outcome(one, found, "" if live.status == 200 else "it answers no more")


def attack_all(
    attacks: Sequence[Attack], model: Path, say: Callable[[str], None] = lambda _: None
) -> list[Outcome]:
    """Each on a service of its own, so that none finds what another left."""
    outcomes = []
    for one in attacks:
        say(one.name)
        with arena(model, one.script, SCORING_LOG_REQUESTS="false") as target:
            outcomes.append(attack(one, target))
    return outcomes


def table(outcomes: Sequence[Outcome]) -> Table:
    """A line an attack and figure."""
    found = Table("attack", "tried", "figure", "bound", "measured", "held", highlight=False)
    for outcome in outcomes:
        name, tries = outcome.attack.name, str(outcome.attack.tries)
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
            "attack": each.attack.name,
            "tries": each.attack.tries,
            "problem": each.problem,
            "figures": [{**asdict(figure), "held": figure.held} for figure in each.figures],
            "held": each.held,
        }
        for each in outcomes
    ]
    return json.dumps(content, indent=2) + "\n"
