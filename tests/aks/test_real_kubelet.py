"""The program's own objects on a real kubelet, containerd and runc: what processes cannot show.

The cluster is one that exists, which the stack names by `kubeconfig`. It runs as root in
namespaces of its own, with the complete image, and nothing of it is left afterwards.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.scoring_service import NAME
from journey.stand import Stand, until
from local_azure.environment import ambient
from local_azure.kubernetes.pod_rules import quantity
from local_azure.kubernetes.programs import Programs
from scoring.bench.callers import Callers
from scoring.errors import ImageError
from scoring.image.build import build_image
from tests.support import node_images, node_programs, real_cluster
from tests.support.real_cluster import RealCluster, Settings

MODEL = Path(__file__).resolve().parents[2] / "model_eval" / "models" / "sklearn_mnist" / "1"
OTHER = "0" * 64
MACHINE = [Path("/proc/sys", each) for each in ("vm/overcommit_memory", "kernel/panic")]

LOOK_AROUND = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
try:
    open("/app/new", "w")
except OSError as error:
    refused = error.strerror
open("/tmp/new", "w").write("x")
number = lambda name: int(open(f"/sys/fs/cgroup/{name}").read())
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "rights": [status[each].strip() for each in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")],
    "refused": refused,
    "token": os.path.exists("/var/run/secrets/kubernetes.io"),
    "memory": number("memory/memory.limit_in_bytes"),
    "cpu": number("cpu/cpu.cfs_quota_us") / number("cpu/cpu.cfs_period_us"),
}))
"""
TOO_MUCH_ONCE = """
import os, pathlib, sys
seen = pathlib.Path("/tmp/seen")
if not seen.exists():
    seen.touch()
    bytearray(int(sys.argv[1])).replace(b"\\0", b"x")
os.execvp("python", ["python", "-m", "scoring.process"])
"""


@dataclass(frozen=True)
class Served:
    """The stack on the cluster.

    Attributes:
        cluster: With the real kubelet.
        stand: Where `pulumi up` was run.
        uri: The stack's.
        folder: For what tests write.
        before: The machine's settings before there was a kubelet.
    """

    cluster: RealCluster
    stand: Stand
    uri: str
    folder: Path
    before: list[str]

    def pods(self) -> list[dict[str, Any]]:
        """All of the service's."""
        selector = f"app.kubernetes.io/name={NAME}"
        return self.cluster.get("pods", "--namespace", NAME, "--selector", selector)["items"]

    def ready(self) -> list[dict[str, Any]]:
        """Those that are ready and not about to go."""
        return [
            each
            for each in self.pods()
            if not each["metadata"].get("deletionTimestamp") and _is_ready(each)
        ]

    def new(self, before: set[str]) -> list[dict[str, Any]]:
        """Ready ones of other uids."""
        return [each for each in self.ready() if each["metadata"]["uid"] not in before]

    def inside(self, pod: dict[str, Any], code: str) -> Any:
        """What a Python in the pod's container prints as JSON, by `kubectl exec`."""
        words = ("exec", "--namespace", NAME, pod["metadata"]["name"], "--", "python", "-c", code)
        return json.loads(self.cluster.kubectl(*words).stdout)

    def load(self) -> Callers:
        return Callers(self.uri, json.dumps({"data": [[0.0] * 784]}).encode())


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if reason := real_cluster.reason_to_skip():
        pytest.skip(reason)
    root = node_programs.unpacked()
    folder = tmp_path_factory.mktemp("real")
    try:
        built = build_image(MODEL, folder / "image", complete=True)
    except ImageError as error:
        pytest.skip(str(error))
    stand, programs = Stand(folder / "state"), Programs(ambient())
    try:
        stand.up("azure-native:location=westeurope")
        image = f"{stand.outputs()['login_server']}/{NAME}@{built['digest']}"
        node_images.archive(Path(built["layout"]), image, folder / "image.tar")
        before = [each.read_text() for each in MACHINE]
        settings = Settings(
            kube=str(programs.kube()),
            root=str(root),
            proxy_environment=programs.iptables(),
            cgroup=real_cluster.cgroup_name(),
            image=str(folder / "image.tar"),
        )
        with real_cluster.opened(folder / "cluster", settings) as cluster:
            secret = ("pulumi", "config", "set", "--secret", "kubeconfig", "--")
            stand.inside(*secret, cluster.kubeconfig)
            model = f"modelSha256={built['labels']['model.sha256']}"
            stand.up("target=aks", f"image={image}", model)
            yield Served(cluster, stand, str(stand.outputs()["scoring_uri"]), folder, before)
    finally:
        stand.reset()


def declared(served: Served) -> dict[str, Any]:
    """The container of the Deployment."""
    deployment = served.cluster.get("deployment", NAME, "--namespace", NAME)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


def test_the_programs_pods_become_ready_on_a_real_kubelet(served: Served) -> None:
    pods = served.ready()
    assert len(pods) == 2
    image = served.stand.outputs()["image"]
    for pod in pods:
        (status,) = pod["status"]["containerStatuses"]
        assert status["containerID"].startswith("containerd://")
        assert status["imageID"].endswith(image.partition("@")[2])
        assert status["restartCount"] == 0
    (node,) = served.cluster.get("nodes")["items"]
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")


def test_the_namespace_admits_restricted_pods_alone(served: Served) -> None:
    words = ("run", "careless", "--namespace", NAME, "--image", served.stand.outputs()["image"])
    refused = served.cluster.kubectl(*words, check=False)
    assert refused.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in refused.stderr
    assert served.cluster.kubectl("get", "pod", "careless", "-n", NAME, check=False).returncode


