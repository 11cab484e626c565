"""References, logs, probes, addresses and role assignments, each alone."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_azure.arm.roles import ACR_PULL, may_pull
from local_azure.arm.service import Resource
from local_azure.containers import address
from local_azure.containers.container import Container, Plan, Timing
from local_azure.containers.log import Log
from local_azure.containers.planner import cpus
from local_azure.containers.probe import Probe
from local_azure.containers.process import Launch
from local_azure.containers.pull import Reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("127.0.0.1:5000/app", ("127.0.0.1:5000", "app", "latest")),
        ("reg.example/team/app:v1", ("reg.example", "team/app", "v1")),
        (f"REG.example/app@{DIGEST}", ("reg.example", "app", DIGEST)),
        (f"localhost/app:v1@{DIGEST}", ("localhost", "app", DIGEST)),
        ("python:3.11", None),
        ("library/python", None),
        ("reg.example/App", None),
        ("reg.example/app@sha256:12", None),
        ("reg.example/app:", None),
        ("", None),
    ],
)
def test_references(text: str, parts: tuple[str, str, str] | None):
    assert Reference.parse(text) == (Reference(*parts) if parts else None)


@given(st.text())
def test_any_text_is_a_reference_or_none(text: str):
    found = Reference.parse(f"reg.example/{text}")
    assert found is None or found.repository


def test_a_log_splits_what_is_written_into_lines(tmp_path: Path):
    log = Log(tmp_path / "log")
    for piece in (b"one\ntw", b"o\r\n", b"\nthr"):
        log.write(piece)
    assert log.tail() == "one\ntwo\n\n"
    log.flush()
    assert log.tail(2) == "\nthr\n"
    assert re.fullmatch(r"20\d\d-[\d:T.-]+Z thr\n", log.tail(1, timestamps=True))
    assert log.tail(0) == ""
    log.clear()
    assert log.tail() == ""


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_a_log_keeps_the_newest_lines_within_its_size(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
):
    folder = tmp_path_factory.mktemp("log")
    log = Log(folder / "log", largest=2000)
    for piece in pieces:
        log.write(piece)
    log.flush()
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 2000 + 2 * 340
    everything = b"".join(pieces).replace(b"\r\n", b"\n").decode(errors="replace")
    shown = log.tail()
    assert (
        shown.removesuffix("\n").splitlines()[-1:]
        == [line.removesuffix("\r") for line in everything.removesuffix("\n").splitlines()][-1:]
        or "\r" in everything
    )


def test_a_line_without_an_end_is_cut(tmp_path: Path):
    log = Log(tmp_path / "log", largest=1 << 20)
    log.write(b"x" * 40_000)
    assert len(log.tail().splitlines()) == 2


class Lookup:
    """One role assignment."""

    def __init__(self, role: str, principal: str, scope: str) -> None:
        properties = {"roleDefinitionId": f"/x/{role}", "principalId": principal, "scope": scope}
        self.resource = Resource("/a", "roleAssignments", {"properties": properties})

    def get(self, resource_id: str) -> Resource | None:
        return None

    def list(self, type_name: str) -> list[Resource]:
        return [self.resource]

    def age(self, resource_id: str) -> float:
        return 59.0


@pytest.mark.parametrize(
    ("role", "principal", "scope", "allowed"),
    [
        (ACR_PULL, "me", "/s/1/rg/reg", True),
        (ACR_PULL.upper(), "ME", "/S/1/RG", True),
        (ACR_PULL, "me", "/s/1/rg/reg2", False),
        (ACR_PULL, "me", "/s/1/rg/re", False),
        (ACR_PULL, "you", "/s/1/rg/reg", False),
        ("00000000-0000-0000-0000-000000000000", "me", "/s/1/rg/reg", False),
    ],
)
def test_the_right_to_pull(role: str, principal: str, scope: str, allowed: bool):
    assert may_pull("me", "/s/1/rg/reg", Lookup(role, principal, scope)) is allowed


@pytest.mark.parametrize(("seconds", "allowed"), [(0, True), (59, True), (60, False)])
def test_a_new_right_takes_its_time(seconds: float, allowed: bool):
    lookup = Lookup(ACR_PULL, "me", "/s/1/rg/reg")
    assert may_pull("me", "/s/1/rg/reg", lookup, after_seconds=seconds) is allowed


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.bind(("127.99.1.1", 0))
        sock.listen()
        yield sock


def test_an_address_is_the_same_for_the_same_seed_and_never_a_taken_one(listener: socket.socket):
    first = address.choose("seed", [5001], [])
    assert first == address.choose("seed", [5001], [])
    assert first.startswith("127.")
    assert address.choose("seed", [5001], [first]) != first
    assert not address.free(*_split(listener))


def _split(listener: socket.socket) -> tuple[str, list[int]]:
    host, port = listener.getsockname()
    return host, [port]


def test_a_port_that_is_taken_everywhere_is_named():
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))  # noqa: S104 - the whole point
        sock.listen()
        port = sock.getsockname()[1]
        with pytest.raises(address.NoAddressError, match=str(port)):
            address.choose("seed", [port], [])


def test_a_probe_has_azure_s_defaults():
    probe = Probe.parse({"httpGet": {"port": 80, "path": "live"}}, "127.1.2.3")
    assert probe is not None
    assert probe.url == "http://127.1.2.3:80/live"
    assert (probe.delay, probe.period, probe.timeout) == (0, 10, 1)
    assert (probe.failures, probe.successes) == (3, 1)
    assert Probe.parse(None, "127.1.2.3") is None


@pytest.mark.parametrize(
    ("cores", "address", "chosen"),
    [
        (0.5, "127.1.1.4", {0}),
        (1, "127.1.1.5", {1}),
        (2, "127.1.1.7", {3, 0}),
        (2.5, "127.1.1.4", {0, 1, 2}),
        (9, "127.1.1.4", {0, 1, 2, 3}),
    ],
)
def test_cores_are_whole_and_spread_over_the_machine(cores: float, address: str, chosen: set[int]):
    assert cpus(cores, [0, 1, 2, 3], address) == chosen


def container(folder: Path, command: list[str], timing: Timing) -> Container:
    launch = Launch(command, {"PATH": "/usr/bin:/bin"}, folder, frozenset({0}), 10**9)
    return Container(Plan("one", "image", launch, "Always", None, None), folder, timing)


def test_a_container_that_is_stopped_at_once_does_not_start(tmp_path: Path):
    async def run() -> Container:
        one = container(tmp_path, ["sleep", "600"], Timing())
        one.start()
        await asyncio.wait_for(one.stop(), 5)
        return one

    one = asyncio.run(run())
    assert one.over
    assert not list(tmp_path.glob("*.session"))


def test_a_container_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path):
    async def run() -> tuple[Container, float]:
        script = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
        one = container(tmp_path, ["sh", "-c", script], Timing(grace=0.3))
        one.start()
        async with asyncio.timeout(10):
            while "ready" not in one.log.tail():
                await asyncio.sleep(0.01)
            began = time.monotonic()
            await one.stop()
        return one, time.monotonic() - began

    one, took = asyncio.run(run())
    assert 0.3 <= took < 5
    assert one.history.state["exitCode"] == 137


def test_back_off_doubles_up_to_a_limit(tmp_path: Path):
    async def run() -> list[str]:
        timing = Timing(first_pause=0.01, longest_pause=0.03)
        one = container(tmp_path, ["false"], timing)
        one.start()
        seen: list[str] = []
        async with asyncio.timeout(20):
            assert not await one.settled()
            while one.history.restarts < 4:
                detail = one.history.state.get("detailStatus", "")
                if detail.startswith("CrashLoop") and detail not in seen:
                    seen.append(detail)
                await asyncio.sleep(0)
        await one.stop()
        return seen

    assert "CrashLoopBackOff: restarted in 0.03 s" in asyncio.run(run())
