"""A container group runs its image's files, at its address, in an environment of its own."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from azure.core.exceptions import HttpResponseError

from tests.local_azure.containers.conftest import Image


def runs(pid: int) -> bool:
    """Whether a process does; one that waits for its parent to notice its end does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_group_answers_at_its_address_when_the_put_completes(groups: Any, asked: Any):
    group = groups.put(groups.body())
    assert group.provisioning_state == "Succeeded"
    assert group.ip_address.ip.startswith("127.")
    assert group.ip_address.fqdn == group.ip_address.ip
    assert asked(group, "/hello") == {"path": "/hello"}
    view = group.containers[0].instance_view
    assert view.current_state.state == "Running"
    assert view.restart_count == 0
    assert group.instance_view.state == "Running"
    assert {event.name for event in view.events} >= {"Pulled", "Started"}


def test_each_group_has_an_address_of_its_own_and_a_new_one_when_made_again(groups: Any):
    other = groups.body()
    other["properties"]["ipAddress"]["dnsNameLabel"] = "web-2"
    one, two = groups.put(groups.body()), groups.put(other)
    assert one.ip_address.ip != two.ip_address.ip
    groups.delete(one.name)
    again = groups.put(groups.body(), one.name)
    assert again.ip_address.ip not in (one.ip_address.ip, two.ip_address.ip)


def test_a_container_gets_the_image_s_and_the_group_s_variables_and_no_others(
    groups: Any, asked: Any, stand_in: Any
):
    variables = [
        {"name": "PLAIN", "value": "a value"},
        {"name": "SECRET", "secureValue": "a secret value"},
    ]
    group = groups.put(groups.body(environmentVariables=variables))
    seen = asked(group, "/environment")
    platform = {"PATH", "HOME", "TMPDIR", "PYTHONDONTWRITEBYTECODE"}
    assert set(seen) - {"LC_CTYPE"} == {"FROM_IMAGE", "BIND", "PLAIN", "SECRET", *platform}
    assert seen["BIND"] == group.ip_address.ip
    assert (seen["FROM_IMAGE"], seen["PLAIN"], seen["SECRET"]) == (
        "yes",
        "a value",
        "a secret value",
    )
    assert not seen["PATH"].startswith("/image")
    assert seen["HOME"].startswith(str(stand_in.home.root))


def test_a_secure_value_is_never_returned_nor_visible_to_other_processes(groups: Any, asked: Any):
    body = groups.body(environmentVariables=[{"name": "SECRET", "secureValue": "hunter2-hunter2"}])
    group = groups.put(body)
    version = {"api-version": "2023-05-01"}
    shown = groups.world.http.get(groups.path(group.name), params=version).text
    listed = groups.world.http.get(groups.path("").rstrip("/"), params=version).text
    assert "SECRET" in shown
    assert "hunter2" not in shown + listed
    process = psutil.Process(asked(group, "/process")["pid"])
    assert "hunter2" not in " ".join(process.cmdline())


def test_a_container_starts_in_its_read_only_files_on_its_cores(groups: Any, asked: Any):
    process = asked(groups.put(groups.body()), "/process")
    assert process["folder"].endswith("/app")
    assert process["session"] == process["pid"]
    assert len(process["cpus"]) == 1
    file = psutil.Process(process["pid"]).cwd() + "/app.py"
    assert Path(file).stat().st_mode & 0o222 == 0
    assert Path(file).parent.stat().st_mode & 0o222 == 0


def test_the_group_s_command_replaces_the_image_s(groups: Any, eventually: Any):
    body = groups.body(command=["python", "-uc", "print('instead'); import time; time.sleep(600)"])
    del body["properties"]["containers"][0]["properties"]["readinessProbe"]
    group = groups.put(body)
    eventually(lambda: groups.logs(group.name) == "instead\n")


def test_delete_leaves_no_process_behind(groups: Any, asked: Any):
    group = groups.put(groups.body())
    pids = [asked(group, "/process")["pid"], asked(group, "/child")["pid"]]
    assert all(runs(pid) for pid in pids)
    groups.delete(group.name)
    assert not any(runs(pid) for pid in pids)
    with pytest.raises(httpx.ConnectError):
        asked(group, "/")


def test_logs_have_a_tail_and_times(groups: Any, asked: Any, eventually: Any):
    group = groups.put(groups.body())
    asked(group, "/last")
    eventually(lambda: "asked for /last" in groups.logs(group.name))
    assert groups.logs(group.name).startswith("starting\n")
    assert len(groups.logs(group.name, tail=1).splitlines()) == 1
    stamped = groups.logs(group.name, tail=1, timestamps=True)
    assert stamped[:4].isdecimal()
    assert stamped.partition(" ")[0].endswith("Z")


