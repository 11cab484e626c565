"""One process that tries mutants, one after the other, in a copy of the repository of its own.

pytest collects the tests once; each mutant is tried in a fork of that, so that a trial costs what
its tests cost. A change inside a function is put into the functions that exist; any other change
imports the repository's modules anew. The change is written into the copy, too, for the processes
that tests start. Started as `python -m tests.mutants.worker TESTS...` in that copy; a JSON line
asks, a line answers.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.mutants.selection import LEFT_OUT

QUIET = (
    *("-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header", "-m", LEFT_OUT),
    # pytest's own plugins are imported already where the modules are imported anew.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
LEAST_CPU_SECONDS = 4.0
LEAST_SECONDS = 60.0
"""What a trial may take at least, of the processor and of the clock."""
SLOWER = 10.0
"""How much slower than measured the tests may be before they count as hanging."""


class Worker:
    """A plugin that asks for mutants where pytest would run what it collected."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._asks = os.fdopen(os.dup(0))
        self._answers = os.fdopen(os.dup(1), "w")
        self._trusted: set[tuple[str, bool]] = set()
        self._functions: dict[str, list[FunctionType]] = {}
        self._caches: list[Any] = []
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer until the input ends."""
        # Byte code of what is changed would be taken for fresh by its time and size alone.
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(
                str(self._root)
            ):
                self._functions.setdefault(one.__code__.co_qualname, []).append(one)
            elif isinstance(one, functools._lru_cache_wrapper):
                self._caches.append(one)
        gc.freeze()
        for line in self._asks:
            self._answers.write(json.dumps(self._try(session, json.loads(line))) + "\n")
            self._answers.flush()
        return True

    def _try(self, session: pytest.Session, asked: Mapping[str, Any]) -> tuple[str, str | None]:
        """What became of a mutant, and the test that noticed it."""
        file = self._root / asked["module"]
        text = file.read_text(encoding="utf-8")
        _write(file, asked["code"])
        try:
            changes = None if asked["anew"] else changed(text, asked["code"], str(file))
            place = None if changes is None else self._place(changes, str(file))
            outcome, test = self._run(session, place, asked["tests"], asked["seconds"])
        finally:
            _write(file, text)
        if test and (test, place is None) not in self._trusted:
            again = {} if place is not None else None
            if self._run(session, again, [test], LEAST_SECONDS)[0] != "survived":
                return "untrusted", test
            self._trusted.add((test, place is None))
        return outcome, test

    def _place(
        self, changes: Mapping[CodeType, CodeType], file: str
    ) -> dict[FunctionType, CodeType] | None:
        """The functions that a change changes; None where it needs another import."""
        found: dict[FunctionType, CodeType] = {}
        for old, new in changes.items():
            functions = [
                one
                for one in self._functions.get(old.co_qualname, ())
                if one.__code__.co_filename == file
                and one.__code__.co_firstlineno == old.co_firstlineno
            ]
            if not functions or old.co_freevars != new.co_freevars:
                return None
            found |= dict.fromkeys(functions, new)
        return found

    def _run(
        self,
        session: pytest.Session,
        place: Mapping[FunctionType, CodeType] | None,
        tests: Sequence[str],
        seconds: float,
    ) -> tuple[str, str | None]:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setsid()
            cpu = int(LEAST_CPU_SECONDS + SLOWER * seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
            told = "killed "
            try:
                if place is None:
                    told = self._anew(tests)
                else:
                    told = self._as_collected(session, place, tests)
            finally:
                os.write(writer, told.encode())
                os._exit(0)
        os.close(writer)
        ended = _wait(child, LEAST_SECONDS + SLOWER * seconds)
        with os.fdopen(reader, "rb") as stream:
            # What a test left running was ended, so that there is an end to read.
            told = stream.read().decode() if ended else ""
        outcome, _, test = (told or "hung").partition(" ")
        return outcome, test or None

    def _as_collected(
        self,
        session: pytest.Session,
        place: Mapping[FunctionType, CodeType],
        tests: Sequence[str],
    ) -> str:
        for function, code in place.items():
            function.__code__ = code
        for cache in self._caches:
            if str(getattr(cache, "__module__", "")).startswith(("infra", "model_eval")):
                cache.cache_clear()
        items = {item.nodeid: item for item in session.items}
        chosen = [items[test] for test in tests if test in items]
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return f"killed {item.nodeid}"
        return "survived"

    def _anew(self, tests: Sequence[str]) -> str:
        """Import the repository's modules anew; what they import stays as it is."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            own = file.startswith(str(self._root)) and not file.startswith(sys.prefix)
            if own and name != "__main__" and not name.startswith("tests.mutants"):
                del sys.modules[name]
        first = _First()
        # Whole functions: the names of their cases may hold anything.
        functions = dict.fromkeys(test.partition("[")[0] for test in tests)
        code = pytest.main([*QUIET, *functions], [first])
        if code == pytest.ExitCode.OK:
            return "survived"
        return f"killed {first.failed}"


class _First:
    """The first test that fails."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def changed(old: str, new: str, file: str) -> dict[CodeType, CodeType] | None:
    """The outermost functions that a change is in; None where it is outside of any."""
    found: dict[CodeType, CodeType] = {}
    pairs = [(compile(old, file, "exec"), compile(new, file, "exec"))]
    while pairs:
        one, other = pairs.pop()
        inner = [_codes(one), _codes(other)]
        if len(inner[0]) != len(inner[1]) or _own(one) != _own(other):
            return None
        for before, after in zip(*inner, strict=True):
            if before == after:
                continue
            if before.co_flags & OPTIMIZED:
                found[before] = after
            else:
                pairs.append((before, after))
    return found


OPTIMIZED = 1
"""The flag of a function's code; a module's and a class's have it not."""


def _codes(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _own(code: CodeType) -> tuple[object, ...]:
    """What a module or a class does itself when it is imported."""
    consts = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return code.co_code, consts, code.co_names, code.co_varnames, code.co_freevars


def _write(file: Path, text: str) -> None:
    """Write a module; a process that got no environment may have left byte code of another text."""
    for each in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        each.unlink()
    file.write_text(text, encoding="utf-8")


def _wait(child: int, seconds: float) -> bool:
    """Whether it ended in time by itself; nothing that it started is left."""
    end = time.monotonic() + seconds
    pause = 0.001
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _kill(child)
            return os.WIFEXITED(status)
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    _kill(child)
    os.waitpid(child, 0)
    return False


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(pytest.main([*QUIET, *sys.argv[1:]], [Worker(Path.cwd())]))
