"""What every command says of itself: readable at 60 columns, without escapes, in a file too."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    *(
        "journey.cli",
        "journey.bench_aks",
        "journey.bench_tools",
        "infra.preflight.cli",
        "infra.review.cli",
    ),
    "infra.drift.cli",
    *("scoring.cli", "scoring.bench.cli", "model_eval.__main__", "local_azure.cli"),
)
COLUMNS = 60


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each module with each of its commands, and with none."""
    for module in MODULES:
        yield module, ()
        command = typer.main.get_command(importlib.import_module(module).app)
        for name in getattr(command, "commands", ()):
            yield module, (name,)


def told(module: str, *words: str) -> str:
    """What `--help` prints in a terminal with colours."""
    app = importlib.import_module(module).app
    done = CliRunner(env={"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}).invoke(
        app, [*words, "--help"], color=True, terminal_width=COLUMNS
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_no_module_with_commands_is_left_out() -> None:
    with_app = {
        file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for room in ("infra", "journey", "local_azure", "model_eval", "pages", "scoring")
        for file in (ROOT / room).rglob("*.py")
        if "= typer.Typer(" in file.read_text(encoding="utf-8")
    }
    assert with_app == set(MODULES)


@pytest.mark.parametrize(("module", "words"), list(commands()), ids=str)
def test_help_reads_well_in_a_narrow_terminal(module: str, words: tuple[str, ...]) -> None:
    text = told(module, *words)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= COLUMNS
    # Nothing is cut, no type stands where a word could, no folder of this machine is a default.
    assert "..." not in text.partition("Commands:")[2]
    assert not re.search(r"^  --\S+ <(path|str|text|int|float)", text, re.MULTILINE)
    assert str(ROOT) not in "".join(text.split())


def test_the_same_is_printed_into_a_pipe() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local_azure", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"COLUMNS": str(COLUMNS), "NO_COLOR": "1"},
    )
    assert done.stdout.splitlines()[1:] == told("local_azure.cli").splitlines()[1:]


def test_wrong_usage_ends_with_what_is_wrong_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "journey", "up", "--min-accuracy", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"COLUMNS": str(COLUMNS)},
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("Error: Invalid value for '--min-accuracy'")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("-m inf", ["infra.drift", "infra.preflight", "infra.review"]),
        ("-m journey s", ["service-down", "smoke"]),
        ("-m journey up --s", ["--source"]),
        ("-m model_eval smoke --key", ["--key-env"]),
        ("-m infra.review --expect-", ["--expect-no-changes"]),
        ("-m infra.review --html ", []),
        ("script.py --s", []),
    ],
)
def test_the_shell_completes_what_help_says(line: str, offered: list[str]) -> None:
    words = [sys.executable, *line.split(" ")]
    script = (
        '. ./journey/completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        "_sklearn_mnist_svc; "
        "printf '%s\\n' \"${COMPREPLY[@]}\" | sort"
    )
    done = subprocess.run(
        ["bash", "-eu", "-c", script, "bash", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == offered
    assert done.stderr == ""
