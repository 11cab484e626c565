"""Pulumi's Kubernetes SDK, for tests alone: beside the program the CLI would want its plugin."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from tests.support import environments

LOCK = Path(__file__).resolve().parents[2] / "infra" / "requirements-aks.txt"


def packages() -> Path:
    """Where it is: an environment of its own, made once in the user's cache."""
    (found,) = environments.installed(LOCK).parent.glob("lib/python*/site-packages")
    return found


def use() -> None:
    """Let this process import it."""
    if importlib.util.find_spec("pulumi_kubernetes") is None:
        # Last: what both environments have comes from the project's.
        sys.path.append(str(packages()))
