"""The variables of services are those that Kubernetes' documentation has for its example."""

from __future__ import annotations

from typing import Any

from local_azure.kubernetes.service_links import variables


def service(*ports: dict[str, Any], ip: str | None = "10.0.0.11") -> dict[str, Any]:
    spec = {"clusterIP": ip, "ports": list(ports)}
    return {"metadata": {"name": "redis-primary"}, "spec": spec}


def test_a_service_is_given_as_the_documentation_has_it() -> None:
    assert variables(service({"port": 6379, "protocol": "TCP"})) == {
        "REDIS_PRIMARY_SERVICE_HOST": "10.0.0.11",
        "REDIS_PRIMARY_SERVICE_PORT": "6379",
        "REDIS_PRIMARY_PORT": "tcp://10.0.0.11:6379",
        "REDIS_PRIMARY_PORT_6379_TCP": "tcp://10.0.0.11:6379",
        "REDIS_PRIMARY_PORT_6379_TCP_PROTO": "tcp",
        "REDIS_PRIMARY_PORT_6379_TCP_PORT": "6379",
        "REDIS_PRIMARY_PORT_6379_TCP_ADDR": "10.0.0.11",
    }


def test_each_port_has_its_own_and_the_first_is_the_services() -> None:
    found = variables(
        service(
            {"port": 80, "protocol": "TCP", "name": "web-in"},
            {"port": 53, "protocol": "UDP", "name": "dns"},
        )
    )
    assert found["REDIS_PRIMARY_SERVICE_PORT"] == "80"
    assert found["REDIS_PRIMARY_SERVICE_PORT_WEB_IN"] == "80"
    assert found["REDIS_PRIMARY_SERVICE_PORT_DNS"] == "53"
    assert found["REDIS_PRIMARY_PORT"] == "tcp://10.0.0.11:80"
    assert found["REDIS_PRIMARY_PORT_53_UDP"] == "udp://10.0.0.11:53"


def test_a_service_without_an_address_or_a_port_gives_none() -> None:
    port = {"port": 80, "protocol": "TCP"}
    assert variables(service(port, ip="None")) == {}
    assert variables(service(port, ip=None)) == {}
    assert variables(service()) == {}
