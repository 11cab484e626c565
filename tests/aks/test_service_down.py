"""The end: the service alone, then all of it. These come last, for nothing is left after them."""

from __future__ import annotations

import os

import psutil

from tests.aks.conftest import NAME, Deployed, until


def test_service_down_leaves_the_cluster(deployed: Deployed) -> None:
    stand = deployed.stand
    said = stand.journey("service-down")
    assert "deleted" in said
    outputs = stand.outputs()
    assert "scoring_uri" not in outputs
    assert outputs["cluster"]
    assert NAME not in stand.kubectl("get", "namespaces")
    assert stand.kubectl("get", "nodes", "--no-headers").count(" Ready ") == 3
    stand.journey("up")
    assert len(stand.ready()) == 2


def test_down_leaves_no_process_no_namespace_and_no_mount(deployed: Deployed) -> None:
    stand = deployed.stand
    running = stand.processes()
    assert any("kube-apiserver" in each.cmdline() for each in running)
    spaces = {os.readlink(f"/proc/{each.pid}/ns/net") for each in running}
    own = os.readlink("/proc/self/ns/net")
    assert len(spaces - {own}) == 1
    stand.journey("down")
    until(lambda: not stand.processes(), 10)
    assert not stand.state.exists()
    left = set()
    for process in psutil.process_iter():
        try:
            left.add(os.readlink(f"/proc/{process.pid}/ns/net"))
        except OSError:
            continue
    assert not (spaces - {own}) & left
    with open("/proc/self/mounts") as mounts:  # noqa: PTH123 - no file
        assert str(stand.state) not in mounts.read()
