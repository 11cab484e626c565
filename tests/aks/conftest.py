"""One stack on one real Kubernetes for all tests: a container group first, then the same on aks."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from local_azure.environment import ambient
from local_azure.errors import LocalAzureError
from local_azure.kubernetes import network
from local_azure.kubernetes.programs import Programs

ROOT = Path(__file__).resolve().parents[2]
NAME = "sklearn-mnist-svc"
SECONDS = 420


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
        item.add_marker(pytest.mark.timeout(600))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Stand:
    """A state folder with its stand-in, driven as users drive it.

    Attributes:
        state: The folder.
    """

    state: Path

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done

    @property
    def environment(self) -> dict[str, str]:
        """The user's own, with the state folder, and without what a make around it hands down."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "ARGS"))}
        return {**kept, "LOCAL_AZURE_DIR": str(self.state)}

    def journey(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "journey", *arguments).stdout

    def inside(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command against the stand-in."""
        return self.run(sys.executable, "-m", "local_azure", "exec", "--", *command, check=check)

    def up(self, *settings: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Update the stack with settings such as `description=other`."""
        words = [word for each in settings for word in ("--config", each)]
        command = ["pulumi", "up", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        return self.inside(*command, *words, check=check)

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return self.inside("kubectl", *arguments, check=check).stdout

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

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.inside("pulumi", "stack", "output", "--json").stdout)

    @property
    def folder(self) -> Path:
        """The cluster's folder."""
        (found,) = (self.state / "services" / "kubernetes").glob("*/keys")
        return found.parent

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://127.0.0.1:{(self.folder / 'port').read_text()}"

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

    def node(self, name: str) -> psutil.Process:
        """The process that is a node."""
        number = name.removeprefix("node-")
        (found,) = [
            each
            for each in self.processes()
            if each.cmdline()[-3:] == ["local_azure.kubernetes.node", str(self.folder), number]
        ]
        return found


@dataclass
class Load:
    """Callers that ask all the time, each on connections of its own, until stopped.

    Attributes:
        uri: Where they POST.
        body: What they POST.
        callers: How many.
        pause: Seconds between a caller's requests.
        key: What they send, if anything.
    """

    uri: str
    body: bytes
    callers: int = 3
    pause: float = 0.03
    key: str = ""
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        for number in range(self.callers):
            # Every other caller keeps its connection, as gateways do.
            thread = threading.Thread(target=self._call, args=(number % 2 == 0,), daemon=True)
            thread.start()
            self._threads.append(thread)
        until(lambda: self.answers > 0 or self.failures, 30)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all callers, each after its answer."""
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _call(self, keep: bool) -> None:
        address = urlsplit(self.uri)
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        connection: http.client.HTTPConnection | None = None
        while not self._over.is_set():
            connection = connection or http.client.HTTPConnection(
                address.hostname or "", address.port, timeout=15
            )
            reason = ""
            try:
                connection.request("POST", address.path, self.body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    reason = f"{answer.status} {text[:200]!r}"
                if not keep or answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                reason = repr(error)
                connection.close()
                connection = None
            with self._lock:
                if reason:
                    self.failures.append(reason)
                else:
                    self.answers += 1
            self._over.wait(self.pause)
        if connection:
            connection.close()


def until(condition: Callable[[], Any], seconds: float) -> Any:
    """Wait for a condition; what it gave, once that is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


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

    def load(self, **settings: Any) -> Load:
        return Load(self.uri, self.body, **settings)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    stand = Stand(tmp_path_factory.mktemp("aks") / "state")
    try:
        stand.journey("up")
        group = stand.outputs()
        said = stand.journey("up", "--target", "aks")
        yield Deployed(stand, group, said)
    finally:
        if stand.state.exists():
            stand.run(sys.executable, "-m", "local_azure", "reset", check=False)


@pytest.fixture
def stand(deployed: Deployed) -> Stand:
    return deployed.stand
