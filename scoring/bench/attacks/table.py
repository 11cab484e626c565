"""Which attacks there are, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from scoring.bench.attacks import crowds, framing, heavy_bodies, scripts
from scoring.bench.attacks.arena import ALIVE, Attack, Outcome, arena
from scoring.bench.faults import FaultError

ATTACKS: tuple[Attack, ...] = (
    *heavy_bodies.ATTACKS,
    *framing.ATTACKS,
    *scripts.ATTACKS,
    *crowds.ATTACKS,
)


def attack(one: Attack, model: Path, large: float) -> Outcome:
    """Do one attack on a service of its own; another request is answered afterwards.

    `large` is what the costliest good request costs here, in seconds of processor time.
    """
    variables = {"SCORING_LOG_REQUESTS": "false", **one.variables}
    with arena(model, one.script, large, **variables) as target:
        try:
            found = one.measure(target)
            live = target.ask(ALIVE)
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
