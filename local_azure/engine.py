"""Pulumi's processes that work on one state folder: engines, and what killed engines left."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil

from local_azure.home import VARIABLE, Home

_END_SECONDS = 5.0
_HELPERS = ("pulumi-language-", "pulumi-resource-", "pulumi-analyzer-")
_MODULES = ("local_azure.provider",)


def engines(home: Home) -> list[psutil.Process]:
    """The `pulumi` commands that run now."""
    return [each for each in _ours(home) if _name(each) == "pulumi"]


def end_left(home: Home) -> int:
    """End language hosts and plugins whose engine is gone; returns how many there were.

    A language host leads a process group of its own, so what kills an engine rarely reaches it.
    """
    helpers = [each for each in _ours(home) if _name(each) != "pulumi"]
    return _end([each for each in helpers if not _has_engine(each)])


def end_all(home: Home) -> int:
    """End engines, too: for a state folder that is about to be deleted."""
    return _end(list(_ours(home)))


def _ours(home: Home) -> Iterator[psutil.Process]:
    """Engines and helpers whose environment names the state folder, of this user alone."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE or not _is_pulumis(process):
                continue
            if process.environ().get(VARIABLE) == str(home.root):
                yield process


def _is_pulumis(process: psutil.Process) -> bool:
    name = _name(process)
    return name == "pulumi" or (name.startswith(("pulumi", "python", "sh")) and _is_helper(process))


def _is_helper(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    # An interpreter and its script, or the program itself.
    names = [Path(word).name for word in words[:2]]
    if any(name.startswith(_HELPERS) for name in names):
        return True
    return words[1:3] in [["-m", module] for module in _MODULES] or any(
        Path(word).name.startswith("pulumi-language-python-exec") for word in words[:4]
    )


def _has_engine(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(_name(each) == "pulumi" for each in process.parents())
    return False


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return process.name()
    return ""


def _end(processes: list[psutil.Process]) -> int:
    family = {each.pid: each for each in processes}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            family |= {each.pid: each for each in process.children(recursive=True)}
    for process in family.values():
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(list(family.values()), timeout=_END_SECONDS)
    return len(processes)
