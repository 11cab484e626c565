"""Tries mutants in copies of the repository, several at once, and keeps what was found."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import IO

from tests.mutants.mutant import Mutant
from tests.mutants.selection import Selection

LEAST_SECONDS = 20.0
"""What a trial may take at least; more where its tests take long."""
LONGEST_SECONDS = 1200.0
"""What all tests of a module may take."""
SLOWER = 10.0
"""How much slower than measured the tests may be before they count as hanging."""

Outcome = str
"""`killed`, `survived`, `hung` or `unseen` (no test runs the line)."""


def copy(root: Path, folder: Path) -> Path:
    """A copy of the repository; its environment is shared."""
    left_out = shutil.ignore_patterns(
        ".git", ".venv", ".local", "__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache"
    )
    shutil.copytree(root, folder, ignore=left_out, symlinks=True)
    if (root / ".venv").exists():
        (folder / ".venv").symlink_to((root / ".venv").resolve())
    return folder


class TrialError(Exception):
    """Nothing can be said of the mutants; the message says why in one line."""


class Kept:
    """What was found before: a file of JSON lines, so that a run can be stopped and goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._found: dict[str, Outcome] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                key, outcome = json.loads(line)
                self._found[key] = outcome

    def get(self, key: str) -> Outcome | None:
        """What was found, if it was tried."""
        return self._found.get(key)

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep it."""
        with self._lock:
            self._found[key] = outcome
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([key, outcome]) + "\n")


def key_of(root: Path, mutant: Mutant, tests: Sequence[str]) -> str:
    """The same for the same change, held against the same tests."""
    digest = hashlib.sha256(mutant.key.encode())
    for file in sorted({test.partition("::")[0] for test in tests}):
        digest.update((root / file).read_bytes())
    return digest.hexdigest()[:24]


def tests_of(selection: Selection, mutant: Mutant) -> list[str]:
    """Whole functions: the names of their cases may hold anything."""
    return list(
        dict.fromkeys(t.partition("[")[0] for t in selection.of(mutant.module, mutant.line))
    )


def try_all(
    root: Path,
    folders: Sequence[Path],
    mutants: Sequence[Mutant],
    selection: Selection,
    kept: Kept,
    warm: Sequence[str],
) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield each mutant with what became of it, as it is found.

    Raises:
        TrialError: The tests fail without any change, or the processes end.
    """
    waiting: Queue[Mutant] = Queue()
    found: Queue[tuple[Mutant, Outcome] | None] = Queue()
    for mutant in mutants:
        tests = tests_of(selection, mutant)
        known = kept.get(key_of(root, mutant, tests)) if tests else "unseen"
        if known:
            yield mutant, known
        else:
            waiting.put(mutant)
    left = waiting.qsize()
    threads = [
        threading.Thread(
            target=_serve, args=(root, folder, waiting, found, selection, kept, warm), daemon=True
        )
        for folder in folders[: max(1, left)]
    ]
    if left:
        for thread in threads:
            thread.start()
    while left:
        try:
            one = found.get(timeout=5)
        except Empty:
            if not any(thread.is_alive() for thread in threads):
                raise TrialError("the processes that try mutants ended early") from None
            continue
        if one is None:
            raise TrialError("the tests fail in a copy of the repository without any change")
        yield one
        left -= 1


def _serve(
    root: Path,
    folder: Path,
    waiting: Queue[Mutant],
    found: Queue[tuple[Mutant, Outcome] | None],
    selection: Selection,
    kept: Kept,
    warm: Sequence[str],
) -> None:
    held: set[str] = set()

    def ask(module: str, code: str, tests: Sequence[str], seconds: float) -> Outcome:
        asked = {"module": module, "code": code, "tests": tests, "seconds": seconds}
        asks.write(json.dumps(asked) + "\n")
        asks.flush()
        return _outcome(json.loads(answers.readline()))

    with _worker(folder, warm) as (asks, answers):
        while True:
            try:
                mutant = waiting.get_nowait()
            except Empty:
                return
            if mutant.module not in held:
                # Tests that fail here without any change would notice everything.
                every = sorted(
                    {each for line in selection.lines[mutant.module].values() for each in line}
                )
                whole = list(dict.fromkeys(each.partition("[")[0] for each in every))
                text = (root / mutant.module).read_text(encoding="utf-8")
                if ask(mutant.module, text, whole, LONGEST_SECONDS) != "survived":
                    found.put(None)
                    return
                held.add(mutant.module)
            tests = tests_of(selection, mutant)
            needed = sum(
                selection.seconds.get(one, 0) for one in selection.of(mutant.module, mutant.line)
            )
            outcome = ask(mutant.module, mutant.code, tests, LEAST_SECONDS + SLOWER * needed)
            kept.put(key_of(root, mutant, tests), outcome)
            found.put((mutant, outcome))


def _outcome(code: int | None) -> Outcome:
    if code is None:
        return "hung"
    return {0: "survived", 5: "unseen"}.get(code, "killed")


@contextmanager
def _worker(folder: Path, warm: Sequence[str]) -> Iterator[tuple[IO[str], IO[str]]]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.mutants.worker", *warm],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout
        process.stdin.close()
