"""Runs the Pulumi CLI as reviews and drift checks need it: no terminal, no colours, no prompts."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml


class PreviewError(Exception):
    """What Pulumi plans cannot be had or read; the message says in one line why and what to do."""


def run(
    arguments: Sequence[str],
    folder: Path,
    added: Mapping[str, str] | None = None,
    passed: tuple[int, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run `pulumi ARGUMENTS` in a folder and return what it wrote, whatever its exit code.

    Args:
        arguments: The command and its options.
        folder: A folder of the Pulumi project.
        added: Environment variables beside those of this process.
        passed: File descriptors that the command may use.

    Raises:
        PreviewError: There is no such folder, or no `pulumi` on PATH.
    """
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", **(added or {})}
    try:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            errors="replace",
            check=False,
            pass_fds=passed,
        )
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise PreviewError(f"there is no folder {folder}; name one with --cwd") from error
        raise PreviewError("`pulumi` is not on PATH; install the Pulumi CLI") from error
    except OSError as error:
        raise PreviewError(f"`pulumi` cannot be started: {error.strerror}") from error


def document(arguments: Sequence[str], folder: Path) -> Any:
    """The JSON that a command writes.

    Raises:
        PreviewError: It failed, or wrote something else.
    """
    done = run(arguments, folder)
    if done.returncode:
        raise PreviewError(f"`pulumi {arguments[0]}` failed: {said(done)}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise PreviewError(f"`pulumi {arguments[0]}` did not write JSON") from error


def project(folder: Path) -> str:
    """The name of the Pulumi project that a folder is in.

    Raises:
        PreviewError: There is no project, or its file has no name.
    """
    file = project_file(folder)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PreviewError(f"cannot read {file}: {' '.join(str(error).split())}") from error
    name = content.get("name") if isinstance(content, Mapping) else None
    if not isinstance(name, str) or not name:
        raise PreviewError(f"{file} names no project; it needs a line `name: NAME`")
    return name


def project_file(folder: Path) -> Path:
    """The project's file; the stacks' configurations are beside it.

    Raises:
        PreviewError: There is no project.
    """
    for each in [folder.resolve(), *folder.resolve().parents]:
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            file = each / name
            if file.is_file():
                return file
    raise PreviewError(f"no Pulumi.yaml in {folder} or above it; name a folder with --cwd")


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command gave as the reason, in one line."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("error:")] or lines[-1:]
    return told[0].removeprefix("error: ") if told else f"exit code {done.returncode}"
