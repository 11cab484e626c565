"""The azure-native plugin under the real Pulumi CLI, against a real stand-in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
from rich.console import Console

from local_azure import process
from local_azure.arm.conditions import FILE
from local_azure.arm.roles import ACR_PULL
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.home import CHECKOUT, Home
from local_azure.provider import plugin
from local_azure.ready import prepare
from tests.support.engine import killed

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

SCOPE = f"/subscriptions/{SUBSCRIPTION}"
STORAGE_VERSION = "2024-01-01"

HEAD = """
import pulumi
from pulumi_azure_native import authorization, containerinstance, managedidentity
from pulumi_azure_native import operationalinsights, resources, storage

group = resources.ResourceGroup("group", resource_group_name="rg-NAME", location="westeurope")
"""
ACCOUNT = """
account = storage.StorageAccount(
    "account",
    account_name="stNAME",
    resource_group_name=group.name,
    location="westeurope",
    kind="StorageV2",
    sku=storage.SkuArgs(name="Standard_LRS"),
    minimum_tls_version="TLS1_2",
    tags={"colour": "red"},
)
pulumi.export("account", account.id)
pulumi.export("blob", account.primary_endpoints.blob)
"""
GROUP = """
service = containerinstance.ContainerGroup(
    "service",
    container_group_name="cgNAME",
    resource_group_name=group.name,
    location="westeurope",
    os_type="Linux",
    ip_address=containerinstance.IpAddressArgs(
        type="Public",
        dns_name_label="label",
        ports=[containerinstance.PortArgs(port=5001)],
    ),
    containers=[
        containerinstance.ContainerArgs(
            name="c",
            image="127.0.0.1:1/nothing@sha256:" + "0" * 64,
            ports=[containerinstance.ContainerPortArgs(port=5001)],
            environment_variables=[
                containerinstance.EnvironmentVariableArgs(
                    name="KEY", secure_value=pulumi.Output.secret("pl41n-s3cret")
                )
            ],
            resources=containerinstance.ResourceRequirementsArgs(
                requests=containerinstance.ResourceRequestsArgs(cpu=1, memory_in_gb=1)
            ),
        )
    ],
)
pulumi.export("address", pulumi.Output.concat("http://", service.ip_address.ip, ":5001"))
pulumi.export("fqdn", service.ip_address.apply(lambda address: address.fqdn))
"""


@dataclass
class Project:
    """A Pulumi project with a program of the test's own."""

    home: Home
    folder: Path
    name: str

    def program(self, *parts: str) -> None:
        text = "".join(parts).replace("NAME", self.name)
        (self.folder / "__main__.py").write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        folder = {"LOCAL_AZURE_DIR": str(self.home.root), "PYTHONPATH": str(CHECKOUT)}
        return {**os.environ, **folder}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "local_azure", "exec", "--", "pulumi", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def pulumi(self, *arguments: str, good: bool = True) -> str:
        """Run `pulumi`; what it says."""
        started = self.start(*arguments)
        said, _ = started.communicate(timeout=200)
        assert (started.returncode == 0) == good, said
        return said

    def up(self, *, good: bool = True) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", "--non-interactive", good=good)

    def steps(self, verb: str = "preview") -> dict[str, str]:
        """What a preview would do, by logical name."""
        planned = json.loads(self.pulumi(verb, "--json"))
        return {each["urn"].split("::")[-1]: each["op"] for each in planned["steps"]}

    def plan(self, name: str) -> dict[str, Any]:
        """The previewed step of one resource."""
        steps = json.loads(self.pulumi("preview", "--json"))["steps"]
        return next(each for each in steps if each["urn"].endswith(f"::{name}"))

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "output", "--json"))

    def state(self) -> dict[str, dict[str, Any]]:
        """The resources in the state, by logical name."""
        exported = json.loads(self.pulumi("stack", "export"))
        resources = exported["deployment"].get("resources", [])
        return {each["urn"].split("::")[-1]: each for each in resources}


