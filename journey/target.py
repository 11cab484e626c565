"""Where the service runs: a container group, or Kubernetes, which has to be built first."""

from __future__ import annotations

import importlib.metadata
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
from scoring import environments
from scoring.errors import PackagesError

SDK = "pulumi-kubernetes"
LOCK = "infra/requirements-aks.txt"


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
    with console.status("Installing Pulumi's Kubernetes SDK"):
        try:
            environments.install(root / LOCK, Path(sys.executable), SDK, ambient())
        except PackagesError as error:
            raise JourneyError(str(error)) from error


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