def test_a_container_is_nobody_and_can_write_to_its_tmp_alone(served: Served) -> None:
    found = served.inside(served.ready()[0], LOOK_AROUND)
    assert found["user"] == [10001, 10001]
    assert found["rights"] == ["0" * 16, "0" * 16, "1", "2"]
    assert found["refused"] == "Read-only file system"
    assert not found["token"]


def test_a_container_gets_the_memory_and_the_cores_that_were_declared(served: Served) -> None:
    limits = declared(served)["resources"]["limits"]
    found = served.inside(served.ready()[0], LOOK_AROUND)
    page = os.sysconf("SC_PAGE_SIZE")
    assert found["memory"] == math.floor(quantity(limits["memory"]) / page) * page
    assert found["cpu"] == quantity(limits["cpu"])


def test_the_service_answers_as_the_model_does_through_the_cluster_ip(served: Served) -> None:
    service = served.cluster.get("service", NAME, "--namespace", NAME)
    slices = served.cluster.get("endpointslices", "--namespace", NAME)["items"]
    behind = {each["addresses"][0] for one in slices for each in one["endpoints"]}
    assert behind == {each["status"]["podIP"] for each in served.ready()}
    assert service["spec"]["clusterIP"] not in behind
    smoke = ("model_eval", "smoke", "--model", str(MODEL), "--uri", served.uri)
    out = ("--out", str(served.folder / "smoke"))
    assert (
        "answered as the local model" in served.stand.run(sys.executable, "-m", *smoke, *out).stdout
    )


def test_kubectl_logs_shows_the_services_lines(served: Served) -> None:
    def scored() -> list[dict[str, Any]]:
        lines = []
        for pod in served.ready():
            said = served.cluster.kubectl("logs", "--namespace", NAME, pod["metadata"]["name"])
            lines += [json.loads(line) for line in said.stdout.splitlines()]
        return [each for each in lines if each["event"] == "request" and each["route"] == "score"]

    assert {each["status"] for each in until(scored, 30)} == {200}


def test_a_service_of_the_variables_name_puts_nothing_into_new_pods(served: Served) -> None:
    """And a pod that is deleted under load takes leave without losing a request."""
    words = ("create", "service", "clusterip", "scoring", "--tcp=80", "--namespace", NAME)
    served.cluster.kubectl(*words)
    try:
        before = {each["metadata"]["uid"] for each in served.ready()}
        gone = str(served.ready()[0]["metadata"]["name"])
        with served.load() as load:
            served.cluster.kubectl("delete", "pod", "--namespace", NAME, gone)
            until(lambda: served.new(before) and len(served.ready()) == 2, 120)
            load.wait(20)
        assert load.failures == []
        given = "import json, os; print(json.dumps(dict(os.environ)))"
        variables = served.inside(served.new(before)[0], given)
        assert variables["SCORING_PORT"] == "5001"
        assert not [each for each in variables if each.startswith(("SCORING_SERVICE", "SKLEARN"))]
    finally:
        served.cluster.kubectl("delete", "service", "scoring", "--namespace", NAME)


def test_a_container_beyond_its_memory_is_killed_and_started_again(served: Served) -> None:
    deployment = served.cluster.get("deployment", NAME, "--namespace", NAME)
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    limit = int(quantity(container["resources"]["limits"]["memory"]))
    container["command"] = ["python", "-c", TOO_MUCH_ONCE, str(limit)]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "greedy", "namespace": NAME},
        "spec": spec,
    }
    file = served.folder / "greedy.json"
    file.write_text(json.dumps(pod))
    served.cluster.kubectl("apply", "--filename", str(file))
    try:
        found = until(
            lambda: (
                _is_ready(one := served.cluster.get("pod", "greedy", "--namespace", NAME))
                and one["status"]["containerStatuses"][0]
            ),
            120,
        )
        assert found["restartCount"] == 1
        assert found["lastState"]["terminated"]["reason"] == "OOMKilled"
    finally:
        served.cluster.kubectl("delete", "pod", "greedy", "--namespace", NAME, "--grace-period=1")


def test_another_model_never_becomes_ready_and_the_old_pods_serve_on(served: Served) -> None:
    stand = served.stand
    good = stand.outputs()["model_sha256"]
    before = {each["metadata"]["uid"] for each in served.ready()}
    try:
        with served.load() as load:
            failed = stand.up(f"modelSha256={OTHER}", "rolloutSeconds=30", check=False)
            said = failed.stdout + failed.stderr
            load.wait(20)
        assert failed.returncode != 0
        assert f"expected {OTHER}" in said, said
        assert load.failures == []
        assert before == {each["metadata"]["uid"] for each in served.ready()}
    finally:
        stand.up(f"modelSha256={good}")
    until(lambda: before == {each["metadata"]["uid"] for each in served.pods()}, 120)


def test_the_machine_keeps_its_own_settings(served: Served) -> None:
    """A kubelet sets them for all that runs on its machine."""
    assert [each.read_text() for each in MACHINE] == served.before


def test_what_a_cluster_leaves_on_the_machine_would_be_seen(served: Served) -> None:
    """The end of the fixture looks for the same, and finds nothing."""
    found = served.cluster.traces()
    assert {each.split()[0] for each in found} == {"cgroup", "process", "mount"}
    assert {"process containerd", "process containerd-shim", "process python"} <= set(found)
