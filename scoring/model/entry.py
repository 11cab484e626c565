"""Load an entry script: any Python file with init() and run(raw_data).

Optional, and documented in the README: `run_array(rows, method)` takes arrays instead of text,
`methods()` names the methods it knows, `dtypes()` the types of array besides finite float64,
`quick()` says that it answers in milliseconds.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.errors import ModelError, ScriptError, message_of


@dataclass(frozen=True, slots=True)
class EntryScript:
    """The functions of a loaded and initialised script."""

    run: Callable[[str], Any]
    run_array: Callable[..., Any] | None
    methods: tuple[str, ...]
    dtypes: tuple[str, ...]
    quick: bool


def load_entry_script(path: Path) -> EntryScript:
    """Import the script, call its init(), and return its functions."""
    spec = importlib.util.spec_from_file_location("entry_script", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ScriptError(f"the entry script {path} is not a Python file; see SCORING_SCRIPT")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ScriptError(f"the entry script {path} cannot be imported: {_line(error)}") from error
    for name in ("init", "run"):
        if not callable(getattr(module, name, None)):
            raise ScriptError(f"the entry script {path} lacks the function {name}()")
    try:
        module.init()
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ScriptError(f"init() of {path} failed: {_line(error)}") from error
    run_array = getattr(module, "run_array", None)
    methods = getattr(module, "methods", None)
    dtypes = getattr(module, "dtypes", None)
    quick = getattr(module, "quick", None)
    return EntryScript(
        run=module.run,
        run_array=run_array,
        methods=tuple(methods()) if methods else ("predict",),
        dtypes=tuple(dtypes()) if dtypes else (),
        quick=bool(quick()) if quick and run_array else False,
    )


def _line(error: BaseException) -> str:
    """The kind and the message of an error in one line."""
    return f"{type(error).__name__}: {message_of(error)}"
