"""A folder that a user names for results: nothing that a command did not write itself is lost.

A command writes only into a folder that is new, empty, or its own earlier result, which it knows by
a mark. The working directory, what it lies in, the home and a folder with `.git` are never taken.
Beside the service, not in the image; `model_eval` writes through it, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoring.errors import OutputError

MARK = ".written-by.json"
"""Says what wrote the folder, `result`, and the top-level names that it wrote, `names`."""

_REMEDY = "name a new or an empty folder"


@contextlib.contextmanager
def replaced(out: Path, result: str) -> Iterator[Path]:
    """An empty draft that becomes `out`, as a whole, if the block ends without an error.

    Args:
        out: The folder; new, empty, or an earlier result of the same kind without other files.
        result: What is written, such as `a retrieved model`.

    Raises:
        OutputError: The folder is not one to write to, or the disk refuses. Nothing was touched.
    """
    target = check(out, result)
    try:
        with tempfile.TemporaryDirectory(dir=_existing(target), prefix=".draft-") as name:
            draft = Path(name) / "new"
            draft.mkdir()
            yield draft
            names = sorted(path.name for path in draft.iterdir())
            _mark(draft, result, names)
            check(out, result)  # the block may have taken minutes
            target.parent.mkdir(parents=True, exist_ok=True)
            before = Path(name) / "before"
            if target.exists():
                target.rename(before)
            try:
                draft.rename(target)
            except OSError:
                if before.exists():
                    before.rename(target)
                raise
    except OSError as error:
        raise _refused(out, error) from error


def extended(out: Path, result: str) -> Path:
    """The folder, made where it is new, in which files of one kind of result gather.

    Args:
        out: The folder; new, empty, or marked by the same kind of result.
        result: What is written there, such as `evidence of a model`.

    Raises:
        OutputError: As `replaced` does.
    """
    target = check(out, result, alone=False)
    try:
        target.mkdir(parents=True, exist_ok=True)
        _mark(target, result, [])
    except OSError as error:
        raise _refused(out, error) from error
    return target


def check(out: Path, result: str, *, alone: bool = True) -> Path:
    """Refuse a folder, as before long work is begun for it; where it is.

    Args:
        out: The folder.
        result: What is to be written there.
        alone: Whether nothing else may lie there.

    Raises:
        OutputError: As `replaced` does.
    """
    try:
        return _resolved(out, result, alone=alone)
    except OSError as error:
        raise _refused(out, error) from error


def write_text(file: Path, text: str) -> None:
    """Write a file that the user named; its folder is made, the file is replaced.

    Raises:
        OutputError: It is a folder, or the disk refuses.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _refused(file, error) from error


def write_json(file: Path, value: Any) -> None:
    """The same with a value as JSON."""
    write_text(file, json.dumps(value, indent=2) + "\n")


def _resolved(out: Path, result: str, *, alone: bool) -> Path:
    target = out.expanduser().resolve()
    for place, kind in ((Path.cwd(), "the working directory"), (Path.home(), "the home")):
        if target == place.resolve() or target in place.resolve().parents:
            where = "is" if target == place.resolve() else "holds"
            raise OutputError(f"{out} {where} {kind}; {_REMEDY}. Nothing was touched")
    if not os.path.lexists(target):
        return target
    if not target.is_dir():
        raise OutputError(f"{out} is no folder; {_REMEDY}. Nothing was touched")
    if os.path.lexists(target / ".git"):
        raise OutputError(f"{out} is a git checkout; {_REMEDY}. Nothing was touched")
    found = {path.name for path in target.iterdir()}
    if not found:
        return target
    own = _written(target, result)
    if own is None:
        raise OutputError(
            f"{out} holds files and is not {result} that this command wrote; {_REMEDY}, or remove"
            " it yourself. Nothing was touched"
        )
    others = sorted(found - own - {MARK})
    if alone and others:
        raise OutputError(
            f"{out} holds {others[0]!r}, which this command did not write; {_REMEDY}, or move it"
            " away. Nothing was touched"
        )
    return target


def _written(folder: Path, result: str) -> set[str] | None:
    """The names that this kind of result wrote there; None where the mark is not its own."""
    try:
        mark = json.loads((folder / MARK).read_bytes())
        return {str(name) for name in mark["names"]} if mark["result"] == result else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mark(folder: Path, result: str, names: list[str]) -> None:
    text = json.dumps({"result": result, "names": names}, indent=2) + "\n"
    (folder / MARK).write_text(text, encoding="utf-8")


def _existing(target: Path) -> Path:
    """The nearest folder above that is there: a failure leaves no new folders behind."""
    return next(parent for parent in target.parents if parent.is_dir())


def _refused(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}")
