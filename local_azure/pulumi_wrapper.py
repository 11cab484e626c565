"""`pulumi` as `exec` and `env` put it on PATH: the real one, its stack configuration elsewhere.

Pulumi knows only a flag for the place of `Pulumi.STACK.yaml`, no variable; this adds the flag to
the commands that have it, so that the stand-in's configuration never lies in a checkout. It is run
by path, in isolated mode, and imports nothing but the standard library.

Usage: python -IS pulumi_wrapper.py REAL_PULUMI PROJECTS_FOLDER [ARGUMENT...]
"""

import os
import sys
from pathlib import Path

COMMANDS = frozenset(
    [
        *("config", "preview", "pre", "up", "update", "refresh", "destroy", "down", "dn"),
        *("import", "watch", "logs"),
    ]
)
"""The commands of Pulumi 3.259 that take `--config-file`, with their aliases."""

VALUED = frozenset(
    [
        *("-C", "--cwd", "--color", "-v", "--verbose", "--tracing", "--profiling"),
        *("--memprofilerate", "--otel-traces"),
    ]
)
"""The flags that may stand before a command and whose value is an argument of its own."""


def main(real: str, projects: str, arguments: list[str]) -> None:
    """Become the real `pulumi`."""
    position = command_position(arguments)
    if position is not None and not any(each.startswith("--config-file") for each in arguments):
        project = project_name(value(arguments, "-C", "--cwd") or ".")
        stack = value(arguments, "-s", "--stack") or os.environ.get("PULUMI_STACK", "")
        if project and stack:
            file = Path(projects, project, f"Pulumi.{stack.rsplit('/', 1)[-1]}.yaml")
            arguments = [
                *arguments[: position + 1],
                f"--config-file={file}",
                *arguments[position + 1 :],
            ]
    os.execv(real, [real, *arguments])  # noqa: S606 - this is the whole point


def command_position(arguments: list[str]) -> int | None:
    """Where the command stands, if it is one of `COMMANDS`."""
    skip = False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument in VALUED:
            skip = True
        elif not argument.startswith("-"):
            return index if argument in COMMANDS else None
    return None


def value(arguments: list[str], *flags: str) -> str | None:
    """The value of a flag: `--stack dev`, `--stack=dev`, `-s dev`, `-sdev`."""
    for index, argument in enumerate(arguments):
        if argument == "--":
            return None
        for flag in flags:
            if argument == flag:
                return arguments[index + 1] if index + 1 < len(arguments) else None
            if argument.startswith(f"{flag}=") or (len(flag) == 2 and argument.startswith(flag)):
                return argument[len(flag) :].removeprefix("=")
    return None


def project_name(folder: str) -> str | None:
    """The `name` in the nearest `Pulumi.yaml` at or above a folder."""
    here = Path(folder).absolute()
    for above in (here, *here.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (project := above / name).is_file():
                return _name(project)
    return None


def _name(project: Path) -> str | None:
    for line in project.read_text(encoding="utf-8").splitlines():
        if line.startswith("name:"):
            return line[5:].split("#")[0].strip().strip("\"'") or None
    return None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