@pytest.fixture
def project(stand_in: Any, tmp_path: Path) -> Project:
    """One stand-in for all projects of this file; each has its own stack and its own names."""
    name = f"p{uuid4().hex[:8]}"
    (tmp_path / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    return Project(stand_in.home, tmp_path, name)


def test_a_program_lives_through_all_its_operations(project: Project, stand_in: Any) -> None:
    project.program(HEAD, ACCOUNT)
    assert project.steps() == {
        f"{project.name}-local": "create",
        "group": "create",
        "account": "create",
    }
    project.up()
    account = (
        f"{SCOPE}/resourceGroups/rg-{project.name}/providers/Microsoft.Storage/storageAccounts"
    )
    assert project.outputs() == {
        "account": f"{account}/st{project.name}",
        "blob": f"https://st{project.name}.blob.core.windows.net/",
    }
    project.pulumi("preview", "--expect-no-changes")
    project.pulumi("refresh", "--preview-only", "--expect-no-changes")
    project.program(HEAD, ACCOUNT.replace("TLS1_2", "TLS1_3"))
    plan = project.plan("account")
    assert plan["op"] == "update"
    assert plan["detailedDiff"] == {"minimumTlsVersion": {"kind": "update", "inputDiff": True}}
    project.up()
    with stand_in.http() as arm:
        url, version = project.outputs()["account"], {"api-version": STORAGE_VERSION}
        assert arm.get(url, params=version).json()["properties"]["minimumTlsVersion"] == "TLS1_3"
        project.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
        assert arm.get(url, params=version).status_code == 404
    assert set(project.state()) <= {f"{project.name}-local"}


def test_a_drift_is_found_and_moved_back(project: Project, stand_in: Any) -> None:
    project.program(HEAD, ACCOUNT)
    project.up()
    url, version = project.outputs()["account"], {"api-version": STORAGE_VERSION}
    drifted = {"tags": {"colour": "blue"}, "properties": {"minimumTlsVersion": "TLS1_0"}}
    with stand_in.http() as arm:
        assert arm.patch(url, params=version, json=drifted).status_code in (200, 202)
        found = project.pulumi("refresh", "--preview-only", "--diff", "--non-interactive")
        assert "minimumTlsVersion" in found
        assert "colour" in found
        assert "accessTier" not in found
        project.pulumi("refresh", "--yes", "--skip-preview", "--non-interactive")
        inputs = project.state()["account"]["inputs"]
        assert inputs["minimumTlsVersion"] == "TLS1_0"
        assert set(project.plan("account")["detailedDiff"]) == {"minimumTlsVersion", "tags.colour"}
        project.up()
        assert arm.get(url, params=version).json()["tags"] == {"colour": "red"}


def test_what_was_deleted_behind_pulumi_is_made_again(project: Project, stand_in: Any) -> None:
    project.program(HEAD, ACCOUNT)
    project.up()
    url, version = project.outputs()["account"], {"api-version": STORAGE_VERSION}
    with stand_in.http() as arm:
        arm.delete(url, params=version)
        project.pulumi("refresh", "--yes", "--skip-preview", "--non-interactive")
        assert "account" not in project.state()
        project.up()
        assert arm.get(url, params=version).status_code == 200


def test_a_new_location_or_name_is_a_replacement(project: Project) -> None:
    project.program(HEAD, ACCOUNT)
    project.up()
    elsewhere = ACCOUNT.replace("westeurope", "northeurope")
    project.program(HEAD, elsewhere)
    plan = project.plan("account")
    assert plan["replaceReasons"] == ["location"]
    assert plan["detailedDiff"]["location"]["kind"] == "update-replace"
    project.up()
    assert project.state()["account"]["outputs"]["location"] == "northeurope"
    project.program(HEAD, elsewhere.replace("stNAME", "stNAMEb"))
    assert project.plan("account")["replaceReasons"] == ["accountName"]


def test_resources_without_a_name_get_one_that_stays(project: Project) -> None:
    nameless = """
who = managedidentity.UserAssignedIdentity("who", resource_group_name=group.name)
authorization.RoleAssignment(
    "may",
    scope=group.id,
    principal_id=who.principal_id,
    principal_type="ServicePrincipal",
    role_definition_id="ROLE",
)
"""
    role = f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{ACR_PULL}"
    project.program(HEAD, nameless.replace("ROLE", role))
    project.pulumi("config", "set", "azure-native:location", "northeurope")
    project.up()
    state = project.state()
    assert re.fullmatch(r"who[0-9a-f]{8}", state["who"]["outputs"]["name"])
    assert state["who"]["outputs"]["location"] == "northeurope"
    assert str(UUID(state["may"]["outputs"]["name"])) == state["may"]["outputs"]["name"]
    assert state["may"]["outputs"]["scope"] == f"{SCOPE}/resourceGroups/rg-{project.name}"
    project.pulumi("preview", "--expect-no-changes")


def test_a_preview_promises_nothing_that_is_not_known(project: Project) -> None:
    project.program(HEAD, ACCOUNT, GROUP)
    said = project.pulumi("preview", "--non-interactive", "--diff")
    assert "None" not in said
    assert re.search(r"address *: \[unknown\]|address *: output<string>", said), said


def test_what_failed_after_it_was_accepted_stays_in_the_state(
    project: Project, stand_in: Any
) -> None:
    project.program(HEAD, GROUP)
    conditions = project.home.root / FILE
    conditions.write_text('{"pullFailsOnNode": true}')
    try:
        said = project.up(good=False)
    finally:
        conditions.unlink()
    assert "cg" + project.name in said or "service" in said
    kept = project.state()["service"]
    assert kept["id"].endswith(f"/containerGroups/cg{project.name}")
    assert kept["initErrors"]
    everything = "".join(
        path.read_text(errors="replace") for path in project.home.backend.rglob("*.json*")
    )
    assert "pl41n-s3cret" not in everything
    assert "pl41n-s3cret" not in said
    assert project.plan("service")["op"] == "update"
    project.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
    with stand_in.http() as arm:
        gone = arm.get(kept["id"], params={"api-version": "2024-05-01-preview"})
        assert gone.status_code == 404


def test_a_pull_that_is_refused_in_the_answer_leaves_nothing_in_the_state(project: Project) -> None:
    project.program(HEAD, GROUP)
    assert "InaccessibleImage" in project.up(good=False)
    assert "service" not in project.state()


def test_azures_refusal_is_told_with_its_code(project: Project) -> None:
    project.program(HEAD, ACCOUNT.replace("StorageV2", "StorageV9"))
    said = project.up(good=False)
    assert "InvalidParameter: The value 'StorageV9' of 'kind' is not allowed" in said
    assert "Traceback" not in said
    assert "account" not in project.state()


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (
            ACCOUNT.replace("tags=", "immutable_storage_with_versioning={}, tags="),
            "the local stand-in does not support immutableStorageWithVersioning; it knows",
        ),
        (
            "from pulumi_azure_native import network\n"
            'network.VirtualNetwork("net", resource_group_name=group.name)\n',
            "the local stand-in does not support azure-native:network:VirtualNetwork; it knows",
        ),
        (
            'pulumi.export("keys", storage.list_storage_account_keys_output("a", "g").keys)\n',
            "does not support the function azure-native:storage:listStorageAccountKeys",
        ),
    ],
    ids=["property", "type", "function"],
)
def test_what_is_not_supported_is_refused_in_the_preview(
    project: Project, part: str, reason: str
) -> None:
    project.program(HEAD, part)
    assert reason in project.pulumi("preview", "--non-interactive", good=False)


