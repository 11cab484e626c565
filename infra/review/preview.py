"""Runs `pulumi preview`, and reads the secrets of its configuration so that they can be masked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.review.errors import ReviewError

_EVENTS = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW"


def run(stack: str, folder: Path) -> str:
    """The output of `pulumi preview --json`, an event a line; a failed preview tells so in it.

    Args:
        stack: The stack's name.
        folder: A folder of the Pulumi project.

    Raises:
        ReviewError: Pulumi cannot be started, or failed without saying why in its output.
    """
    command = ["preview", "--json", "--stack", stack, "--show-sames"]
    done = _pulumi(command, folder, {_EVENTS: "true"})
    if done.returncode and '"diagnosticEvent"' not in done.stdout:
        raise ReviewError(f"`pulumi preview` failed: {_said(done)}")
    return done.stdout


def secrets(stack: str, folder: Path) -> frozenset[str]:
    """The plain text of the stack's secret configuration; only ever held in memory, to mask it.

    Raises:
        ReviewError: The configuration cannot be read or decrypted.
    """
    done = _pulumi(["config", "--json", "--show-secrets", "--stack", stack], folder, {})
    if done.returncode:
        raise ReviewError(f"`pulumi config` failed: {_said(done)}")
    found: set[str] = set()
    for value in json.loads(done.stdout).values():
        if value.get("secret"):
            found |= set(_texts(value.get("objectValue", value.get("value"))))
    return frozenset(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _pulumi(
    arguments: list[str], folder: Path, added: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", **added}
    try:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise ReviewError(f"there is no folder {folder}; name one with --cwd") from error
        raise ReviewError(
            "`pulumi` is not on PATH; install the Pulumi CLI, or name a recorded plan with --plan"
        ) from error
    except OSError as error:
        raise ReviewError(f"`pulumi` cannot be started: {error.strerror}") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """What the command said last; Pulumi's own errors do not show secrets."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("error:")] or lines[-1:]
    return told[0].removeprefix("error: ") if told else f"exit code {done.returncode}"
