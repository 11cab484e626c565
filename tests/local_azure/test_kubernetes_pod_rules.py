"""What processes of the host cannot have is refused, each thing with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from local_azure.kubernetes.pod_rules import quantity, refusals


def refused(container: dict[str, Any] | None = None, **spec: Any) -> list[str]:
    return list(refusals({**spec, "containers": [{"name": "one", **(container or {})}]}))


def test_what_the_scoring_service_asks_for_is_no_fault() -> None:
    container = {
        "securityContext": {"readOnlyRootFilesystem": True, "privileged": False},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp/"}],  # noqa: S108
        "resources": {"limits": {"cpu": "1", "memory": "1G", "ephemeral-storage": "1Gi"}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 4}}},
        "readinessProbe": {"httpGet": {"port": "http"}},
        "livenessProbe": {"exec": {"command": ["true"]}},
        "env": [
            {"name": "KEY", "valueFrom": {"secretKeyRef": {}}},
            {"name": "PORT", "value": "5001"},
        ],
    }
    assert not refused(container, volumes=[{"name": "tmp", "emptyDir": {}}], hostPID=False)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"hostNetwork": True}, "hostNetwork: "),
        ({"hostPID": True}, "hostPID: "),
        ({"hostIPC": True}, "hostIPC: "),
        ({"shareProcessNamespace": True}, "shareProcessNamespace: "),
        ({"initContainers": [{"name": "first"}]}, "initContainers: "),
        ({"ephemeralContainers": [{"name": "debug"}]}, "ephemeralContainers: "),
        ({"volumes": [{"name": "v", "hostPath": {}}]}, "volume 'v': hostPath cannot be mounted"),
        ({"volumes": [{"name": "v"}]}, "volume 'v': nothing cannot be mounted"),
    ],
)
def test_a_pod_is_told_what_it_cannot_have(spec: dict[str, Any], said: str) -> None:
    (line,) = refused(**spec)
    assert line.startswith(said)


def test_a_service_account_token_is_refused_once_with_the_setting_that_declines_it() -> None:
    token = {"name": "kube-api-access", "projected": {"sources": [{"serviceAccountToken": {}}]}}
    mount = {"name": "kube-api-access", "mountPath": "/var/run/secrets"}
    (line,) = refused({"volumeMounts": [mount]}, volumes=[token])
    assert line.endswith("set automountServiceAccountToken: false")


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"securityContext": {"privileged": True}}, "privileged: "),
        ({"volumeMounts": [{"mountPath": "/data"}]}, "volumeMount /data: only /tmp"),
        ({"resources": {"limits": {"nvidia.com/gpu": "1"}}}, "limit nvidia.com/gpu: "),
        ({"lifecycle": {"preStop": {"exec": {}}}}, "lifecycle.preStop: only preStop.sleep"),
        ({"lifecycle": {"postStart": {"sleep": {}}}}, "lifecycle.postStart: "),
        ({"startupProbe": {"tcpSocket": {}}}, "startupProbe: only httpGet and exec"),
        ({"readinessProbe": {"grpc": {}}}, "readinessProbe: only httpGet and exec"),
        ({"livenessProbe": {"grpc": {}}}, "livenessProbe: only httpGet and exec"),
        (
            {"env": [{"name": "CORES", "valueFrom": {"resourceFieldRef": {}}}]},
            "env CORES: resourceFieldRef is not supported",
        ),
        (
            {"env": [{"name": "IP", "valueFrom": {"fieldRef": {}}}]},
            "env IP: fieldRef is not supported",
        ),
        (
            {"env": [{"name": "SETTING", "valueFrom": {"configMapKeyRef": {}}}]},
            "env SETTING: configMapKeyRef is not supported",
        ),
        ({"envFrom": [{"configMapRef": {}}]}, "envFrom: name each variable"),
        ({"stdin": True}, "stdin, tty: "),
        ({"tty": True}, "stdin, tty: "),
    ],
)
def test_a_container_is_told_what_it_cannot_have(container: dict[str, Any], said: str) -> None:
    (line,) = refused(container)
    assert line.startswith(f"container 'one': {said}")


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("1", 1), (2, 2), ("1.5", 1.5), ("512Mi", 512 * 2**20), ("2G", 2e9)],
)
def test_quantities_are_numbers(text: str, number: float) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize("text", ["", "one", "1 Gi", "-1", "1Zi"])
def test_what_is_no_quantity_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a quantity; expected for example"):
        quantity(text)