def test_who_i_am_can_be_asked(project: Project) -> None:
    project.program(
        HEAD,
        "me = authorization.get_client_config_output()\n"
        'pulumi.export("subscription", me.subscription_id)\n'
        'pulumi.export("object", me.object_id)\n',
    )
    project.up()
    outputs = project.outputs()
    assert outputs["subscription"] == SUBSCRIPTION
    assert UUID(outputs["object"])


def test_a_resource_can_be_imported_by_its_id(project: Project) -> None:
    project.program(HEAD, ACCOUNT)
    project.up()
    account = project.state()["account"]
    project.pulumi("state", "delete", account["urn"], "--yes")
    command = ("import", "azure-native:storage:StorageAccount", "account", account["id"], "--yes")
    project.pulumi(*command, "--protect=false", "--generate-code=false")
    imported = project.state()["account"]
    assert imported["inputs"]["accountName"] == f"st{project.name}"
    assert imported["inputs"]["resourceGroupName"] == f"rg-{project.name}"
    assert imported["inputs"]["minimumTlsVersion"] == "TLS1_2"


def test_a_stand_in_that_is_down_is_told_with_the_remedy(home: Home, tmp_path: Path) -> None:
    project = Project(home, tmp_path, "down")
    (tmp_path / "Pulumi.yaml").write_text("name: down\nruntime: python\n")
    project.program(HEAD, ACCOUNT)
    ready = prepare(home, tmp_path, Console(stderr=True))
    process.stop(home)
    command = ["pulumi", "preview", "--non-interactive"]
    done = subprocess.run(
        command, cwd=tmp_path, env=ready.environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"error: the local stand-in does not answer at {ready.url}; start it: " in said
    assert "Traceback" not in said


def test_a_killed_engine_takes_its_plugin_along_and_the_next_update_ends_well(
    project: Project, tmp_path: Path
) -> None:
    project.program(
        HEAD,
        "import pathlib, time\n"
        "group.id.apply(lambda _: (pathlib.Path('up').touch(), time.sleep(200)))\n",
    )
    running = project.start("up", "--yes", "--skip-preview", "--non-interactive")
    deadline = time.monotonic() + 60
    while not (tmp_path / "up").exists():
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = psutil.Process(running.pid).children(recursive=True)
    plugins = [each for each in children if "local_azure.provider" in each.cmdline()]
    assert plugins
    with killed(running.pid):
        running.communicate(timeout=10)
        gone, alive = psutil.wait_procs(plugins, timeout=10)
        assert gone
        assert not alive
    project.program(HEAD, ACCOUNT)
    recovered = [sys.executable, "-m", "local_azure", "recover"]
    subprocess.run(recovered, cwd=tmp_path, env=project.environment, check=True, timeout=60)
    project.up()
    project.pulumi("preview", "--expect-no-changes")


def test_what_a_killed_engine_was_creating_is_finished_by_the_next_update(
    project: Project, stand_in: Any
) -> None:
    project.program(HEAD, ACCOUNT)
    project.up()
    # The state as it was while ARM had the account already and the engine had no answer yet.
    file = project.home.backend / ".pulumi" / "stacks" / project.name / "local.json"
    checkpoint = json.loads(file.read_text())
    latest = checkpoint["checkpoint"]["latest"]
    (account,) = (each for each in latest["resources"] if each["urn"].endswith("::account"))
    latest["resources"].remove(account)
    url = account.pop("id")
    del account["outputs"]
    latest["pending_operations"] = [{"resource": account, "type": "creating"}]
    file.write_text(json.dumps(checkpoint))

    recover = [sys.executable, "-m", "local_azure", "recover"]
    said = subprocess.check_output(
        recover, cwd=project.folder, env=project.environment, text=True, timeout=60
    )
    assert (
        said
        == f"kept {account['urn']}, which was being created: the next `pulumi up` finishes it\n"
    )
    assert project.state()["account"]["id"] == url
    assert project.plan("account")["op"] == "update"
    project.up()
    assert project.outputs()["blob"] == f"https://st{project.name}.blob.core.windows.net/"
    project.pulumi("preview", "--expect-no-changes")
    project.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive")
    with stand_in.http() as arm:
        assert arm.get(url, params={"api-version": STORAGE_VERSION}).status_code == 404


def test_the_plugin_is_installed_once_and_again_when_it_changes(home: Home, tmp_path: Path) -> None:
    ready = prepare(home, tmp_path, Console(stderr=True))
    pulumi = Path(shutil.which("pulumi", path=ready.environment["PATH"]) or "")
    assert not plugin.install(pulumi, home.pulumi_home, ready.environment)
    (script,) = home.pulumi_home.glob("plugins/resource-azure-native-v*/pulumi-resource-*")
    good = script.read_text()
    script.with_name("local-azure.sha256").write_text("of another checkout")
    script.write_text("#!/bin/sh\n")
    assert plugin.install(pulumi, home.pulumi_home, ready.environment)
    assert script.read_text() == good
    assert sys.executable in good


def test_a_secret_tag_is_secret_in_the_state_also_after_a_refresh(project: Project) -> None:
    secret = '"plain": "seen", "hidden": pulumi.Output.secret("h1dden-s3cret")'
    project.program(HEAD, ACCOUNT.replace('"colour": "red"', secret))
    said = project.up()
    said += project.pulumi("refresh", "--yes", "--skip-preview", "--non-interactive")
    said += project.pulumi("preview", "--diff", "--non-interactive")
    kept = "".join(
        each.read_text(errors="replace") for each in project.home.backend.rglob("*.json*")
    )
    assert "h1dden-s3cret" not in kept + said
    assert project.state()["account"]["outputs"]["tags"]["plain"] == "seen"
