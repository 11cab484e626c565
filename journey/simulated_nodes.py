"""Thousands of pods on nodes that kwok simulates: the real API server and scheduler place them.

Nothing answers there. What is measured is how long the control plane takes, and whether the
Deployment's own spread and disruption budget hold.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.scoring_service import NAME
from journey.stand import Stand, until
from local_azure.kubernetes import network
from scoring.bench.generator import go_program
from scoring.bench.load import WrongAnswerError

MODULE, VERSION = "sigs.k8s.io/kwok", "v0.8.0"
KWOK = f"{MODULE}/cmd/kwok@{VERSION}"
NODES = 100
_ZONES = 3
_MARK = "kwok.x-k8s.io/node"
_LABELS = {"app.kubernetes.io/name": "simulated"}
_STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
"""What simulated nodes and pods do: kwok's own files, which its program does not carry."""
_PATIENCE_SECONDS = 1800.0
_GRACE_SECONDS = 10.0
_DRAINED = "simulated-0"


@dataclass(frozen=True)
class Scheduled:
    """Pods on simulated nodes.

    Attributes:
        replicas: How many.
        seconds: From asking for them until all were ready.
        zone_skew: The fullest zone's pods less the emptiest's.
        node_skew: The same of nodes.
        evicted: How many pods a drain of one node moved.
        drain_seconds: How long it took.
        fewest: The fewest healthy pods that the disruption budget saw meanwhile.
    """

    replicas: int
    seconds: float
    zone_skew: int
    node_skew: int
    evicted: int
    drain_seconds: float
    fewest: int


def table(found: Sequence[Scheduled]) -> list[str]:
    """In Markdown."""
    return [
        f"| pods on {NODES} simulated nodes | all ready | zones differ by | nodes differ by "
        "| a drain moved | in | fewest healthy |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {each.replicas:,} | {each.seconds:.0f} s | {each.zone_skew} | {each.node_skew} "
            f"| {each.evicted} | {each.drain_seconds:.0f} s | {each.fewest:,} |"
            for each in found
        ),
    ]


def measure(
    stand: Stand, replicas: Sequence[int], say: Callable[[str], None]
) -> Iterator[Scheduled]:
    """Schedule so many pods, and drain a node of them, each number after the other.

    Raises:
        WrongAnswerError: kwok cannot be built.
        TimeoutError: They were not ready in half an hour.
    """
    program = go_program(KWOK)
    if program is None:
        raise WrongAnswerError(f"{KWOK} cannot be built; Go and a module proxy are needed")
    with _kwok(stand, str(program)):
        _create(stand, [_node(number) for number in range(NODES)])
        for each in replicas:
            say(f"{each} pods on {NODES} simulated nodes")
            yield _scheduled(stand, each)


@contextmanager
def _kwok(stand: Stand, program: str) -> Iterator[None]:
    inside = next(each.pid for each in stand.processes() if "kube-apiserver" in each.cmdline())
    command = [
        *(*network.joining(inside), program),
        *("--config", str(_stages(stand))),
        *("--kubeconfig", str(stand.folder / "keys" / "admin.kubeconfig")),
        f"--manage-nodes-with-annotation-selector={_MARK}=simulated",
        "--node-lease-duration-seconds=40",
    ]
    with (stand.folder / "logs" / "kwok.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stages(stand: Stand) -> Path:
    told = stand.run("go", "mod", "download", "-json", f"{MODULE}@{VERSION}").stdout
    folder = Path(json.loads(told)["Dir"]) / "kustomize" / "stage"
    files = (each for stage in _STAGES for each in sorted((folder / stage).glob("*-*.yaml")))
    made = stand.state / "stages.yaml"
    made.write_text("\n---\n".join(each.read_text() for each in files))
    return made


def _scheduled(stand: Stand, replicas: int) -> Scheduled:
    began = time.monotonic()
    _create(stand, [_deployment(stand, replicas), _budget(stand)])
    try:
        until(lambda: _number(stand, "deployment", "readyReplicas") == replicas, _PATIENCE_SECONDS)
        seconds = time.monotonic() - began
        pods = stand.get("pods", "--selector", "app.kubernetes.io/name=simulated")["items"]
        nodes = Counter({f"simulated-{number}": 0 for number in range(NODES)})
        nodes.update(each["spec"]["nodeName"] for each in pods)
        zones: Counter[int] = Counter()
        for name, count in nodes.items():
            zones[int(name.rpartition("-")[2]) % _ZONES] += count
        drained, fewest = _drain(stand)
        return Scheduled(
            *(replicas, seconds, _skew(zones), _skew(nodes)),
            *(nodes[_DRAINED], drained, fewest),
        )
    finally:
        stand.kubectl("delete", "deployment,pdb", "simulated", "--cascade=foreground")
        stand.kubectl("uncordon", _DRAINED)


def _drain(stand: Stand) -> tuple[float, int]:
    """Seconds, and the fewest healthy pods that were seen."""
    command = ["kubectl", "drain", _DRAINED, "--ignore-daemonsets", "--delete-emptydir-data"]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "local_azure", "exec", "--", *command],
        env=stand.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    fewest = _number(stand, "pdb", "currentHealthy")
    while process.poll() is None:
        fewest = min(fewest, _number(stand, "pdb", "currentHealthy"))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    return time.monotonic() - began, fewest


def _number(stand: Stand, kind: str, name: str) -> int:
    return int(stand.get(kind, "simulated")["status"].get(name) or 0)


def _skew(counts: Counter[Any]) -> int:
    return max(counts.values()) - min(counts.values())


def _create(stand: Stand, objects: list[dict[str, Any]]) -> None:
    file = stand.state / "simulated.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    stand.kubectl("create", "--filename", str(file))


def _node(number: int) -> dict[str, Any]:
    resources = {"cpu": "64", "memory": "256Gi", "pods": "110"}
    labels = {
        "kubernetes.io/hostname": f"simulated-{number}",
        "topology.kubernetes.io/zone": f"simulated-{number % _ZONES}",
        "type": "simulated",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"simulated-{number}",
            "labels": labels,
            "annotations": {_MARK: "simulated"},
        },
        "spec": {"taints": [{"key": _MARK, "value": "simulated", "effect": "NoSchedule"}]},
        "status": {"allocatable": resources, "capacity": resources},
    }


def _deployment(stand: Stand, replicas: int) -> dict[str, Any]:
    """The service's own, with other labels, for these nodes alone."""
    spec = stand.get("deployment", NAME, "--namespace", NAME)["spec"]
    pod = spec["template"]["spec"]
    pod["nodeSelector"] = {"type": "simulated"}
    pod["tolerations"].append({"key": _MARK, "operator": "Exists", "effect": "NoSchedule"})
    for constraint in pod["topologySpreadConstraints"]:
        constraint["labelSelector"] = {"matchLabels": _LABELS}
    for container in pod["containers"]:
        container["env"] = []
    spec["template"]["metadata"] = {"labels": _LABELS}
    spec |= {"replicas": replicas, "selector": {"matchLabels": _LABELS}}
    spec["progressDeadlineSeconds"] = int(_PATIENCE_SECONDS)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "simulated", "namespace": "default"},
        "spec": spec,
    }


def _budget(stand: Stand) -> dict[str, Any]:
    spec = stand.get("pdb", NAME, "--namespace", NAME)["spec"]
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "simulated", "namespace": "default"},
        "spec": {**spec, "selector": {"matchLabels": _LABELS}},
    }
