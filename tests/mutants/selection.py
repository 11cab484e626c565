"""Which tests run which lines: measured by coverage.py, a context a test, kept a file of tests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import coverage
import pytest
from coverage.exceptions import CoverageException

from tests.mutants.mutant import Mutant

PACKAGES = ("infra", "model_eval")
LEFT_OUT = "not stack and not slow and not drill"
"""A mutant is run hundreds of times; the tests with the engine are not among those that count."""

_PROGRAM = "tests/infra/test_program.py"
"""What holds a module of the program that has no file of tests of its own."""

_USERS = {
    "infra/preview": ("tests/infra/review",),
    "infra/disclosure": ("tests/infra/review",),
    "infra/__main__.py": (
        *("tests/infra/aks/test_access.py", "tests/infra/aks/test_program.py"),
        "tests/infra/test_pull_retry.py",
    ),
    "infra/azure_facts.py": (
        *("tests/infra/aks/test_settings.py", "tests/infra/configuration/test_tags.py"),
        "tests/infra/test_settings.py",
        *("tests/infra/drift/test_severity.py", "tests/infra/review/test_what_azure_does.py"),
    ),
    "infra/configuration/reader.py": ("tests/infra/test_settings.py",),
    "infra/registry.py": ("tests/infra/aks/test_program.py",),
    "infra/workspace.py": ("tests/infra/aks/test_program.py",),
    "infra/scoring_service.py": ("tests/infra/test_settings.py",),
}
"""Where else a folder's or a module's behaviour is stated: in the tests of what shows it."""

_STATED = {
    "infra/__main__.py": ("program",),
    "infra/disclosure/allow_list.py": ("display",),
    "infra/drift/actual.py": ("kubernetes",),
    "infra/drift/by_hand.py": ("kubernetes",),
    "infra/drift/rendering.py": ("report",),
    "infra/drift/stack.py": ("state", "kubernetes"),
    "infra/drift/strays.py": ("assignments", "federation", "lists", "unmanaged"),
    "infra/policy/evaluate.py": ("rules",),
    "infra/preflight/cli.py": ("check",),
    "infra/preflight/leftovers.py": ("lines",),
    "infra/preflight/registry.py": ("lines",),
    "infra/preview/plan.py": ("login",),
    "infra/review/azure.py": ("what_azure_does", "recorded_reports"),
    "infra/review/machine_formats.py": ("recorded_reports",),
    "infra/review/manifests.py": ("model",),
    "infra/review/offline_program.py": ("offline",),
    "infra/review/rendering.py": ("recorded_reports",),
    "infra/review/report.py": ("recorded_reports", "verdict", "changes", "expectation"),
    "infra/review/resource_change.py": ("changes", "verdict"),
    "infra/review/sections.py": ("recorded_reports", "rendering"),
    "infra/scoring_service.py": ("settings",),
}
"""What states a module's behaviour beside the file of tests of its own name."""


class MeasureError(Exception):
    """The tests cannot be run."""


@dataclass(frozen=True)
class Selection:
    """What was measured for a module.

    Attributes:
        lines: The tests that run each line.
        imported: The lines that run when the module is imported.
        seconds: What each test took of the processor, with the processes that it ended, of every
            file of tests that runs a line of the module or is named for it, or of all if none does.
            A clock would say more of whoever else was busy.
    """

    lines: Mapping[int, tuple[str, ...]]
    imported: frozenset[int]
    seconds: Mapping[str, float]

    def of(self, mutant: Mutant) -> list[str]:
        """The tests to run for a mutant: the fastest first.

        A line that is run when the module is imported is seen by every test, and a module that no
        test imports by those that start a process of their own.
        """
        if self.anew(mutant):
            found = {*self.seconds}
        else:
            # A test may run another branch of an expression than the one that becomes its own.
            lines = (mutant.line, mutant.statement)
            found = {test for line in lines for test in self.lines.get(line, ())}
        return sorted(found, key=lambda test: (self.seconds.get(test, 0), test))

    def anew(self, mutant: Mutant) -> bool:
        """Whether the module has to be imported anew for it."""
        return not self.lines or self._line(mutant) in self.imported

    def _line(self, mutant: Mutant) -> int:
        # Inside of a long expression not every line is told.
        known = mutant.line in self.lines or mutant.line in self.imported
        return mutant.line if known else mutant.statement


