"""Images that may not be pulled, images that cannot be run, groups that Azure would not take."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError


def properties(body: dict[str, Any]) -> dict[str, Any]:
    return body["properties"]


def container(body: dict[str, Any]) -> dict[str, Any]:
    return properties(body)["containers"][0]["properties"]


def credentials(body: dict[str, Any], **changed: Any) -> None:
    properties(body)["imageRegistryCredentials"][0].update(changed)


def stranger(groups: Any, body: dict[str, Any]) -> None:
    body["identity"]["userAssignedIdentities"] = {groups.world.stranger: {}}
    credentials(body, identity=groups.world.stranger)


def no_credentials(_: Any, body: dict[str, Any]) -> None:
    del properties(body)["imageRegistryCredentials"]


def password(groups: Any, body: dict[str, Any]) -> None:
    properties(body)["imageRegistryCredentials"] = [
        {"server": groups.world.server, "username": "me", "password": "guess"}
    ]


def other_registry(_: Any, body: dict[str, Any]) -> None:
    container(body)["image"] = "docker.io/library/python:3.11"


def unknown_tag(groups: Any, body: dict[str, Any]) -> None:
    container(body)["image"] = f"{groups.world.server}/web:never-pushed"


def malformed(_: Any, body: dict[str, Any]) -> None:
    container(body)["image"] = "::"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (stranger, "has no AcrPull"),
        (no_credentials, "has no entry for"),
        (password, "admin user of .* is disabled"),
        (other_registry, "none of the stand-in's"),
        (unknown_tag, "no manifest never-pushed"),
        (malformed, "none of the stand-in's"),
    ],
)
def test_an_image_that_may_not_be_pulled_is_inaccessible(
    groups: Any, change: Callable[[Any, dict[str, Any]], None], reason: str
):
    body = groups.body()
    change(groups, body)
    with pytest.raises(HttpResponseError, match=reason) as failed:
        groups.put(body)
    assert "InaccessibleImage" in str(failed.value)


def test_the_identity_that_pulls_must_be_the_group_s(groups: Any):
    body = groups.body()
    body["identity"]["userAssignedIdentities"] = {groups.world.stranger: {}}
    with pytest.raises(HttpResponseError, match="InvalidImageRegistryIdentity"):
        groups.put(body)


def two_containers(body: dict[str, Any]) -> None:
    properties(body)["containers"] *= 2


def many_ports(body: dict[str, Any]) -> None:
    ports = [{"port": port} for port in range(1, 7)]
    container(body)["ports"] = properties(body)["ipAddress"]["ports"] = ports


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body: properties(body).update(osType="Windows"), "InvalidOsType"),
        (lambda body: properties(body).update(sku="Confidential"), "SkuNotSupported"),
        (lambda body: properties(body).update(containers=[]), "InvalidContainerCount"),
        (two_containers, "InvalidContainerName"),
        (many_ports, "TooManyPorts"),
        (lambda body: container(body).update(ports=[{"port": 1}]), "PortsNotExposed"),
        (lambda body: properties(body)["ipAddress"].update(type="Private"), "NetworkNotSupported"),
        (lambda body: container(body).update(readinessProbe={"periodSeconds": 1}), "InvalidProbe"),
        (
            lambda body: container(body)["resources"]["requests"].update(cpu=32),
            "ResourceRequestsInvalid",
        ),
        (
            lambda body: container(body).update(
                environmentVariables=[{"name": "A", "value": "1", "secureValue": "2"}]
            ),
            "InvalidEnvironmentVariable",
        ),
    ],
)
def test_what_is_no_group_here_is_refused(
    groups: Any, change: Callable[[dict[str, Any]], None], code: str
):
    body = groups.body()
    change(body)
    with pytest.raises(HttpResponseError, match=code):
        groups.put(body)


def outside() -> dict[str, Any]:
    return {"files": {"app/app.py": b"", "../evil": b"x"}}


def no_command() -> dict[str, Any]:
    return {"config": {"Entrypoint": None, "Cmd": None}}


def no_folder() -> dict[str, Any]:
    return {"config": {"WorkingDir": "/nowhere"}}


def no_hashes() -> dict[str, Any]:
    return {
        "files": {"app/app.py": b"", "app/requirements.txt": b"six==1.17.0\n"},
    }


def link_outside() -> dict[str, Any]:
    link = tarfile.TarInfo("app/link")
    link.type, link.linkname = tarfile.SYMTYPE, "../../../etc"
    return {"files": {"app/app.py": b"", "app/link": link}}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (outside, "leads out of the image"),
        (link_outside, "leads out of the image"),
        (no_command, "neither the image nor the group has a command"),
        (no_folder, "'/nowhere' is no folder"),
        (no_hashes, "--require-hashes"),
    ],
)
def test_an_image_that_cannot_be_run_is_refused_with_the_reason(
    groups: Any, image_type: Any, make: Callable[[], dict[str, Any]], reason: str
):
    built = image_type(**make())
    body = groups.body(image=f"{groups.world.server}/{built.push(groups.world.images, 'bad')}")
    with pytest.raises(HttpResponseError, match=reason):
        groups.put(body)
