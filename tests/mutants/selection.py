"""Which tests run which lines: measured once by coverage.py, a context a test."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest

_USERS = {
    "infra/preview": ("tests/infra/review",),
    "infra/disclosure": ("tests/infra/review",),
}
"""Where else a folder's behaviour is stated: in the tests of what shows it."""

LEFT_OUT = "not stack and not slow and not drill"
"""A mutant is run hundreds of times; the tests with the engine are not among those that count."""


@dataclass(frozen=True)
class Selection:
    """What was measured.

    Attributes:
        lines: The tests that run each line of each module.
        seconds: How long each test took.
    """

    lines: Mapping[str, Mapping[int, tuple[str, ...]]]
    seconds: Mapping[str, float]

    def of(self, module: str, line: int) -> list[str]:
        """The tests to run for a change of a line: the fastest first.

        A line that is run when the module is imported is seen by every test of the module.
        """
        known = self.lines.get(module, {})
        found = known.get(line) or {test for tests in known.values() for test in tests}
        return sorted(found, key=lambda test: (self.seconds.get(test, 0), test))


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


def measure(root: Path, packages: Iterable[str], tests: Iterable[str], out: Path) -> int:
    """Run the tests in the folder that is the repository, write what they run; pytest's code."""
    cover = coverage.Coverage(
        data_file=None, source=[str(root / one) for one in packages], config_file=False
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


def read(paths: Iterable[Path]) -> Selection:
    """What `measure` wrote, of several folders of tests together."""
    lines: dict[str, dict[int, tuple[str, ...]]] = {}
    seconds: dict[str, float] = {}
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        seconds |= content["seconds"]
        for module, each in content["lines"].items():
            known = lines.setdefault(module, {})
            for line, tests in each.items():
                known[int(line)] = (*known.get(int(line), ()), *tests)
    return Selection(lines, seconds)


def tests_of(module: str, root: Path) -> tuple[str, ...]:
    """The tests that have to hold a module: those of its own folder, and of what is read by it.

    It is stricter than all tests, and a tenth of the work.
    """
    folder = str(Path(module).parent)
    while folder not in {"infra", "model_eval"} and not (root / "tests" / folder).is_dir():
        folder = str(Path(folder).parent)
    own = root / "tests" / folder
    if folder == "infra":
        found = [str(each.relative_to(root)) for each in sorted(own.glob("test_*.py"))]
    else:
        found = [f"tests/{folder}"]
    return (*found, *_USERS.get(folder, ()))
