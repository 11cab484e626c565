"""What the program declares where there is no engine, no cloud and no key to decrypt with."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from infra import azure_facts
from infra.naming import Names
from infra.review import offline_program
from tests.support import kubernetes_sdk, program_loop

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECURE = {"secure": "v1:AAAAAAAAAAAAAAAA:bm90IHJlYWxseSBlbmNyeXB0ZWQ="}
IMAGE = f"crother.azurecr.io/sklearn-mnist-svc@sha256:{'a' * 64}"
SERVICE = {"image": IMAGE, "modelSha256": "b" * 64}
WHERE = {"azure-native:location": "westeurope"}

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Inputs = dict[str, dict[str, Any]]
Declare = Callable[..., Inputs]


@pytest.fixture
def _own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It changes what it runs in, and leaves its loops to the end of what is elsewhere a process
    of its own."""
    monkeypatch.setattr(Names, "registry", Names.registry)
    monkeypatch.setattr(pulumi, "require_pulumi_version", pulumi.require_pulumi_version)
    resource: Any = pulumi.resource
    monkeypatch.setattr(resource, "collapse_alias_to_urn", resource.collapse_alias_to_urn)
    root: Any = pulumi.runtime.settings.get_root_resource()
    yield
    pulumi.runtime.settings.set_root_resource(root)  # else the next program is of this one's stack
    program_loop.end(asyncio.get_event_loop_policy().get_event_loop())
    gc.collect()


@pytest.fixture
def declare(_own_process: None) -> Declare:
    """The inputs of what a configuration of the project p declares, by type."""

    def run(**values: Any) -> Inputs:
        config = WHERE | {f"p:{name}": value for name, value in values.items()}
        found = offline_program.run("p", "dev", config)
        return {one["type"]: one["inputs"] for one in found}

    return run


def test_a_stack_without_an_image_declares_everything_but_the_service(declare: Declare) -> None:
    found = declare()
    assert azure_facts.CONTAINER_GROUP not in found
    assert {azure_facts.REGISTRY, azure_facts.ML_WORKSPACE, azure_facts.VAULT} <= found.keys()
    assert found[azure_facts.RESOURCE_GROUP]["location"] == "westeurope"
    assert found[azure_facts.RESOURCE_GROUP]["resourceGroupName"].startswith("rg-mnist-dev-")
    assert found[azure_facts.REGISTRY]["registryName"] == "registry"
    assert found[azure_facts.REGISTRY]["resourceGroupName"] == "resource-group"
    assert found[azure_facts.ROLE_ASSIGNMENT]["principalId"] == offline_program.NOBODY


@pytest.mark.usefixtures("_own_process")
def test_each_resource_is_told_with_its_name_in_the_program() -> None:
    found = offline_program.run("p", "dev", WHERE)
    assert {"type": azure_facts.REGISTRY, "name": "registry"}.items() <= next(
        one for one in found if one["type"] == azure_facts.REGISTRY
    ).items()
    assert not [one for one in found if one["type"].startswith(("sklearn-mnist-svc:", "pulumi:"))]


def test_the_registry_is_taken_to_be_the_images_own(declare: Declare) -> None:
    """Its name has the subscription in it, which nobody knows here."""
    found = declare(**SERVICE)
    assert found[azure_facts.REGISTRY]["registryName"] == "crother"
    group = found[azure_facts.CONTAINER_GROUP]
    (credentials,) = group["imageRegistryCredentials"]
    assert credentials["server"] == "crother.azurecr.io"
    assert credentials["identity"].endswith("/pull-identity")
    assert group["identity"]["userAssignedIdentities"] == [credentials["identity"]]
    assert group["containers"][0]["image"] == IMAGE


def test_what_is_encrypted_is_declared_as_a_secret_of_another_value(declare: Declare) -> None:
    container = declare(**SERVICE, scoringKey=SECURE)[azure_facts.CONTAINER_GROUP]["containers"][0]
    key = next(one for one in container["environmentVariables"] if one["name"] == "SCORING_KEY")
    assert "value" not in key
    assert SIGNATURE in key["secureValue"]
    assert key["secureValue"]["value"] == offline_program.PLACEHOLDER
    port = next(one for one in container["environmentVariables"] if one["name"] == "SCORING_PORT")
    assert port["value"] == "5001"


def test_what_is_no_secret_is_declared_as_it_is_written(declare: Declare) -> None:
    found = declare(**SERVICE, cpu=2, tags={"team": "ml"}, port=8080)
    group = found[azure_facts.CONTAINER_GROUP]
    assert group["tags"]["team"] == "ml"
    assert group["containers"][0]["resources"]["requests"]["cpu"] == 2
    assert group["ipAddress"]["ports"] == [{"port": 8080, "protocol": "TCP"}]


@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_read_as_the_engine_would_hand_it_over(declare: Declare, value: bool) -> None:
    assert azure_facts.REGISTRY in declare(protect=value)


def test_a_secret_inside_of_an_object_is_not_decrypted_either(declare: Declare) -> None:
    found = declare(**SERVICE, tags={"team": "ml", "owner": SECURE})
    text = json.dumps(found[azure_facts.CONTAINER_GROUP]["tags"])
    assert offline_program.PLACEHOLDER in text
    assert "v1:AAAA" not in text


def test_a_wrong_setting_is_raised_as_the_program_says_it(declare: Declare) -> None:
    with pytest.raises(Exception, match=r"cpu.*99"):
        declare(**SERVICE, cpu=99)


@pytest.mark.parametrize("more", [{}, {"kubeconfig": SECURE, "scoringKey": SECURE}])
def test_a_stack_on_kubernetes_declares_its_objects(declare: Declare, more: dict[str, Any]) -> None:
    kubernetes_sdk.use()
    found = declare(**SERVICE, **more, target="aks")
    assert azure_facts.CONTAINER_GROUP not in found
    assert (azure_facts.MANAGED_CLUSTER in found) is (not more)
    (container,) = found[azure_facts.DEPLOYMENT]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert (azure_facts.SECRET in found) is bool(more)


def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> dict[str, Any]:
    """What the command prints of a stack's file."""
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    words = ["offline_program", "p", "dev", str(tmp_path / "Pulumi.dev.yaml")]
    monkeypatch.setattr(sys, "argv", words)
    offline_program.main()
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("_own_process")
def test_the_command_prints_what_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {**WHERE, "p:tags": {"team": "Größe"}}
    text = yaml.safe_dump({"config": config}, allow_unicode=True)
    found = told(tmp_path, monkeypatch, capsys, text)
    assert found.keys() == {"resources"}
    (registry,) = [one for one in found["resources"] if one["type"] == azure_facts.REGISTRY]
    assert registry["inputs"]["tags"]["team"] == "Größe"
    (group,) = [one for one in found["resources"] if one["type"] == azure_facts.RESOURCE_GROUP]
    assert group["inputs"]["resourceGroupName"].startswith("rg-mnist-dev-")


@pytest.mark.usefixtures("_own_process")
@pytest.mark.parametrize("text", ["", "config:\n", "{}"])
def test_a_stack_without_any_setting_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    found = told(tmp_path, monkeypatch, capsys, text)
    assert found.keys() == {"error"}
    assert "azure-native:location" in found["error"]


def test_an_error_without_words_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(offline_program, "run", run)
    assert told(tmp_path, monkeypatch, capsys, "{}") == {"error": "MemoryError"}
