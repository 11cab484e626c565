"""What a pod of the virtual kubelet may ask for: pods are processes of the host, no containers.

What cannot be had is refused with its reason, on the pod; what is only not enforced is said in
the room's README.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from local_azure.kubernetes.api import Object

_UNITS = {
    "": 1,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_NODE_ONLY = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")
_SCRATCH = "/tmp"  # noqa: S108 - the one path that an emptyDir can stand for: TMPDIR


def refusals(spec: Object) -> Iterator[str]:
    """Each thing in a pod's spec that processes of the host cannot have."""
    for name in _NODE_ONLY:
        if spec.get(name):
            yield f"{name}: the virtual kubelet has no such namespace to share"
    if spec.get("initContainers"):
        yield "initContainers: the virtual kubelet runs none"
    if spec.get("ephemeralContainers"):
        yield "ephemeralContainers: the virtual kubelet runs none"
    tokens = set()
    for volume in spec.get("volumes") or []:
        if _is_token(volume):
            tokens.add(volume["name"])
            yield "no service account token can be mounted; set automountServiceAccountToken: false"
        elif "emptyDir" not in volume:
            kind = next((key for key in volume if key != "name"), "nothing")
            yield f"volume '{volume['name']}': {kind} cannot be mounted; emptyDir can"
    for container in spec["containers"]:
        mounts = container.get("volumeMounts") or []
        mounts = [each for each in mounts if each.get("name") not in tokens]
        for reason in _of_container({**container, "volumeMounts": mounts}):
            yield f"container '{container['name']}': {reason}"


def quantity(text: str | float) -> float:
    """A Kubernetes quantity, such as `500m` or `1Gi`, as a number.

    Raises:
        ValueError: It is none.
    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"'{text}' is not a quantity; expected for example 500m, 1 or 512Mi")
    return float(match[1]) * _UNITS[match[2] or ""]


def _is_token(volume: Object) -> bool:
    """What admission adds to every pod that does not decline it."""
    sources = (volume.get("projected") or {}).get("sources") or []
    return any("serviceAccountToken" in each for each in sources)


def _of_container(container: Object) -> Iterator[str]:
    if (container.get("securityContext") or {}).get("privileged"):
        yield "privileged: a process of the host gets no rights"
    for mount in container.get("volumeMounts") or []:
        if mount["mountPath"].rstrip("/") != _SCRATCH:
            yield f"volumeMount {mount['mountPath']}: only {_SCRATCH} can be had, as TMPDIR"
    for name in (container.get("resources") or {}).get("limits") or {}:
        if name not in ("cpu", "memory", "ephemeral-storage"):
            yield f"limit {name}: the node has none"
    for name, hook in (container.get("lifecycle") or {}).items():
        if name != "preStop" or "sleep" not in hook:
            yield f"lifecycle.{name}: only preStop.sleep is supported"
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name) or {}
        if "tcpSocket" in probe or "grpc" in probe:
            yield f"{name}: only httpGet and exec are supported"
    for each in container.get("env") or []:
        source = each.get("valueFrom") or {}
        if source and "secretKeyRef" not in source:
            yield f"env {each['name']}: {next(iter(source))} is not supported"
    if container.get("envFrom"):
        yield "envFrom: name each variable in env"
    if container.get("stdin") or container.get("tty"):
        yield "stdin, tty: nobody can attach"
