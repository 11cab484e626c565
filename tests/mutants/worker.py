"""One process that tries mutants, one after the other, in a copy of the repository of its own.

It imports pytest and every package that the tests import once, and forks for each mutant: a run
costs what the tests cost. The change is written into the copy, so that processes which tests start
see it, too. Started as `python -m tests.mutants.worker TESTS...` in that copy; a JSON line asks, a
line answers.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutants.selection import LEFT_OUT

QUIET = (
    *("-q", "-x", "-p", "no:cacheprovider", "--no-header", "-m", LEFT_OUT),
    # pytest's own plugins are imported already: that is what the fork is for.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def main() -> None:
    """Answer until the input ends."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    _warm(sys.argv[1:])
    for line in sys.stdin:
        asked = json.loads(line)
        file = Path(asked["module"])
        text = file.read_text(encoding="utf-8")
        # Byte code is taken for fresh by its time and size alone.
        for each in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            each.unlink()
        file.write_text(asked["code"], encoding="utf-8")
        try:
            told = run(asked["tests"], asked["seconds"])
        finally:
            file.write_text(text, encoding="utf-8")
        answers.write(json.dumps(told) + "\n")
        answers.flush()


def run(tests: Sequence[str], seconds: float) -> int | None:
    """pytest's exit code; None if it did not end in time."""
    child = os.fork()
    if child == 0:
        os.setsid()
        # A wrong exit code would be taken for the tests' word.
        code = 70
        try:
            code = int(pytest.main([*QUIET, *tests]))
        except BaseException:
            code = 1
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _kill(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    _kill(child)
    os.waitpid(child, 0)
    return None


def _kill(group: int) -> None:
    """End what the tests left running, too."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _warm(tests: Sequence[str]) -> None:
    """Import here what the tests import, but for what is in the repository."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            pytest.main([*QUIET, "--collect-only", *tests])
            place = str(Path.cwd())
            names = [
                name
                for name, one in list(sys.modules.items())
                if (getattr(one, "__file__", None) or place).startswith(sys.prefix)
            ]
            with os.fdopen(writer, "w") as stream:
                stream.write("\n".join(names))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        names = stream.read().split()
    os.waitpid(child, 0)
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


if __name__ == "__main__":
    main()
