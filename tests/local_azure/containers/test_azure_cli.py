"""azure-cli, unmodified and in an environment of its own, against the stand-in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from local_azure.arm.subscriptions import TENANT
from local_azure.identity import identity
from tests.support import azure_cli

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

GUID = "00000000-0000-0000-0000-0000000adf50"

Az = Callable[..., Any]


@pytest.fixture(scope="module")
def az(stand_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Az:
    """Runs `az`, logged in; what it says as JSON, or as text where it says no JSON."""
    program = azure_cli.installed()
    settings = azure_cli.settings(tmp_path_factory.mktemp("azure"))
    environment = stand_in.environment() | settings

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, f"az {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        try:
            return json.loads(done.stdout or "null")
        except ValueError:
            return done.stdout

    who = identity(stand_in.home)
    run("cloud", "set", "--name", "LocalAzure")
    login = ("--username", who.client_id, "--password", who.client_secret)
    (account,) = run("login", "--service-principal", *login, "--tenant", TENANT)
    assert account["cloudName"] == "LocalAzure"
    return run


@pytest.fixture
def place(groups: Any) -> tuple[str, str]:
    return ("--resource-group", groups.resource_group)


def test_groups_and_resources_are_made_and_shown(az: Az, groups: Any) -> None:
    name = f"rg-{uuid4().hex[:8]}"
    made = az("group", "create", "--name", name, "--location", "westeurope", "--tags", "a=b")
    assert name in {each["name"] for each in az("group", "list")}
    assert az("group", "show", "--name", name) == made
    shown = az("resource", "show", "--ids", groups.world.registry)
    assert shown["name"] == groups.world.registry.rsplit("/", 1)[-1]
    az("group", "delete", "--name", name, "--yes")


def test_containers_are_made_from_arguments_read_stopped_and_started(
    az: Az, groups: Any, place: tuple[str, str]
) -> None:
    name = f"cli-{uuid4().hex[:8]}"
    groups.made.append(name)
    who = groups.world.identity
    az(
        *("container", "create", *place, "--name", name, "--image", groups.image),
        *("--acr-identity", who, "--assign-identity", who, "--os-type", "Linux"),
        *("--cpu", "1", "--memory", "1", "--ports", "5001", "--ip-address", "Public"),
        *("--location", "westeurope", "--registry-login-server", groups.world.server),
    )
    chosen = (*place, "--name", name)
    assert name in {each["name"] for each in az("container", "list", *place)}
    shown = az("container", "show", *chosen)
    assert shown["instanceView"]["state"] == "Running"
    assert "starting" in az("container", "logs", *chosen)
    az("container", "stop", *chosen)
    assert az("container", "show", *chosen)["instanceView"]["state"] == "Stopped"
    az("container", "start", *chosen)
    assert az("container", "show", *chosen)["instanceView"]["state"] == "Running"


def test_containers_are_made_from_a_file(
    az: Az, groups: Any, place: tuple[str, str], tmp_path: Path
) -> None:
    name = f"yaml-{uuid4().hex[:8]}"
    groups.made.append(name)
    body = {
        **groups.body(),
        "name": name,
        "apiVersion": "2024-05-01-preview",
        "type": "Microsoft.ContainerInstance/containerGroups",
    }
    (tmp_path / "group.yaml").write_text(yaml.safe_dump(body))
    az("container", "create", *place, "--file", str(tmp_path / "group.yaml"))
    shown = az("container", "show", *place, "--name", name)
    assert shown["provisioningState"] == "Succeeded"


def test_registries_are_listed_shown_and_logged_in_to(
    az: Az, groups: Any, place: tuple[str, str]
) -> None:
    name = groups.world.registry.rsplit("/", 1)[-1]
    assert name in {each["name"] for each in az("acr", "list", *place)}
    assert az("acr", "show", "--name", name, *place)["loginServer"] == groups.world.server
    assert az("acr", "login", "--name", name, "--expose-token")["accessToken"]


def test_roles_are_listed(az: Az, groups: Any) -> None:
    (role,) = az("role", "definition", "list", "--name", "AcrPull")
    assert role["name"] == "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    listed = az(
        *("role", "assignment", "list", "--scope", groups.world.registry),
        *("--fill-principal-name", "false"),
    )
    assert {each["roleDefinitionName"] for each in listed} == {"AcrPull"}


def test_a_role_is_given_by_object_id_without_a_look_into_the_directory(
    az: Az, groups: Any
) -> None:
    somebody, role = str(uuid4()), "Storage Blob Data Contributor"
    scope = groups.world.registry
    az(
        *("role", "assignment", "create", "--assignee-object-id", somebody),
        *("--role", role, "--scope", scope),
    )
    listed = az("role", "assignment", "list", "--scope", scope, "--fill-principal-name", "false")
    assert (somebody, role) in {
        (each["principalId"], each["roleDefinitionName"]) for each in listed
    }


def test_a_resource_provider_is_registered(az: Az, conditions: Callable[..., None]) -> None:
    name = "Microsoft.OperationalInsights"
    conditions(unregisteredProviders=[name])
    assert az("provider", "show", "--namespace", name)["registrationState"] == "NotRegistered"
    az("provider", "register", "--wait", "--namespace", name)
    assert az("provider", "show", "--namespace", name)["registrationState"] == "Registered"


def test_a_deleted_vault_is_recovered(az: Az, place: tuple[str, str], stand_in: Any) -> None:
    name = f"v{uuid4().hex[:10]}"
    with stand_in.http() as http:
        path = f"{stand_in.scope}/resourceGroups/{place[1]}/providers/Microsoft.KeyVault/vaults"
        properties = {"tenantId": GUID, "sku": {"family": "A", "name": "standard"}}
        body = {"location": "westeurope", "properties": properties}
        made = http.put(f"{path}/{name}", params={"api-version": "2024-11-01"}, json=body)
        assert made.status_code == 200
    az("keyvault", "delete", "--name", name, *place)
    assert name in {each["name"] for each in az("keyvault", "list-deleted")}
    az("keyvault", "recover", "--name", name)
    assert az("keyvault", "show", "--name", name, *place)["name"] == name
