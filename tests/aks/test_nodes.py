"""Nodes of the local cluster: lost, drained, kept to their rights, and plain about their limits."""

from __future__ import annotations

import json
import ssl
from typing import Any

import httpx

from journey.stand import Stand, until
from tests.aks.conftest import Deployed


def as_node(stand: Stand, node: str) -> httpx.Client:
    """A client with a node's own certificate."""
    keys = stand.folder / "keys"
    server = f"https://127.0.0.1:{(stand.folder / 'port').read_text()}"
    context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    context.load_cert_chain(keys / f"{node}.crt", keys / f"{node}.key")
    return httpx.Client(base_url=server, verify=context, trust_env=False)


def pod(stand: Stand, name: str, **spec: Any) -> dict[str, Any]:
    """A pod that prints what it was given."""
    image = stand.outputs()["image"]
    container = {
        "name": "one",
        "image": image,
        "command": ["python", "-c", "import json, os; print(json.dumps(dict(os.environ)))"],
        **spec.pop("container", {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "containers": [container],
            **spec,
        },
    }


def service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": [{"port": 5001}], "selector": {"nobody": "has-this"}},
    }


def ended(stand: Stand, name: str) -> dict[str, str]:
    """The environment that a pod of `pod` printed."""
    until(
        lambda: stand.get("pod", name)["status"].get("phase") in ("Succeeded", "Failed"),
        180,
    )
    return json.loads(stand.kubectl("logs", name))


def test_a_drain_loses_no_request(deployed: Deployed) -> None:
    stand = deployed.stand
    (first, *_) = stand.ready()
    node = first["spec"]["nodeName"]
    try:
        with deployed.load() as load:
            stand.kubectl(
                "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s"
            )
            until(lambda: len(stand.ready()) == 2, 180)
            load.wait(20)
        assert load.failures == []
        assert node not in {each["spec"]["nodeName"] for each in stand.pods()}
    finally:
        stand.kubectl("uncordon", node)


def test_pods_of_a_killed_node_are_replaced_and_the_others_serve_on(deployed: Deployed) -> None:
    stand = deployed.stand
    lost = stand.ready()[0]
    node = lost["spec"]["nodeName"]
    stand.lose(node)
    try:
        until(
            lambda: (
                len(fresh := stand.ready()) == 2
                and node not in {each["spec"]["nodeName"] for each in fresh}
            ),
            400,
        )
        with deployed.load() as load:
            load.wait(50)
        assert load.failures == []
    finally:
        (stand.folder / f"start-{node}").touch()
        until(lambda: " Ready " in stand.kubectl("get", "node", node, "--no-headers"), 300)


def test_a_node_reads_no_secret_that_none_of_its_pods_has(deployed: Deployed) -> None:
    stand = deployed.stand
    stand.kubectl("create", "secret", "generic", "foreign", "--from-literal=key=hidden")
    try:
        with as_node(stand, "node-1") as node:
            assert node.get("/api/v1/nodes/node-1").status_code == 200
            answer = node.get("/api/v1/namespaces/default/secrets/foreign")
            assert answer.status_code == 403
            assert "hidden" not in answer.text
            assert node.get("/api/v1/namespaces/default/secrets").status_code == 403
            cordoned = {"spec": {"unschedulable": True}}
            other = node.patch(
                "/api/v1/nodes/node-2",
                json=cordoned,
                headers={"Content-Type": "application/merge-patch+json"},
            )
            assert other.status_code == 403
    finally:
        stand.kubectl("delete", "secret", "foreign")


def test_what_a_pod_cannot_have_is_refused_on_the_pod_with_its_reason(deployed: Deployed) -> None:
    stand = deployed.stand
    stand.apply(
        pod(
            stand,
            "asks-too-much",
            volumes=[{"name": "disk", "hostPath": {"path": "/etc"}}],
            hostPID=True,
            initContainers=[{"name": "first", "image": "any"}],
        )
    )
    try:

        def message() -> str:
            statuses = stand.get("pod", "asks-too-much")["status"].get("containerStatuses") or [{}]
            waiting = (statuses[0].get("state") or {}).get("waiting") or {}
            return waiting.get("message", "")

        said = until(message, 180)
        for word in ("hostPath", "hostPID", "initContainers"):
            assert word in said
        assert "hostPath" in stand.kubectl("get", "events")
    finally:
        stand.kubectl("delete", "pod", "asks-too-much")


def test_service_links_are_given_as_kubernetes_gives_them_and_can_be_declined(
    deployed: Deployed,
) -> None:
    stand = deployed.stand
    stand.apply(service("scoring"))
    address = stand.get("service", "scoring")["spec"]["clusterIP"]
    try:
        stand.apply(pod(stand, "linked"))
        found = ended(stand, "linked")
        assert found["SCORING_PORT"] == f"tcp://{address}:5001"
        assert found["SCORING_SERVICE_HOST"] == address
        stand.apply(pod(stand, "unlinked", enableServiceLinks=False))
        unlinked = ended(stand, "unlinked")
        assert unlinked["SCORING_PORT"] == "5001"
        assert "SCORING_SERVICE_HOST" not in unlinked
        assert unlinked["KUBERNETES_SERVICE_PORT"] == "443", "the API server's is always given"
        own = {"env": [{"name": "SCORING_PORT", "value": "5002"}]}
        stand.apply(pod(stand, "own", container=own))
        assert ended(stand, "own")["SCORING_PORT"] == "5002"
        image = {"command": None, "args": None}
        stand.apply(pod(stand, "crashes", container=image))
        until(lambda: stand.get("pod", "crashes")["status"].get("phase") == "Failed", 180)
        assert "enableServiceLinks" in stand.kubectl("logs", "crashes")
    finally:
        stand.kubectl(
            *("delete", "pod", "linked", "unlinked", "own", "crashes", "--ignore-not-found")
        )
        stand.kubectl("delete", "service", "scoring")