class Measured:
    """What was measured before, in a folder; measured anew where a file has changed.

    With `judges`, pytest's `-k`, only these tests are measured, in a folder of their own.
    """

    def __init__(self, root: Path, folder: Path, judges: str = "") -> None:
        self._root = root
        self._folder = folder / re.sub(r"\W+", "-", judges) if judges else folder
        self._judges = judges

    def of(self, module: str, tests: Sequence[str], copy: Path) -> Selection:
        """Which tests run the module's lines.

        Args:
            module: Its file.
            tests: The files of tests that have to hold it.
            copy: Where the tests are run if they have to be.

        Raises:
            MeasureError: The tests cannot be run.
        """
        digest = _digest(self._root / module)
        known = {each: self._read(each) for each in tests}
        stale = [
            each
            for each, one in known.items()
            if one is None or one["modules"].get(module, {"digest": digest})["digest"] != digest
        ]
        if stale:
            self._measure(stale, copy)
            known |= {each: self._read(each) for each in stale}
        lines: dict[int, tuple[str, ...]] = {}
        imported: set[int] = set()
        seconds: dict[str, float] = {}
        # Who reads a module's constants runs no line of it but at the import.
        named = _USERS.get(module, ())
        used = [
            one
            for each, one in known.items()
            if one and (module in one["modules"] or each in named)
        ]
        for one in used or filter(None, known.values()):
            if found := one["modules"].get(module):
                for line, names in found["lines"].items():
                    lines[int(line)] = (*lines.get(int(line), ()), *names)
                imported |= set(found["imported"])
            seconds |= one["seconds"]
        return Selection(lines, frozenset(imported), seconds)

    def _place(self, tests: str) -> Path:
        return self._folder / f"lines-{tests.replace('/', '-')}.json"

    def _read(self, tests: str) -> dict[str, Any] | None:
        place = self._place(tests)
        if not place.exists():
            return None
        content = json.loads(place.read_text(encoding="utf-8"))
        return content if content["digest"] == _digest(self._root / tests) else None

    def _measure(self, tests: Sequence[str], copy: Path) -> None:
        sys.stderr.write(f"Measuring which lines {len(tests)} files of tests run ...\n")
        self._folder.mkdir(parents=True, exist_ok=True)
        out = self._folder / f"measured-{os.getpid()}.json"
        code = subprocess.run(
            [sys.executable, "-m", "tests.mutants.selection", str(out), self._judges, *tests],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            stdout=subprocess.DEVNULL,
            check=False,
        ).returncode
        if not out.exists():
            raise MeasureError(f"{' '.join(tests)} cannot be run (pytest says {code})")
        content = json.loads(out.read_text(encoding="utf-8"))
        for name in content["failed"]:
            sys.stderr.write(f"{name} fails without any change: it is no judge\n")
        out.unlink()
        for each in tests:
            own = f"{each}::"
            modules: dict[str, Any] = {}
            for module, lines in content["lines"].items():
                kept = {
                    line: found
                    for line, names in lines.items()
                    if (found := [name for name in names if name.startswith(own)])
                }
                if kept:
                    modules[module] = {
                        "digest": _digest(self._root / module),
                        "lines": kept,
                        "imported": [int(line) for line, names in lines.items() if "" in names],
                    }
            seconds = {
                name: value
                for name, value in content["seconds"].items()
                if name.startswith(own) and name not in content["failed"]
            }
            self._place(each).write_text(
                json.dumps(
                    {
                        "digest": _digest(self._root / each),
                        "modules": modules,
                        "seconds": seconds,
                    }
                ),
                encoding="utf-8",
            )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Children:
    """Has the Pythons measured that tests start, whatever they get of the environment.

    They are started in the repository or with it on their path, where they find a
    `sitecustomize` while this is entered.
    """

    def __init__(self, root: Path, place: Path) -> None:
        self._source = ",".join(str(root / one) for one in PACKAGES)
        self._place = place
        self._settings = place / "settings.ini"
        self._start = root / "sitecustomize.py"

    def __enter__(self) -> Self:
        self.switch_context("")
        self._start.write_text(
            "import os, coverage\n"
            f"os.environ['COVERAGE_PROCESS_START'] = {str(self._settings)!r}\n"
            "coverage.process_startup()\n",
            encoding="utf-8",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._start.unlink()

    def switch_context(self, test: str) -> None:
        """What is started from here on is started by this test."""
        name = test.replace("$", "$$")
        self._settings.write_text(
            f"[run]\nparallel = true\ndata_file = {self._place / 'child'}\n"
            f"source = {self._source}\ncontext = {name}\n",
            encoding="utf-8",
        )

    def add_to(self, data: coverage.CoverageData) -> None:
        """Add what was measured; a process that was killed may have left a half."""
        for file in self._place.glob("child.*"):
            one = coverage.CoverageData(str(file))
            with contextlib.suppress(CoverageException):
                one.read()
                data.update(one)


class _Measure:
    """Tells coverage.py which test is running."""

    def __init__(self, cover: coverage.Coverage, children: _Children) -> None:
        self._cover = cover
        self._children = children
        self._began = 0.0
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._cover.switch_context(nodeid)
        self._children.switch_context(nodeid)
        self._began = _spent()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._cover.switch_context("")
        self.seconds[nodeid] = _spent() - self._began


def _spent() -> float:
    """Seconds of the processor, of this process and of those that it waited for."""
    return sum(os.times()[:4])


def measure(root: Path, tests: Iterable[str], out: Path, judges: str = "") -> int:
    """Run the tests in the folder that is the repository, write what they run; pytest's code."""
    more = ["-k", judges] if judges else []
    cover = coverage.Coverage(
        data_file=None, source=[str(root / one) for one in PACKAGES], config_file=False
    )
    with (
        tempfile.TemporaryDirectory(prefix="measured-") as place,
        _Children(root, Path(place)) as children,
    ):
        plugin = _Measure(cover, children)
        cover.start()
        code = pytest.main(
            [*tests, *more, "-q", "-m", LEFT_OUT, "-p", "no:cacheprovider", "-p", "no:randomly"],
            [plugin],
        )
        cover.stop()
        data = cover.get_data()
        children.add_to(data)
    lines: dict[str, Any] = {}
    for file in data.measured_files():
        contexts = data.contexts_by_lineno(file)
        lines[str(Path(file).relative_to(root))] = {
            line: [each for each in names if each not in plugin.failed]
            for line, names in contexts.items()
        }
    if code in {
        pytest.ExitCode.OK,
        pytest.ExitCode.TESTS_FAILED,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    }:
        content = {"lines": lines, "seconds": plugin.seconds, "failed": plugin.failed}
        out.write_text(json.dumps(content), encoding="utf-8")
    return int(code)


def tests_of(module: str, root: Path) -> tuple[str, ...]:
    """The files of tests that have to hold a module: its own, and those of what is read by it.

    A module of a folder is held by the tests of that folder, one that stands in `infra/` itself by
    its own file. It is stricter than all tests, and a tenth of the work.
    """
    path = Path(module)
    folder = str(path.parent)
    if folder == "infra":
        own = f"tests/infra/test_{path.stem}.py"
        first = own if (root / own).exists() else _PROGRAM
        users = ()
    else:
        while folder not in PACKAGES and not (root / "tests" / folder).is_dir():
            folder = str(Path(folder).parent)
        first = f"tests/{folder}"
        users = _USERS.get(folder, ())
    places = [root / each for each in (first, *users, *_USERS.get(module, ()))]
    return tuple(
        str(each.relative_to(root))
        for place in places
        for each in (sorted(place.glob("test_*.py")) if place.is_dir() else [place])
    )


def rounds(module: str, tests: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Who judges a module's mutants, one after the other: its own file of tests, then all.

    The one is quick and notices most; the others are measured and asked only for what it left.
    """
    path = Path("tests", module)
    named = {
        str(path.with_name(f"test_{each}.py")) for each in (path.stem, *_STATED.get(module, ()))
    }
    own = tuple(each for each in tests if each in named)
    if own and own != tests:
        yield own
    yield tests


if __name__ == "__main__":
    sys.exit(measure(Path.cwd(), sys.argv[3:], Path(sys.argv[1]), sys.argv[2]))
