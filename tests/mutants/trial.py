"""Tries mutants in copies of the repository, several at once, and keeps what was found."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue

from tests.mutants.mutant import Mutant
from tests.mutants.selection import Selection

MOST_SECONDS = 20.0
"""What the tests of one mutant may take of the processor; it survives what was not asked then."""

Outcome = str
"""`killed`, `survived`, `hung` or `unseen` (no test runs the line)."""


def copy(root: Path, folder: Path) -> Path:
    """A copy of the repository; its environment is shared."""
    left_out = shutil.ignore_patterns(
        ".git",
        ".venv",
        ".cache",
        ".local",
        "__pycache__",
        ".hypothesis",
        ".pytest_cache",
        ".ruff_cache",
    )
    shutil.copytree(root, folder, ignore=left_out, symlinks=True)
    if (root / ".venv").exists():
        (folder / ".venv").symlink_to((root / ".venv").resolve())
    return folder


class TrialError(Exception):
    """Nothing can be said of the mutants; the message says why in one line."""


class Kept:
    """What was found before: a file of JSON lines, so that a run can be stopped and goes on.

    What a test has noticed stays noticed while that test is the same; what no test has noticed is
    tried again when any file of its tests has changed.
    """

    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._lock = threading.Lock()
        self._found: dict[str, tuple[Outcome, str | None, str]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                key, outcome, test, proof = json.loads(line)
                self._found[key] = (outcome, test, proof)

    def get(self, mutant: Mutant, tests: Sequence[str]) -> tuple[Outcome, str | None] | None:
        """What was found, and the test that noticed it."""
        outcome, test, proof = self._found.get(mutant.key, ("", None, ""))
        if outcome and proof == self._proof(test, tests):
            return outcome, test
        return None

    def put(self, mutant: Mutant, outcome: Outcome, test: str | None, tests: Sequence[str]) -> None:
        """Keep it."""
        with self._lock:
            one = (outcome, test, self._proof(test, tests))
            self._found[mutant.key] = one
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([mutant.key, *one]) + "\n")

    def _proof(self, test: str | None, tests: Sequence[str]) -> str:
        if test:
            file, _, name = test.partition("[")[0].partition("::")
            return _functions(self._root / file).get(name.rpartition("::")[2], "")
        return _digest(
            b"".join(
                _content(self._root / file)
                for file in sorted({each.partition("::")[0] for each in tests})
            )
        )


@functools.cache
def _content(file: Path) -> bytes:
    # A file of tests that went away proves nothing any more.
    return file.read_bytes() if file.exists() else b""


@functools.cache
def _functions(file: Path) -> dict[str, str]:
    """The tests of a file, each with a digest of its text."""
    tree = ast.parse(_content(file))
    return {
        node.name: _digest(ast.dump(node).encode())
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def forget() -> None:
    """Read the files of tests anew."""
    _content.cache_clear()
    _functions.cache_clear()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@dataclass
class Tried:
    """A mutant and what became of it.

    Attributes:
        mutant: What was changed.
        outcome: What became of it.
    """

    mutant: Mutant
    outcome: Outcome


class Order:
    """The order in which the tests of a module are asked: who noticed much for little first."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._noticed: Counter[str] = Counter()
        self._no_judges: set[str] = set()

    def of(self, mutant: Mutant) -> tuple[list[str], float]:
        """The tests of a mutant, and how long they take together."""
        seconds = self._selection.seconds
        found = sorted(
            set(self._selection.of(mutant)) - self._no_judges,
            key=lambda test: ((0.001 + seconds.get(test, 0)) / (0.1 + self._noticed[test]), test),
        )
        chosen, total = [], 0.0
        for test in found:
            total += seconds.get(test, 0)
            if chosen and total > MOST_SECONDS:
                break
            chosen.append(test)
        return chosen, total

    def leave_out(self, test: str) -> None:
        """A test fails without any change."""
        sys.stderr.write(f"{test} fails without any change: it is no judge\n")
        self._no_judges.add(test)

    def noticed(self, test: str) -> None:
        """A test noticed a mutant."""
        self._noticed[test] += 1


def try_all(
    workers: Sequence[Worker],
    mutants: Sequence[Mutant],
    selection: Selection,
    kept: Kept,
    *,
    last: bool = True,
) -> Iterator[Tried]:
    """Yield each mutant with what became of it, as it is found.

    Args:
        workers: Who tries them.
        mutants: What is tried.
        selection: Who judges.
        kept: What was found before, and where it is kept.
        last: Whether nobody judges what is not noticed here; else only what is noticed is kept.

    Raises:
        TrialError: The processes end.
    """
    order = Order(selection)
    waiting: Queue[Mutant] = Queue()
    found: Queue[Tried | TrialError] = Queue()
    for mutant in mutants:
        tests = selection.of(mutant)
        known = kept.get(mutant, tests) if tests else ("unseen", None)
        if known:
            if known[1]:
                order.noticed(known[1])
            yield Tried(mutant, known[0])
        else:
            waiting.put(mutant)
    left = waiting.qsize()

    def serve(worker: Worker) -> None:
        while True:
            try:
                mutant = waiting.get_nowait()
            except Empty:
                return
            try:
                while True:
                    tests, seconds = order.of(mutant)
                    if not tests:
                        outcome, test = "unseen", None
                        break
                    outcome, test = worker.ask(mutant, tests, seconds, anew=selection.anew(mutant))
                    if outcome != "untrusted" or test is None:
                        break
                    order.leave_out(test)
            except (TrialError, OSError, ValueError) as error:
                found.put(TrialError(str(error)))
                return
            if test:
                order.noticed(test)
            if test or last:
                kept.put(mutant, outcome, test, selection.of(mutant))
            found.put(Tried(mutant, outcome))

    for worker in workers[: max(1, left)]:
        threading.Thread(target=serve, args=(worker,), daemon=True).start()
    for _ in range(left):
        one = found.get()
        if isinstance(one, TrialError):
            raise one
        yield one


class Worker:
    """A process that tries mutants in a copy; it is started when it is asked for the first time."""

    def __init__(self, folder: Path, tests: Sequence[str]) -> None:
        self._folder = folder
        self._tests = tests
        self._process: subprocess.Popen[str] | None = None

    def ask(
        self, mutant: Mutant, tests: Sequence[str], seconds: float, *, anew: bool
    ) -> tuple[Outcome, str | None]:
        """What becomes of a mutant, and the test that notices it.

        It is `untrusted` where that test fails without the change, too.

        Raises:
            TrialError: The process ended.
        """
        if self._process is None:
            self._process = self._start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {
            "module": mutant.module,
            "code": mutant.code,
            "tests": tests,
            "seconds": seconds,
            "anew": anew,
        }
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise TrialError(f"the tests cannot be collected in {self._folder}; run them first")
        outcome, test = json.loads(line)
        return outcome, test

    def _start(self) -> subprocess.Popen[str]:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(self._folder)}
        return subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.worker", *self._tests],
            cwd=self._folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            with self._process as process:
                assert process.stdin is not None
                process.stdin.close()
            self._process = None
