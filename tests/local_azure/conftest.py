"""A real stand-in for the tests: its own process, its own state folder, real HTTPS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import httpx
import pytest
import uvicorn
from azure.identity import ClientSecretCredential
from pulumi.runtime.proto import provider_pb2_grpc
from starlette.types import ASGIApp

from local_azure import process
from local_azure.arm.conditions import FILE
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.certificates import Certificates
from local_azure.environment import TENANT_NAME, inside
from local_azure.home import Home
from local_azure.identity import identity

LOCATION = "westeurope"


@dataclass(frozen=True)
class StandIn:
    """A running stand-in, and how its clients reach it."""

    home: Home
    url: str

    @property
    def authority(self) -> Path:
        return Certificates.at(self.home.certificates).authority

    @property
    def scope(self) -> str:
        return f"/subscriptions/{SUBSCRIPTION}"

    def environment(self) -> dict[str, str]:
        return inside(self.home, self.url, None, os.environ)

    def credential(self, **changed: Any) -> ClientSecretCredential:
        who = identity(self.home)
        arguments = {
            "tenant_id": TENANT_NAME,
            "client_id": who.client_id,
            "client_secret": who.client_secret,
            "authority": self.url,
            "connection_verify": str(self.authority),
        }
        return ClientSecretCredential(**arguments | changed)

    def token(self, audience: str = "") -> str:
        return self.credential().get_token(f"{audience or self.url}/.default").token

    def client(self, kind: type, *arguments: Any, **further: Any) -> Any:
        """A client of the azure-mgmt family, against this stand-in."""
        return kind(
            self.credential(),
            *(arguments or (SUBSCRIPTION,)),
            base_url=self.url,
            credential_scopes=[f"{self.url}/.default"],
            connection_verify=str(self.authority),
            **further,
        )

    def http(self, headers: dict[str, str] | None = None) -> httpx.Client:
        """Plain HTTP, for what no client would send; with a good token unless told otherwise."""
        good = {"Authorization": f"Bearer {self.token()}"} if headers is None else headers
        context = Certificates.at(self.home.certificates).client_context()
        return httpx.Client(base_url=self.url, verify=context, headers=good, timeout=60)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    home = Home(tmp_path_factory.mktemp("stand-in") / "state")
    running = process.start(home)
    yield StandIn(home, running.url)
    process.stop(home)


@pytest.fixture
def conditions(stand_in: StandIn) -> Iterator[Callable[..., None]]:
    """Sets what the stand-in refuses on purpose, until the test ends."""
    path = stand_in.home.root / FILE

    def write(**said: Any) -> None:
        path.write_text(json.dumps(said))

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture
def http(stand_in: StandIn) -> Iterator[httpx.Client]:
    with stand_in.http() as client:
        yield client


@pytest.fixture
def group(stand_in: StandIn, http: httpx.Client) -> Iterator[str]:
    """The path of a resource group of the test's own."""
    path = f"{stand_in.scope}/resourceGroups/rg-{uuid4().hex[:8]}"
    version = {"api-version": "2024-03-01"}
    made = http.put(path, params=version, json={"location": LOCATION})
    assert made.status_code == 201, made.text
    yield path
    http.delete(path, params=version)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A state folder without a stand-in; whatever the test starts on it is stopped."""
    home = Home(tmp_path / "state")
    yield home
    process.stop(home)


@pytest.fixture
def at() -> type[StandIn]:
    """Makes a `StandIn` of a state folder and a URL."""
    return StandIn


@pytest.fixture
def started() -> Callable[..., AbstractContextManager[Any]]:
    """Starts the azure-native plugin's process with an environment, as the engine does it."""

    @contextmanager
    def start(environment: dict[str, str]) -> Iterator[Any]:
        command = [sys.executable, "-m", "local_azure.provider"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as each:
            assert each.stdout
            try:
                with grpc.insecure_channel(f"127.0.0.1:{int(each.stdout.readline())}") as channel:
                    yield provider_pb2_grpc.ResourceProviderStub(channel)
            finally:
                told = time.monotonic()
                each.send_signal(signal.SIGINT)
                each.wait(10)
            assert time.monotonic() - told < 2

    return start


Serve = Callable[[ASGIApp], tuple[httpx.Client, Callable[[], None]]]
"""Gives a client, and what ends the server."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves an application from a thread of this process."""
    stops: list[Callable[[], None]] = []

    def start(app: ASGIApp) -> tuple[httpx.Client, Callable[[], None]]:
        config = uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
        port = server.servers[0].sockets[0].getsockname()[1]
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

        def stop() -> None:
            client.close()
            server.should_exit = True
            thread.join(15)
            assert not thread.is_alive()

        stops.append(stop)
        return client, stop

    yield start
    for stop in stops:
        stop()