def test_a_group_can_be_stopped_started_and_restarted(groups: Any, asked: Any):
    group = groups.put(groups.body())
    first = asked(group, "/process")["pid"]
    operations, place = groups.client.container_groups, (groups.resource_group, group.name)
    operations.begin_restart(*place).result(60)
    second = asked(group, "/process")["pid"]
    assert first != second
    operations.stop(*place)
    assert not runs(second)
    assert groups.get(group.name).instance_view.state == "Stopped"
    operations.begin_start(*place).result(60)
    assert asked(group, "/process")["pid"] not in (first, second)
    assert groups.get(group.name).ip_address.ip == group.ip_address.ip


@pytest.mark.parametrize("action", ["exec", "attach"])
def test_what_is_not_supported_is_refused(groups: Any, action: str):
    group = groups.put(groups.body())
    path = f"{groups.path(group.name)}/containers/web/{action}"
    answer = groups.world.http.post(path, params={"api-version": "2023-05-01"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "ActionNotSupported"


def test_a_group_that_is_being_made_is_not_changed(groups: Any):
    name = "made-slowly"
    groups.made.append(name)
    begin = groups.client.container_groups.begin_create_or_update
    making = begin(groups.resource_group, name, groups.body())
    with pytest.raises(HttpResponseError) as refused:
        begin(groups.resource_group, name, groups.body())
    assert refused.value.status_code == 409
    assert refused.value.error is not None
    assert refused.value.error.code == "ContainerGroupTransitioning"
    assert making.result(60).provisioning_state == "Succeeded"


def test_an_update_of_image_variables_and_tags_restarts_in_place(groups: Any, asked: Any):
    group = groups.put(groups.body())
    before = asked(group, "/process")["pid"]
    body = groups.body(environmentVariables=[{"name": "NEW", "value": "1"}])
    changed = groups.put({**body, "tags": {"data": "MNIST"}}, group.name)
    assert changed.ip_address.ip == group.ip_address.ip
    assert asked(changed, "/environment")["NEW"] == "1"
    assert not runs(before)


@pytest.mark.parametrize(
    "change",
    [
        {"restartPolicy": "Never"},
        {"ipAddress": {"type": "Public", "ports": [{"port": 5001}, {"port": 5002}]}},
    ],
)
def test_an_update_that_azure_refuses_is_refused_and_changes_nothing(
    groups: Any, asked: Any, change: dict[str, Any]
):
    group = groups.put(groups.body())
    before = asked(group, "/process")["pid"]
    body = groups.body(ports=[{"port": 5001}, {"port": 5002}]) if "ipAddress" in change else None
    body = body or groups.body()
    body["properties"] |= change
    with pytest.raises(HttpResponseError, match="you must delete it first"):
        groups.put(body, group.name)
    assert asked(group, "/process")["pid"] == before
    assert groups.get(group.name).restart_policy == "Always"


def test_a_change_of_cores_or_memory_is_refused(groups: Any):
    group = groups.put(groups.body())
    with pytest.raises(HttpResponseError, match="CPU, memory"):
        groups.put(groups.body(resources={"requests": {"cpu": 1, "memoryInGB": 1}}), group.name)


def test_a_failed_update_leaves_the_old_containers_running(groups: Any, asked: Any):
    group = groups.put(groups.body())
    body = groups.body(environmentVariables=[{"name": "MODE", "value": "crash"}])
    with pytest.raises(HttpResponseError, match="the reason why it fails"):
        groups.put(body, group.name)
    assert asked(group, "/environment").get("MODE") is None


def index(world: Any, **architectures: str) -> str:
    """Push an index of images, each given as `REPOSITORY@DIGEST`; returns its reference."""
    manifests = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": image.partition("@")[2],
            "size": len(json.dumps(world.images.get_manifest(*image.split("@")).manifest)),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, image in architectures.items()
    ]
    kind = "application/vnd.oci.image.index.v1+json"
    document = {"schemaVersion": 2, "mediaType": kind, "manifests": manifests}
    digest = world.images.set_manifest("many", document, tag="latest", media_type=kind)
    return f"{world.server}/many@{digest}"


def test_of_an_index_the_image_for_this_machine_is_run(groups: Any, world: Any, asked: Any):
    here = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    mine = Image().push(world.images, "many", "mine")
    other = Image(config={"Env": ["MODE=crash"]}).push(world.images, "many", "other")
    with pytest.raises(HttpResponseError, match=f"no image for linux/{here}"):
        groups.put(groups.body(image=index(world, s390x=other)))
    image = index(world, s390x=other, **{here: mine})
    assert asked(groups.put(groups.body(image=image)), "/hello") == {"path": "/hello"}
