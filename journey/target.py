"""Where the service runs: a container group, or Kubernetes, which has to be built first."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import typer
from rich.console import Console

from journey.stack import PROJECT
from journey.steps import JourneyError
from local_azure.environment import ambient
from local_azure.home import Home
from local_azure.kubernetes import network
from local_azure.kubernetes.programs import BUILD_MINUTES, Programs
from local_azure.pulumi_cli import PulumiCli
from local_azure.stack import Stack as LocalStack

SDK = "pulumi-kubernetes"
LOCK = "infra/requirements-aks.txt"
INSTALL_SECONDS = 300.0


class Target(StrEnum):
    """What a stack's `target` may be."""

    ACI = "aci"
    AKS = "aks"


def remembered(home: Home, root: Path) -> Target:
    """What the stack's configuration names; a stack that names none runs a container group.

    Raises:
        DamagedStateError: The configuration cannot be read.
    """
    stack = LocalStack.at(home, root)
    found = stack.settings().get(f"{PROJECT}:target") if stack else None
    return Target.AKS if found == Target.AKS else Target.ACI


def prepare(root: Path, console: Console) -> None:
    """Have in place what the target `aks` needs beside the rest; quick when nothing is missing.

    Raises:
        JourneyError: The user declined, or a package cannot be installed.
        LocalAzureError: This machine cannot run Kubernetes, or cannot build it.
    """
    network.check()
    _install_sdk(root, console)
    programs = Programs(ambient())
    missing = programs.missing()
    if missing and sys.stdin.isatty() and sys.stdout.isatty():
        what = " and ".join(missing)
        question = f"{what} must be built once: up to {BUILD_MINUTES} minutes. Begin?"
        if not typer.confirm(question, default=True):
            raise JourneyError(
                "nothing was built; a container group needs none: make up TARGET=aci"
            )
    programs.ensure(PulumiCli(ambient(), console).go, console)


def _install_sdk(root: Path, console: Console) -> None:
    """Install the SDK for Python where it is not, or is of another version than the lock's."""
    if _installed() == _locked(root / LOCK):
        return
    uv = Path(sys.executable).with_name("uv")
    command = [
        *(str(uv), "pip", "install", "--quiet", "--system-certs", "--require-hashes"),
        *("--python", sys.executable, "--requirement", str(root / LOCK)),
    ]
    with console.status("Installing Pulumi's Kubernetes SDK"):
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **ambient()},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise JourneyError(f"{SDK} cannot be installed: {error}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-300:] or f"exit code {done.returncode}"
        raise JourneyError(f"{SDK} cannot be installed: {said}; is a package registry reachable?")


def _installed() -> str:
    try:
        return importlib.metadata.version(SDK)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _locked(lock: Path) -> str:
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("==")
        if name == SDK:
            return rest.split()[0]
    raise JourneyError(f"{lock} pins no {SDK}; is the checkout whole?")
