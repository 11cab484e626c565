"""Who may import whom, and that no two files import each other, however far around."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("infra", "scoring", "model_eval", "local_azure", "journey", "pages")
BASE = ("scoring.errors", "scoring.manifest", "scoring.settings")

# What of the project a room may import beside itself: modules, or whole rooms. The longest name
# that fits a file counts.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "journey": ROOMS,
    "local_azure": (),
    "model_eval": (
        *("scoring.manifest", "scoring.errors", "scoring.output_folder", "scoring.packages"),
        *("scoring.model.contract", "pages"),
    ),
    "pages": (),
    "infra": (),
    "infra.aks": (
        *("infra.azure_facts", "infra.naming", "infra.place", "infra.registry"),
        *("infra.scoring_service", "infra.configuration.reader"),
    ),
    "infra.configuration": (
        *("infra.azure_facts", "infra.image_reference", "infra.settings", "infra.aks.settings"),
    ),
    "infra.arm": (),
    "infra.preview": ("infra.azure_facts",),
    "infra.disclosure": ("infra.preview", "infra.azure_facts", "infra.image_reference"),
    "infra.policy": (
        *("infra.preview.paths", "infra.preview.untold", "infra.azure_facts"),
        "infra.image_reference",
    ),
    "infra.github": (),
    "infra.review": (
        *("infra.preview", "infra.disclosure", "infra.policy", "infra.azure_facts"),
        *("infra.github", "infra.image_reference", "infra.naming", "scoring.manifest"),
        *("scoring.errors", "scoring.packages", "pages"),
    ),
    "infra.drift": (
        *("infra.arm", "infra.preview", "infra.disclosure", "infra.policy", "infra.azure_facts"),
        *("infra.github", "scoring.manifest", "scoring.errors"),
        *("scoring.packages", "pages"),
    ),
    "infra.preflight": (
        *("infra.arm", "infra.preview", "infra.disclosure", "infra.azure_facts"),
        *("infra.image_reference", "scoring.packages"),
    ),
    "scoring": ("scoring",),
    "scoring.errors": (),
    "scoring.packages": (),
    "scoring.environments": ("scoring.errors",),
    "scoring.manifest": ("scoring.errors",),
    "scoring.settings": ("scoring.errors", "scoring.manifest"),
    "scoring.output_folder": ("scoring.errors",),
    "scoring.model": BASE,
    "scoring.score": (*BASE, "scoring.model"),
    "scoring.routes": (*BASE, "scoring.model.entry"),
    "scoring.http": (*BASE, "scoring.routes.messages"),
    "scoring.process": (*BASE, "scoring.model", "scoring.routes", "scoring.http"),
    "scoring.asgi": (*BASE, "scoring.process", "scoring.routes", "scoring.http.body"),
    "scoring.image": (*BASE, "scoring.environments", "scoring.output_folder", "scoring.model"),
}
# Nobody imports these: they are started, or used in development alone.
STANDING_ALONE = ("scoring.asgi", "scoring.score", "journey")


@cache
def modules() -> dict[str, Path]:
    """Every module of the rooms by its name."""
    found = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "tests" not in parts and not any(part.startswith(".") for part in parts):
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """The project's modules that one imports anywhere, for types or late, too."""
    path = modules()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            begin = ".".join([*above, *filter(None, [node.module])])
            names |= {
                whole if (whole := f"{begin}.{each.name}") in modules() else begin
                for each in node.names
            }
    return frozenset(names & set(modules()))


def inside(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def allowed(module: str) -> tuple[str, ...]:
    """The room that counts for a module, and what that may import."""
    room = max((each for each in MAY_IMPORT if inside(module, each)), key=len)
    return (room, *MAY_IMPORT[room])


def test_rooms_import_only_what_lies_below_them():
    wrong = {
        (module, other)
        for module in modules()
        for other in imports(module)
        if not any(inside(other, room) for room in allowed(module))
        or (
            other != module
            and any(inside(other, room) and not inside(module, room) for room in STANDING_ALONE)
        )
    }
    assert sorted(wrong) == []


def test_no_files_import_each_other():
    """Files that import none of the rest, or that none imports, are taken away, again and again."""
    left = {module: set(imports(module)) - {module} for module in modules()}
    before = None
    while left != before:
        before = left
        left = {module: needs & left.keys() for module, needs in left.items()}
        needed = set().union(*left.values())
        left = {module: needs for module, needs in left.items() if needs and module in needed}
    assert left == {}


@pytest.mark.parametrize("room", [each for each in MAY_IMPORT if "." in each])
def test_every_room_of_the_list_exists(room):
    assert any(inside(module, room) for module in modules())
