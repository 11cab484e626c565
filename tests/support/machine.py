"""A stand-in with a state folder of its own, and the real program deployed on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"
UP = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")


@dataclass(frozen=True)
class Machine:
    """Where commands run that see the stand-in alone.

    Attributes:
        folder: The state folder of the stand-in.
    """

    folder: Path

    def run(self, *arguments: str, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the stand-in's; a bad end fails the test unless it may."""
        done = subprocess.run(
            [sys.executable, "-m", "local_azure", *arguments],
            cwd=ROOT,
            env={**os.environ, "LOCAL_AZURE_DIR": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not good, done.stdout + done.stderr
        return done

    def inside(self, *command: str, good: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command against the stand-in."""
        return self.run("exec", "--", *command, good=good)

    def environment(self) -> dict[str, str]:
        """What a command against the stand-in gets."""
        lines = self.inside("env").stdout.splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def configure(self, *pairs: str) -> None:
        """Set `KEY=VALUE` in the stack's configuration; a key with a dot is a path."""
        for pair in pairs:
            key, _, value = pair.partition("=")
            path = ["--path"] if "." in key else []
            self.inside("pulumi", "config", "set", *path, key, value)

    @property
    def configuration(self) -> Path:
        """The file of the stack's configuration."""
        (found,) = self.folder.rglob("Pulumi.local.yaml")
        return found

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return json.loads(self.inside("pulumi", "stack", "output", "--json").stdout)

    def push(self, model: Path, out: Path) -> str:
        """Build and push the image of a model, return its reference by digest."""
        self.inside("python", "-m", "scoring", "build", "--model", str(model), "--out", str(out))
        command = ["python", "-m", "scoring", "push", "--image", str(out)]
        where = ["--registry", self.outputs()["login_server"], "--repository", "sklearn-mnist-svc"]
        return self.inside(*command, *where).stdout.split()[-1]


@contextmanager
def deployed(folder: Path, key: str) -> Iterator[Machine]:
    """The stack deployed with a key, destroyed at the end."""
    machine = Machine(folder / "state")
    try:
        machine.configure("azure-native:location=westeurope", "protect=false")
        machine.inside(*UP)
        sha256 = json.loads((MODEL / "manifest.json").read_text())["sha256"]
        image = machine.push(MODEL, folder / "image")
        machine.configure(f"image={image}", f"modelSha256={sha256}", "modelVersion=1")
        machine.inside("pulumi", "config", "set", "--secret", "scoringKey", key)
        machine.inside(*UP)
        yield machine
    finally:
        machine.inside("pulumi", "destroy", "--yes", "--skip-preview", good=False)
        machine.run("stop", good=False)
