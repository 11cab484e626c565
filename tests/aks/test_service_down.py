"""The end: the service alone, then all of it. These come last, for nothing is left after them."""

from __future__ import annotations

from pathlib import Path

import psutil

from infra.scoring_service import NAME
from journey.stand import until
from tests.aks.conftest import Deployed


def network_of(process: int | str) -> str:
    """The network namespace of a process."""
    return str(Path(f"/proc/{process}/ns/net").readlink())


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
    spaces = {network_of(each.pid) for each in running}
    own = network_of("self")
    assert len(spaces - {own}) == 1
    stand.journey("down")
    until(lambda: not stand.processes(), 60)
    assert not stand.state.exists()
    left = set()
    for process in psutil.process_iter():
        try:
            left.add(network_of(process.pid))
        except OSError:
            continue
    assert not (spaces - {own}) & left
    assert str(stand.state) not in Path("/proc/self/mounts").read_text()
