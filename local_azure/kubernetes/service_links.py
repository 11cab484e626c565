"""The variables that Kubernetes gives a container for each service that it could call.

Source: "Environment variables" in Kubernetes' documentation of services. A service called
`web` so sets WEB_PORT to an address with its protocol.
"""

from __future__ import annotations

from local_azure.kubernetes.api import Api, Object


async def given(api: Api, namespace: str, *, declined: bool) -> dict[str, str]:
    """What a pod of the namespace is given; who declines has only those of the API server."""
    own = await api.get("/api/v1/namespaces/default/services/kubernetes")
    services = [own] if own else []
    if not declined:
        listed = await api.get(f"/api/v1/namespaces/{namespace}/services")
        services += listed["items"] if listed else []
    found: dict[str, str] = {}
    for service in services:
        found.update(variables(service))
    return found


def variables(service: Object) -> dict[str, str]:
    """Those of one service; none where it has no address or no port."""
    ip, ports = service["spec"].get("clusterIP"), service["spec"].get("ports") or []
    if ip in (None, "", "None") or not ports:
        return {}
    name = _word(service["metadata"]["name"])
    found = {
        f"{name}_SERVICE_HOST": ip,
        f"{name}_SERVICE_PORT": str(ports[0]["port"]),
        f"{name}_PORT": _address(ip, ports[0]),
    }
    for port in ports:
        if port.get("name"):
            found[f"{name}_SERVICE_PORT_{_word(port['name'])}"] = str(port["port"])
        stem = f"{name}_PORT_{port['port']}_{port['protocol']}"
        found[stem] = _address(ip, port)
        found[f"{stem}_PROTO"] = port["protocol"].lower()
        found[f"{stem}_PORT"] = str(port["port"])
        found[f"{stem}_ADDR"] = ip
    return found


def _address(ip: str, port: Object) -> str:
    return f"{port['protocol'].lower()}://{ip}:{port['port']}"


def _word(name: str) -> str:
    return name.upper().replace("-", "_")
