"""Which tests run which lines: measured by coverage.py, a context a test, kept a file of tests."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest

PACKAGES = ("infra", "model_eval")
LEFT_OUT = "not stack and not slow and not drill"
"""A mutant is run hundreds of times; the tests with the engine are not among those that count."""

_USERS = {
    "infra/preview": ("tests/infra/review",),
    "infra/disclosure": ("tests/infra/review",),
}
"""Where else a folder's behaviour is stated: in the tests of what shows it."""


class MeasureError(Exception):
    """The tests fail without any change."""


@dataclass(frozen=True)
class Selection:
    """What was measured for a module.

    Attributes:
        lines: The tests that run each line.
        seconds: How long each test took.
    """

    lines: Mapping[int, tuple[str, ...]]
    seconds: Mapping[str, float]

    def of(self, line: int) -> list[str]:
        """The tests to run for a change of a line: the fastest first.

        A line that is run when the module is imported is seen by every test of the module.
        """
        found = self.lines.get(line) or {test for tests in self.lines.values() for test in tests}
        return sorted(found, key=lambda test: (self.seconds.get(test, 0), test))


class Measured:
    """What was measured before, in a folder; measured anew where a file has changed."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder

    def of(self, module: str, tests: Sequence[str], copy: Path) -> Selection:
        """Which tests run the module's lines.

        Args:
            module: Its file.
            tests: The files of tests that have to hold it.
            copy: Where the tests are run if they have to be.

        Raises:
            MeasureError: The tests fail without any change.
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
        seconds: dict[str, float] = {}
        for one in filter(None, known.values()):
            for line, names in one["modules"].get(module, {"lines": {}})["lines"].items():
                lines[int(line)] = (*lines.get(int(line), ()), *names)
            seconds |= one["seconds"]
        return Selection(lines, seconds)

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
        out = self._folder / f"measured-{os.getpid()}.json"
        code = subprocess.run(
            [sys.executable, "-m", "tests.mutants.selection", str(out), *tests],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            stdout=subprocess.DEVNULL,
            check=False,
        ).returncode
        if code not in {0, 5}:
            out.unlink(missing_ok=True)
            raise MeasureError(f"{' '.join(tests)} fail without any change; run them first")
        content = json.loads(out.read_text(encoding="utf-8"))
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
                    digest = _digest(self._root / module)
                    modules[module] = {"digest": digest, "lines": kept}
            seconds = {
                name: value for name, value in content["seconds"].items() if name.startswith(own)
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


class _Measure:
    """Tells coverage.py which test is running."""

    def __init__(self, cover: coverage.Coverage) -> None:
        self._cover = cover
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._cover.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration

    def pytest_runtest_logfinish(self) -> None:
        self._cover.switch_context("")


def measure(root: Path, tests: Iterable[str], out: Path) -> int:
    """Run the tests in the folder that is the repository, write what they run; pytest's code."""
    cover = coverage.Coverage(
        data_file=None, source=[str(root / one) for one in PACKAGES], config_file=False
    )
    plugin = _Measure(cover)
    cover.start()
    code = pytest.main(
        [*tests, "-q", "-m", LEFT_OUT, "-p", "no:cacheprovider", "-p", "no:randomly"], [plugin]
    )
    cover.stop()
    data = cover.get_data()
    lines: dict[str, Any] = {}
    for file in data.measured_files():
        contexts = data.contexts_by_lineno(file)
        lines[str(Path(file).relative_to(root))] = {
            line: [each for each in names if each] for line, names in contexts.items()
        }
    out.write_text(json.dumps({"lines": lines, "seconds": plugin.seconds}), encoding="utf-8")
    return int(code)


def tests_of(module: str, root: Path) -> tuple[str, ...]:
    """The files of tests that have to hold a module: of its own folder, and of what is read by it.

    It is stricter than all tests, and a tenth of the work.
    """
    folder = str(Path(module).parent)
    while folder not in PACKAGES and not (root / "tests" / folder).is_dir():
        folder = str(Path(folder).parent)
    own = root / "tests" / folder
    places = [own, *(root / each for each in _USERS.get(folder, ()))]
    return tuple(
        str(each.relative_to(root)) for place in places for each in sorted(place.glob("test_*.py"))
    )


if __name__ == "__main__":
    sys.exit(measure(Path.cwd(), sys.argv[2:], Path(sys.argv[1])))
