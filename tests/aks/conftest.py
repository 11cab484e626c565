"""One stack on one real Kubernetes for all tests: a container group first, then the same on aks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from journey.stand import Stand
from local_azure.environment import ambient
from local_azure.errors import LocalAzureError
from local_azure.kubernetes import network
from local_azure.kubernetes.programs import Programs
from scoring.bench.callers import Callers

TEST_SECONDS = 900
"""What a test takes at most, the deployment for all of them included."""


def reason_to_skip() -> str:
    """Why this machine has no Kubernetes; empty where it has."""
    try:
        network.check()
    except LocalAzureError as error:
        return str(error)
    missing = Programs(ambient()).missing()
    return f"not built: {', '.join(missing)}; run make test-aks" if missing else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    reason = reason_to_skip() if here else ""
    for item in here:
        item.add_marker(pytest.mark.aks)
        item.add_marker(pytest.mark.timeout(TEST_SECONDS))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin no further test once the time is over that `make test-aks MINUTES=n` has given."""
    end = float(os.environ.get("AKS_TESTS_END", "inf"))
    if time.time() > end:
        pytest.skip("the minutes given to make test-aks are over")


@dataclass(frozen=True)
class Deployed:
    """The stack with its two pods, and what it was as a container group.

    Attributes:
        stand: Where it is.
        group: The outputs of the container group.
        said: What the journey said when the target changed.
    """

    stand: Stand
    group: dict[str, Any]
    said: str

    @property
    def uri(self) -> str:
        return str(self.stand.outputs()["scoring_uri"])

    @property
    def body(self) -> bytes:
        """A request of one row."""
        return (self.stand.state / "out" / "sample.json").read_bytes()

    def load(self, **settings: Any) -> Callers:
        return Callers(self.uri, self.body, **settings)


def asked(stand: Stand, tool: str, file: Path) -> tuple[int, dict[str, Any]]:
    """(exit code, report) of a review or of a drift check."""
    command = ["python", "-m", f"infra.{tool}", "--stack", "local", "--json", str(file)]
    done = stand.inside(*command, check=False)
    assert file.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(file.read_text())


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    stand = Stand(tmp_path_factory.mktemp("aks") / "state")
    try:
        stand.journey("up")
        group = stand.outputs()
        said = stand.journey("up", "--target", "aks")
        yield Deployed(stand, group, said)
    finally:
        stand.reset()


@pytest.fixture
def stand(deployed: Deployed) -> Stand:
    return deployed.stand
