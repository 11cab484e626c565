"""What the documents tell a reader to type exists: make targets, modules, sub-commands, options."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    path
    for path in [
        *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted(ROOT.glob("[!.]*/**/README.md")),
    ]
    if ".venv" not in path.parts and path.exists()
]
FENCE = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documented(*prefix: str) -> list[tuple[str, list[str]]]:
    """(document, words) of every command line in a shell block that begins with `prefix`."""
    found: list[tuple[str, list[str]]] = []
    for document in DOCUMENTS:
        for block in FENCE.findall(document.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                command = line.strip().removeprefix("$ ")
                for part in re.split(r"\s(?:&&|\||;)\s|\s--\s(?=python)", command):
                    try:
                        words = shlex.split(part, comments=True)
                    except ValueError:
                        continue
                    while words and re.match(r"[A-Z_]+=", words[0]):
                        words = words[1:]
                    if tuple(words[: len(prefix)]) == prefix:
                        found.append((str(document.relative_to(ROOT)), words))
    return found


def identity(case: tuple[str, list[str]]) -> str:
    return f"{case[0]}: {' '.join(case[1])}"


@pytest.mark.parametrize("case", documented("make"), ids=identity)
def test_a_documented_make_target_exists(case: tuple[str, list[str]]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [word for word in case[1][1:] if "=" not in word and not word.startswith("-")]
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


def test_every_make_target_is_documented_for_those_who_use_or_change_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")]
    targets = re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)
    assert [target for target in targets if f"make {target}" not in "".join(texts)] == []


@pytest.mark.parametrize("case", documented("python", "-m"), ids=identity)
def test_a_documented_module_command_and_its_options_exist(case: tuple[str, list[str]]) -> None:
    words = case[1][2:]
    module = words[0]
    if module in {"venv", "pip"}:
        pytest.skip("Python's own")
    package = importlib.import_module(module)
    name = f"{module}.__main__" if hasattr(package, "__path__") else module
    app = importlib.import_module(name).app
    assert isinstance(app, typer.Typer)
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"{module} has no command {rest[0]}"
        command = command.commands[rest.pop(0)]
    if "--" in rest:
        rest = rest[: rest.index("--")]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    used = {word.split("=")[0] for word in rest if word.startswith("--")}
    assert used - {"--help"} <= known, f"{module} {command.name} knows {sorted(known)}"
