"""Entry scripts that raise what means something to those who call, more often than may wait."""

from __future__ import annotations

from scoring.bench.attacks.arena import Arena, Attack, Figure, post
from scoring.bench.attacks.heavy_bodies import figures
from scoring.bench.faults import FaultError

CALLS = 40
"""More than the service's queue has places by default: each call has to give its own back."""

_RAISED = (
    "StopIteration()",
    "asyncio.CancelledError()",
    "GeneratorExit()",
    "TimeoutError()",
    "SystemExit(3)",
    "KeyboardInterrupt()",
)


def _called(arena: Arena) -> list[Figure]:
    cost = arena.cost([post("/score", b"[]")] * CALLS)
    cost.check(500)
    said = {answer.message.partition(":")[0] for answer in cost.answers}
    if not all("script" in each for each in said):
        raise FaultError(f"the answers do not name the script: {sorted(said)[:3]}")
    return figures([cost], arena)


def _script(body: str) -> str:
    return f"import asyncio\n\ndef init(): pass\ndef run(raw_data):\n    {body}\n"


ATTACKS: tuple[Attack, ...] = (
    *(
        Attack(f"run() raises {each}", CALLS, _called, script=_script(f"raise {each}"))
        for each in _RAISED
    ),
    Attack("run() returns NaN", CALLS, _called, script=_script("return [float('nan')]")),
)
