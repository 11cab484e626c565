"""A life cycle of its own: the real make targets on a state folder in a temporary directory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Machine:
    """Somebody's machine: a state folder and an environment with credentials that are not ours."""

    state: Path
    home: Path

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout."""
        env = {
            **os.environ,
            "LOCAL_AZURE_DIR": str(self.state),
            # A user's own logins: nothing may read or change them.
            "PULUMI_ACCESS_TOKEN": "pul-not-ours",
            "AZURE_CLIENT_ID": "not-ours",
            "ARM_SUBSCRIPTION_ID": "not-ours",
            **environment,
        }
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=500, check=False
        )

    def make(self, target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a make target."""
        return self.run("make", "--no-print-directory", target, *arguments)

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command against the stand-in, as the README shows."""
        return self.run(
            str(ROOT / ".venv" / "bin" / "python"), "-m", "local_azure", "exec", "--", *command
        )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that never saw the project; whatever runs on it is stopped at the end."""
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(folder / "state", folder)
    yield machine
    if machine.state.exists():
        machine.run(str(ROOT / ".venv" / "bin" / "python"), "-m", "local_azure", "reset")
