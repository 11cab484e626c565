"""Who may import whom: lower rooms know nothing of higher ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = ("journey", "infra", "model_eval", "scoring", "local_azure")
MAY_IMPORT = {
    "journey": {"infra", "model_eval", "scoring", "local_azure"},
    "model_eval": {"scoring.manifest", "scoring.errors", "scoring.output_folder"},
    "scoring": set(),
    "local_azure": set(),
    # The Pulumi program: everything on top of the folder.
    "infra": set(),
    "infra.preview": {"infra.azure_facts", "infra.policy.resource"},
    "infra.disclosure": {
        "infra.azure_facts",
        "infra.image_reference",
        "infra.policy.resource",
        "infra.preview",
    },
    "infra.github": set(),
    "infra.policy": {"infra.azure_facts", "infra.image_reference"},
    "infra.review": {
        *("infra.preview", "infra.disclosure", "infra.policy", "infra.github"),
        *("infra.azure_facts", "infra.azure_defaults", "infra.image_reference"),
        *("scoring.manifest", "scoring.errors"),
    },
    "infra.drift": {
        *("infra.preview", "infra.disclosure", "infra.policy", "infra.github"),
        *("infra.azure_facts", "infra.azure_defaults", "infra.image_reference"),
        "scoring.manifest",
        # Left: the report's plain values are made by the review's document.
        "infra.review.document",
    },
}
"""By room: the rooms and modules of others that it may import."""

CIRCLES = {
    # Left: an id that is wrong is an ARM error, and ARM errors name ids.
    frozenset({"local_azure.arm.errors", "local_azure.arm.ids"}),
    # Left: types alone; the connection is handed its application.
    frozenset(
        {
            "scoring.http.connection",
            "scoring.http.reader",
            "scoring.routes.application",
            "scoring.routes.probes",
        }
    ),
}
"""Files that import each other, known and to be cut."""


def modules() -> dict[str, Path]:
    found = {}
    for room in TOP:
        for path in (ROOT / room).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                yield inner if inner in known else str(node.module)


KNOWN = modules()
EDGES = {name: set(imports(path, KNOWN)) - {name} for name, path in KNOWN.items()}


def room_of(module: str) -> str:
    """The most special room of the table that a module is in."""
    return max((each for each in MAY_IMPORT if within(module, each)), key=len)


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room):
    wrong = {
        f"{name} -> {other}"
        for name, others in EDGES.items()
        if room_of(name) == room
        for other in others
        if room_of(other) != room and not any(within(other, each) for each in MAY_IMPORT[room])
    }
    assert sorted(wrong) == []


def test_nothing_imports_the_bench():
    users = {
        name for name, others in EDGES.items() if any(within(o, "scoring.bench") for o in others)
    }
    assert {name for name in users if not within(name, "scoring.bench")} == set()


def test_no_files_import_each_other_in_a_circle_but_those_that_are_known():
    reached: dict[str, set[str]] = {}
    for start in EDGES:
        seen, waiting = set(), list(EDGES[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting.extend(EDGES[module])
        reached[start] = seen
    circles = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in EDGES
        if name in reached[name]
    }
    assert circles - CIRCLES == set()
