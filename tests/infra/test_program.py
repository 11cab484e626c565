"""Invariants of the declared infrastructure.

- One identity pulls, and only pulls; no password exists anywhere.
- What Azure Container Instances cannot change in place is replaced, and nothing else is.
- Names are the same at every run; images are named by digest.
- Without an image everything but the container group is declared.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pulumi
import pytest
from pulumi.runtime.rpc import UNKNOWN

from infra import azure_facts
from infra.drift.azure_defaults import OPENINGS
from infra.naming import Names
from local_azure import types

Run = Callable[..., Any]
NAMES = Names.of("mnist", "00000000-0000-0000-0000-000000000001", "sklearn-mnist-svc", "test")
SERVER = f"{NAMES.registry}.azurecr.io"
SERVICE = {
    "image": f"{SERVER}/sklearn-mnist-svc@sha256:{'a' * 64}",
    "modelSha256": "b" * 64,
    "modelVersion": "7",
    "data": "MNIST",
    "description": "Predict MNIST with sklearn",
}
SECRET = "4dabf18193072939515e22adb298388d"
SCHEMAS = Path(types.__file__).parent / "schemas"
RECORDED = Path(__file__).parent / "recorded"
KEYS = {
    "scoringKey": "correct-horse-battery-staple",
    "scoringKeySecondary": "elpats-yrettab-esroh-tcerroc",
}


def as_reviewed(recorded: Any, name: str) -> None:
    """Hold all that was declared against a file: `RECORD=1 pytest ...` writes what is meant."""
    found = {
        "outputs": recorded.outputs,
        "components": {urn: found for urn, found in recorded.components.items() if "Stack$" in urn},
        "resources": {
            f"{token} {request.name}": {
                "parent": request.parent,
                "provider": request.provider.rpartition("::")[0],
                "waits for": sorted(urn.rpartition("::")[2] for urn in request.dependencies),
                "protect": request.protect,
                "replaced for": list(request.replaceOnChanges),
                "deleted first": request.deleteBeforeReplace,
                "left alone": list(request.ignoreChanges),
                "asked after errors": list(request.hooks.on_error),
                "inputs": inputs,
            }
            for token, requests in recorded.requests.items()
            for request, inputs in zip(requests, recorded.inputs[token], strict=True)
        },
    }
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    file = RECORDED / name
    if os.environ.get("RECORD"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_all_that_a_stack_declares_is_as_it_was_reviewed(run: Run) -> None:
    """A deployed stack changes with every property."""
    as_reviewed(run({**SERVICE, **KEYS, "tags": {"team": "ml"}}, secrets=tuple(KEYS)), "stack.json")


def test_without_an_image_everything_but_the_container_group_is_declared(run: Run) -> None:
    recorded = run()
    assert "azure-native:containerinstance:ContainerGroup" not in recorded.inputs
    assert sorted(token.split(":", 1)[1] for token in recorded.inputs) == [
        "applicationinsights:Component",
        "authorization:RoleAssignment",
        "containerregistry:Registry",
        "keyvault:Vault",
        "machinelearningservices:Workspace",
        "managedidentity:UserAssignedIdentity",
        "operationalinsights:Workspace",
        "resources:ResourceGroup",
        "storage:StorageAccount",
    ]
    assert "scoring_uri" not in recorded.outputs
    assert recorded.outputs["login_server"] == SERVER


def test_the_program_finds_its_own_modules_from_wherever_it_is_run(tmp_path: Path) -> None:
    """Pulumi puts the program's own folder on the path, which is inside of the package."""
    file = Path(__file__).resolve().parents[2] / "infra" / "__main__.py"
    done = subprocess.run(
        [sys.executable, "-c", f"import runpy; runpy.run_path({str(file)!r}, run_name='__main__')"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    # Without an engine it comes as far as to its first question.
    assert "authorization.get_client_config()" in done.stderr
    assert "ModuleNotFoundError" not in done.stderr


@pytest.mark.parametrize("missing", ["pulumi_kubernetes", "infra.aks.target"])
def test_the_sdk_of_kubernetes_is_asked_for_where_it_is_what_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("infra.aks.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises((pulumi.RunError, ModuleNotFoundError)) as raised:
        run({**SERVICE, "target": "aks"})
    asked = "pip install --require-hashes -r infra/requirements-aks.txt" in str(raised.value)
    assert asked is isinstance(raised.value, pulumi.RunError) is (missing == "pulumi_kubernetes")


def test_the_outputs_name_the_endpoint_and_the_model(run: Run) -> None:
    outputs = run(SERVICE).outputs
    assert outputs["scoring_uri"] == "http://mnist.example:5001/score"
    assert outputs["fqdn"] == "mnist.example"
    assert outputs["image"] == SERVICE["image"]
    assert outputs["model_sha256"] == SERVICE["modelSha256"]
    assert {"resource_group", "workspace", "login_server", "container_group"} <= set(outputs)


@pytest.mark.parametrize("address", [None, {}, {"ip": "192.0.2.1", "fqdn": ""}])
def test_a_group_that_got_no_host_name_fails_the_update_that_would_export_it(
    run: Run, address: Any
) -> None:
    given = {azure_facts.CONTAINER_GROUP: {"ipAddress": address}}
    with pytest.raises(pulumi.RunError, match="gave the container group no host name"):
        run(SERVICE, given=given)


def test_the_registry_has_no_passwords_and_no_anonymous_readers(run: Run) -> None:
    registry = run().one("containerregistry:Registry")
    assert registry["adminUserEnabled"] is False
    assert registry["anonymousPullEnabled"] is False


def test_the_workspace_uses_our_registry_instead_of_one_with_an_admin_account(run: Run) -> None:
    assert run().one("machinelearningservices:Workspace")["containerRegistry"] == "/id/registry"


def test_the_workspace_reaches_its_storage_with_identities(run: Run) -> None:
    workspace = run().one("machinelearningservices:Workspace")
    assert workspace["systemDatastoresAuthMode"] == "identity"


def test_the_pulling_identity_has_acr_pull_on_the_registry_alone(run: Run) -> None:
    assignment = run().one("authorization:RoleAssignment")
    assert assignment["roleDefinitionId"].endswith("/7f951dda-4ed3-4680-a7ca-43fe172d538d")
    assert assignment["scope"] == "/id/registry"
    assert assignment["principalId"] == "principal"


def test_the_principal_type_is_named_because_entra_replicates_slowly(run: Run) -> None:
    assert run().one("authorization:RoleAssignment")["principalType"] == "ServicePrincipal"


def test_the_group_pulls_with_one_user_assigned_identity_named_on_both_sides(run: Run) -> None:
    group = run(SERVICE).group
    assert group["identity"] == {
        "type": "UserAssigned",
        "userAssignedIdentities": ["/id/pull-identity"],
    }
    assert group["imageRegistryCredentials"] == [
        {"server": SERVER, "identity": "/id/pull-identity"}
    ]


def test_the_group_waits_for_the_right_to_pull(run: Run) -> None:
    request = run(SERVICE).request("containerinstance:ContainerGroup")
    assert any(urn.endswith("::pull-assignment") for urn in request.dependencies)


def test_exactly_what_aci_refuses_to_change_forces_a_replacement(run: Run) -> None:
    request = run(SERVICE).request("containerinstance:ContainerGroup")
    assert set(request.replaceOnChanges) == {
        *("osType", "restartPolicy", "sku", "priority", "zones", "subnetIds", "diagnostics"),
        *("containers[*].resources", "containers[*].ports", "encryptionProperties"),
        *("ipAddress.type", "ipAddress.ports", "ipAddress.autoGeneratedDomainNameLabelScope"),
    }


def test_a_replacement_deletes_first_because_the_name_is_taken(run: Run) -> None:
    request = run(SERVICE).request("containerinstance:ContainerGroup")
    assert request.deleteBeforeReplace
    assert request.deleteBeforeReplaceDefined


def test_a_pull_that_is_refused_too_early_is_retried(run: Run) -> None:
    request = run(SERVICE).request("containerinstance:ContainerGroup")
    assert list(request.hooks.on_error) == ["wait-for-acr-pull"]


def test_a_group_that_no_state_has_is_imported_into_the_component_that_declares_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = run(SERVICE)
    urn = "urn:pulumi:s::p::sklearn-mnist-svc:infra:ScoringGroup$azure-native:x:Y::scoring-group"
    errors = ["cannot create already existing resource '/g'"]
    args = pulumi.ErrorHookArgs(urn, "", "n", "t", failed_operation="create", errors=errors)
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    assert not asyncio.run(recorded.hooks["wait-for-acr-pull"](args))
    (component,) = [each for each in recorded.components if "infra:ScoringGroup" in each]
    assert warned[0].endswith(f"infra:ScoringGroup::{component.rpartition('::')[2]}'")


def test_a_stranger_cannot_take_the_host_name_over(run: Run) -> None:
    address = run(SERVICE).group["ipAddress"]
    assert address["autoGeneratedDomainNameLabelScope"] == "TenantReuse"
    assert address["dnsNameLabel"].startswith("mnist-test-")


def test_the_tutorials_size_tags_and_description(run: Run) -> None:
    recorded = run(SERVICE)
    assert recorded.group["containerGroupName"] == "sklearn-mnist-svc"
    assert recorded.container["resources"] == {"requests": {"cpu": 1, "memoryInGB": 1}}
    tags = recorded.group["tags"]
    assert (tags["data"], tags["method"]) == ("MNIST", "sklearn")
    variables = {
        each["name"]: each.get("value") for each in recorded.container["environmentVariables"]
    }
    assert variables["SERVICE_DESCRIPTION"] == "Predict MNIST with sklearn"


def test_what_is_not_said_of_the_model_is_not_invented(run: Run) -> None:
    said = {key: value for key, value in SERVICE.items() if key not in ("data", "description")}
    recorded = run(said)
    assert recorded.group["tags"].keys() >= {"method", "modelSha256"}
    assert "data" not in recorded.group["tags"]
    names = {each["name"] for each in recorded.container["environmentVariables"]}
    assert "SERVICE_DESCRIPTION" not in names  # the container has the model's manifest


def test_the_declared_model_reaches_the_container_and_the_tags(run: Run) -> None:
    recorded = run(SERVICE)
    assert {"name": "MODEL_SHA256", "value": "b" * 64} in recorded.container["environmentVariables"]
    assert recorded.group["tags"]["modelSha256"] == "b" * 64
    assert recorded.group["tags"]["modelVersion"] == "7"


def test_the_image_is_named_by_digest(run: Run) -> None:
    assert run(SERVICE).container["image"] == SERVICE["image"]


def test_liveness_and_readiness_are_asked_apart_on_the_services_port(run: Run) -> None:
    container = run({**SERVICE, "port": "8080"}).container
    live, ready = container["livenessProbe"]["httpGet"], container["readinessProbe"]["httpGet"]
    assert (live["path"], live["port"]) == ("/", 8080)
    assert (ready["path"], ready["port"]) == ("/ready", 8080)
    assert container["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_the_key_is_a_secure_value_and_stays_a_secret(run: Run) -> None:
    key = "correct-horse-battery-staple"
    recorded = run({**SERVICE, "scoringKey": key}, secrets=("scoringKey",))
    text = json.dumps(recorded.group)
    (variable,) = [
        each for each in recorded.container["environmentVariables"] if each["name"] == "SCORING_KEY"
    ]
    assert "value" not in variable
    assert variable["secureValue"] == {SECRET: "1b47061264138c4ac30d75fd1eb44270", "value": key}
    assert text.count(key) == 1


def test_storage_is_private_encrypted_in_transit_and_of_one_tenant(run: Run) -> None:
    account = run().one("storage:StorageAccount")
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert account["enableHttpsTrafficOnly"] is True
    assert account["allowBlobPublicAccess"] is False
    assert account["allowCrossTenantReplication"] is False


def test_the_vault_uses_rbac_and_cannot_be_purged(run: Run) -> None:
    properties = run().one("keyvault:Vault")["properties"]
    assert properties["enableRbacAuthorization"] is True
    assert properties["enableSoftDelete"] is True
    assert properties["softDeleteRetentionInDays"] == 90
    assert properties["enablePurgeProtection"] is True


CLOSED = {
    azure_facts.REGISTRY: {"adminUserEnabled": False, "anonymousPullEnabled": False},
    azure_facts.STORAGE_ACCOUNT: {
        "allowSharedKeyAccess": False,
        "isLocalUserEnabled": False,
        "isSftpEnabled": False,
    },
    azure_facts.VAULT: {
        "properties.enabledForDeployment": False,
        "properties.enabledForDiskEncryption": False,
        "properties.enabledForTemplateDeployment": False,
    },
    azure_facts.LOG_ANALYTICS: {"features.disableLocalAuth": True},
    azure_facts.ML_WORKSPACE: {
        "allowPublicAccessWhenBehindVnet": False,
        "systemDatastoresAuthMode": "identity",
    },
}
PREMIUM_ALONE = {"networkRuleSet.defaultAction", "policies.exportPolicy.status"}
"""Of a registry: any other tier refuses these."""


@pytest.mark.parametrize("kind", OPENINGS)
def test_every_property_that_opens_something_is_declared(run: Run, kind: str) -> None:
    """What a PUT leaves out may stay as somebody set it by hand."""
    declared = run(SERVICE).one(kind.partition(":")[2])
    for path in OPENINGS[kind]:
        if kind == azure_facts.REGISTRY and (path in PREMIUM_ALONE or "AsArmPolicy" in path):
            continue
        value = _at(declared, path)
        assert value is not None, path
        assert value == CLOSED.get(kind, {}).get(path, value), path


def _at(declared: Any, path: str) -> Any:
    for step in path.split("."):
        declared = declared.get(step) if isinstance(declared, dict) else None
    return declared


def test_what_cannot_be_made_again_is_protected(run: Run) -> None:
    assert _protected(run(SERVICE)) == {
        "resources:ResourceGroup",
        "containerregistry:Registry",
        "storage:StorageAccount",
        "keyvault:Vault",
        "machinelearningservices:Workspace",
    }


def test_a_stack_that_comes_and_goes_protects_nothing(run: Run) -> None:
    assert _protected(run({**SERVICE, "protect": "false"})) == set()
    assert _protected(run({**SERVICE, "protect": "true"})) != set()


def _protected(recorded: Any) -> set[str]:
    return {
        token.partition(":")[2]
        for token, (request,) in recorded.requests.items()
        if request.protect
    }


def test_an_update_of_everything_names_the_same_image_and_registry(run: Run) -> None:
    """In its preview azure-native knows no output but name and location."""
    before, update = run(SERVICE), run(SERVICE, updating=True)
    assert update.group["containers"] == before.group["containers"]
    assert update.group["imageRegistryCredentials"] == before.group["imageRegistryCredentials"]
    for output in ("image", "login_server", "model_sha256", "resource_group", "workspace"):
        assert update.outputs[output] == before.outputs[output], output
    # Names, and ids, which the engine keeps, make everything else known but who pulls.
    unknown = {token for token, made in update.inputs.items() if UNKNOWN in json.dumps(made)}
    assert unknown == {"azure-native:authorization:RoleAssignment"}
    assert update.one("authorization:RoleAssignment")["principalId"] == UNKNOWN


def test_the_address_that_azure_gives_is_ignored(run: Run) -> None:
    request = run(SERVICE).request("containerinstance:ContainerGroup")
    assert list(request.ignoreChanges) == ["ipAddress.ip"]


@pytest.mark.parametrize(
    ("key", "value", "token", "path", "reached"),
    [
        ("prefix", "iris", "resources:ResourceGroup", "resourceGroupName", "rg-iris-test-"),
        ("modelVersion", "v1.2-3", "containerinstance:ContainerGroup", "tags.modelVersion", None),
        ("data", "Weine, 1991", "containerinstance:ContainerGroup", "tags.data", None),
        ("cpu", "2.5", "containerinstance:ContainerGroup", "CONTAINER.resources.requests.cpu", 2.5),
        ("cpu", "4", "containerinstance:ContainerGroup", "CONTAINER.resources.requests.cpu", 4),
        (
            "memoryGb",
            "3.5",
            "containerinstance:ContainerGroup",
            "CONTAINER.resources.requests.memoryInGB",
            3.5,
        ),
        (
            "memoryGb",
            "16",
            "containerinstance:ContainerGroup",
            "CONTAINER.resources.requests.memoryInGB",
            16,
        ),
        ("port", "1024", "containerinstance:ContainerGroup", "ipAddress.ports", 1024),
        ("port", "65535", "containerinstance:ContainerGroup", "ipAddress.ports", 65535),
        ("dnsLabel", "digits", "containerinstance:ContainerGroup", "ipAddress.dnsNameLabel", None),
        (
            "description",
            "Zahlen\nlesen",
            "containerinstance:ContainerGroup",
            "VARIABLES.SERVICE_DESCRIPTION",
            None,
        ),
        ("registrySku", "Premium", "containerregistry:Registry", "sku.name", None),
        ("registrySku", "Standard", "containerregistry:Registry", "sku.name", None),
        ("logRetentionDays", "30", "operationalinsights:Workspace", "retentionInDays", 30),
        ("logRetentionDays", "730", "operationalinsights:Workspace", "retentionInDays", 730),
    ],
)
def test_a_setting_reaches_its_resource(
    run: Run, key: str, value: str, token: str, path: str, reached: Any
) -> None:
    config = {**SERVICE, key: value}
    if key == "prefix":
        del config["image"]
    declared = run(config).one(token)
    if path.startswith("CONTAINER."):
        declared, path = declared["containers"][0], path.partition(".")[2]
    if path.startswith("VARIABLES."):
        variables = declared["containers"][0]["environmentVariables"]
        declared, path = {each["name"]: each.get("value") for each in variables}, path[10:]
    found = _at(declared, path)
    if key == "prefix":
        assert found.startswith(reached)
    elif key == "port":
        assert found == [{"port": reached, "protocol": "TCP"}]
    else:
        assert found == (value if reached is None else reached)


def test_a_port_reaches_probes_variable_and_uri(run: Run) -> None:
    recorded = run({**SERVICE, "port": "8080"})
    assert {"name": "SCORING_PORT", "value": "8080"} in recorded.container["environmentVariables"]
    assert recorded.outputs["scoring_uri"] == "http://mnist.example:8080/score"


def test_every_resource_is_in_the_stacks_region(run: Run) -> None:
    recorded = run(SERVICE, location="northeurope")
    for token, (inputs,) in recorded.inputs.items():
        if token in azure_facts.TRACKED:
            assert inputs["location"] == "northeurope", token


def test_every_resource_has_the_name_that_naming_makes(run: Run) -> None:
    names = {
        (token.partition(":")[2], value)
        for token, (inputs,) in run(SERVICE).inputs.items()
        for key, value in inputs.items()
        if key.endswith("Name") and key not in {"resourceGroupName", "friendlyName"}
    }
    assert {value for token, value in names if "RoleAssignment" not in token} == {
        NAMES.log_analytics,
        NAMES.application_insights,
        NAMES.storage_account,
        NAMES.key_vault,
        NAMES.workspace,
        NAMES.registry,
        NAMES.identity,
        "sklearn-mnist-svc",
    }
    assert run().one("resources:ResourceGroup")["resourceGroupName"] == NAMES.resource_group


def test_two_runs_register_the_same_inputs(run: Run) -> None:
    assert run(SERVICE).inputs == run(SERVICE).inputs


def test_every_resource_that_can_have_them_has_the_stacks_tags(run: Run) -> None:
    recorded = run({**SERVICE, "tags": {"team": "ml"}})
    for token, (inputs,) in recorded.inputs.items():
        if token != "azure-native:authorization:RoleAssignment":
            assert inputs["tags"]["team"] == "ml", token


def test_every_arm_body_fits_azures_own_types(run: Run) -> None:
    recorded = run(
        {**SERVICE, "tags": {"team": "ml"}, "scoringKey": "correct-horse-battery-staple"},
        secrets=("scoringKey",),
    )
    checked = []
    for token, (inputs,) in recorded.inputs.items():
        kind = types.find_token(token)
        assert kind is not None, token
        namespace, _, name = kind.type.partition("/")
        schema = SCHEMAS / f"{namespace}.{name}@{kind.api_versions[0]}.json"
        body = kind.arm_inputs(_whole(_revealed(inputs)))
        jsonschema.validate({**_identity(kind.type), **body}, json.loads(schema.read_text()))
        checked.append(token)
    assert len(checked) == 10


def _identity(type_name: str) -> dict[str, Any]:
    return {}


def _revealed(value: Any) -> Any:
    if isinstance(value, dict):
        if SECRET in value:
            return _revealed(value["value"])
        return {name: _revealed(each) for name, each in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list) else value


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
