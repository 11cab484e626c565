"""A stand-in in a state folder of its own, driven by commands as its users drive it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra.scoring_service import NAME
from local_azure.home import Home

ROOT = Path(__file__).resolve().parents[1]
_LOOK_SECONDS = 0.2
_COMMAND_SECONDS = 1200.0


class CommandFailedError(Exception):
    """A command failed; the message has all that it said."""


@dataclass(frozen=True)
class Stand:
    """A state folder with its stand-in.

    Attributes:
        state: The folder.
    """

    state: Path

    def run(
        self, *command: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout.

        Raises:
            CommandFailedError: It failed, and that was to be checked.
            subprocess.TimeoutExpired: It did not end.
        """
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if check and done.returncode:
            raise CommandFailedError(f"`{' '.join(command)}`: {done.stdout}\n{done.stderr}")
        return done

    @property
    def environment(self) -> dict[str, str]:
        """The user's own, with the state folder, and without what a make around it hands down."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "ARGS"))}
        return {**kept, "LOCAL_AZURE_DIR": str(self.state)}

    def journey(self, *arguments: str) -> str:
        """What a command of the journey says."""
        return self.run(sys.executable, "-m", "journey", *arguments).stdout

    def inside(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command against the stand-in."""
        return self.run(sys.executable, "-m", "local_azure", "exec", "--", *command, check=check)

    def reset(self) -> None:
        """End and forget all of it."""
        if self.state.exists():
            self.run(sys.executable, "-m", "local_azure", "reset", check=False)

    def up(self, *settings: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Update the stack with settings such as `description=other`."""
        words = [word for each in settings for word in ("--config", each)]
        command = ["pulumi", "up", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        return self.inside(*command, *words, check=check)

    def outputs(self) -> dict[str, Any]:
        """The stack's."""
        return json.loads(self.inside("pulumi", "stack", "output", "--json").stdout)

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        """What kubectl says: without `exec`, which costs more than all that kubectl does."""
        home = Home(self.state)
        found = {"HOME": str(home.user), "KUBECONFIG": str(home.kubeconfig)}
        return self.run(str(home.programs / "kubectl"), *arguments, check=check, **found).stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object or a list of the API server's."""
        return json.loads(self.kubectl("get", *arguments, "--output", "json"))

    def apply(self, body: dict[str, Any]) -> None:
        """Make or change an object."""
        file = self.state / f"{body['kind']}-{body['metadata']['name']}.json"
        file.write_text(json.dumps(body))
        self.kubectl("apply", "--filename", str(file))

    def pods(self) -> list[dict[str, Any]]:
        """The service's pods."""
        return self.get("pods", "--namespace", NAME)["items"]

    def ready(self) -> list[dict[str, Any]]:
        """The service's pods that are ready and not about to go."""
        return [
            each
            for each in self.pods()
            if not each["metadata"].get("deletionTimestamp")
            and any(
                one["type"] == "Ready" and one["status"] == "True"
                for one in each["status"].get("conditions") or ()
            )
        ]

    @property
    def folder(self) -> Path:
        """The cluster's."""
        (found,) = (self.state / "services" / "kubernetes").glob("*/keys")
        return found.parent

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this state folder."""
        found = []
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline())
                mine = str(self.state) in words and process.status() != psutil.STATUS_ZOMBIE
            except psutil.Error:
                continue
            if mine and process.pid != os.getpid():
                found.append(process)
        return found

    def lose(self, node: str) -> None:
        """Kill a node and all that runs on it at once, as a machine is lost."""
        words = ["local_azure.kubernetes.node", str(self.folder), node.removeprefix("node-")]
        (found,) = [each for each in self.processes() if each.cmdline()[-3:] == words]
        # Its children end with it, but theirs would notice and take leave of their callers.
        for each in (found, *found.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def until(condition: Callable[[], Any], seconds: float) -> Any:
    """Wait for a condition; what it gave, once that is true.

    Raises:
        TimeoutError: It was not within the time.
    """
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(_LOOK_SECONDS)
