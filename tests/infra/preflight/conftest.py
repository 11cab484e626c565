"""A stand-in that is asked over real HTTPS, and what a stack would make in it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from infra import azure_facts
from infra.arm import login
from infra.arm.client import Arm
from infra.preflight.planned import Configured, Planned
from infra.preview.plan import Op, State, Step
from local_azure import process
from local_azure.environment import inside
from local_azure.home import Home
from tests.infra.preview.conftest import pulumi as pulumi
from tests.support.asked_azure import PATH, PROJECT, Azure


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, str]]:
    home = Home(tmp_path_factory.mktemp("stand-in") / "state")
    yield home, process.start(home).url
    process.stop(home)


@pytest.fixture
def azure(_running: tuple[Home, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    home, url = _running
    for name, value in inside(home, url, None, os.environ).items():
        if name.startswith(("ARM_", "AZURE_", "REQUESTS_", "SSL_CERT_FILE")):
            monkeypatch.setenv(name, value)
    with login.credential() as known:
        token = known.get_token(f"{url}/.default").token
    tls = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, verify=tls, headers=headers, timeout=60) as http:
        yield Azure(home, http)


@pytest.fixture
def arm(azure: Azure) -> Iterator[Arm]:
    with Arm() as client:
        yield client


@pytest.fixture
def plan(azure: Azure) -> Callable[..., Planned]:
    """Makes what is planned, in a resource group of its own."""

    def make(
        *kinds: tuple[str, dict[str, Any]],
        made: tuple[str, ...] = (),
        before: Mapping[str, Mapping[str, Any]] | None = None,
        **config: str,
    ) -> Planned:
        group = azure.group().rpartition("/")[2]
        every = (
            (azure_facts.RESOURCE_GROUP, {"resourceGroupName": group, "location": "westeurope"}),
            *kinds,
        )
        steps = {}
        for kind, inputs in every:
            there = kind in made
            old = State((before or {}).get(kind, inputs)) if there else None
            urn = f"urn:pulumi:dev::{PROJECT}::{kind}::{kind.rpartition(':')[2].lower()}"
            new = State(inputs, parent="urn:of-its-parent")
            steps[kind] = Step(Op.UPDATE if there else Op.CREATE, urn, kind, old, new)
        values = {f"{PROJECT}:{key}": value for key, value in config.items()}
        return Planned(Configured("dev", values, PROJECT), PATH, steps)

    return make
