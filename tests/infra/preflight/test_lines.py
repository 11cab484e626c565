"""Every line of the preflight against a stand-in: the state that refuses beside the good one."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.containerregistry import ContainerRegistryClient

from infra import azure_facts
from infra.arm import login
from infra.arm.client import Arm
from infra.arm.errors import ArmError
from infra.preflight import capacity, leftovers, model, names, rights
from infra.preflight.line import Answer, Status
from infra.preflight.planned import Planned
from infra.preview.plan import Op
from tests.support.asked_azure import PATH, PLACED, Azure, a_group, written

# Azure's client of registries does not close the streamed answer of a call that fails.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

Plan = Callable[..., Planned]

GROUP, VAULT = azure_facts.RESOURCE_GROUP, azure_facts.VAULT
VAULTS = "Microsoft.KeyVault/vaults"
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
NAMES = {
    "registry name": (
        (azure_facts.REGISTRY, "registryName"),
        ("Microsoft.ContainerRegistry/registries", {**PLACED, "sku": {"name": "Basic"}}),
    ),
    "storage name": (
        (azure_facts.STORAGE_ACCOUNT, "accountName"),
        (
            "Microsoft.Storage/storageAccounts",
            {**PLACED, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
        ),
    ),
    "vault name": (
        (VAULT, "vaultName"),
        (
            VAULTS,
            {
                **PLACED,
                "properties": {
                    "tenantId": "00000000-0000-0000-0000-0000000adf50",
                    "sku": {"family": "A", "name": "standard"},
                    "accessPolicies": [],
                },
            },
        ),
    ),
}
BLOB = azure_facts.STORAGE_BLOB_DATA_CONTRIBUTOR
FILES = azure_facts.STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR


def good(answer: Answer) -> str:
    assert (answer.status, answer.remedy) == (Status.GOOD, ""), answer
    return answer.said


def refused(answer: Answer) -> tuple[str, str]:
    assert answer.status is Status.REFUSED, answer
    return answer.said, answer.remedy


def not_asked(answer: Answer) -> str:
    assert (answer.status, answer.remedy) == (Status.NOT_ASKED, ""), answer
    return answer.said


def name() -> str:
    return f"x{uuid4().hex[:14]}"


def test_a_subscription_that_is_seen_and_enabled_is_good(azure: Azure, arm: Arm) -> None:
    assert good(rights.subscription(arm, PATH)).startswith("Local stand-in, 00000000-")


def test_another_subscription_is_refused(arm: Arm) -> None:
    other = "11111111-0000-0000-0000-000000000000"
    said, remedy = refused(rights.subscription(arm, f"/subscriptions/{other}"))
    assert said.endswith(f"does not see the subscription {other}")
    assert remedy == f"az login && az account set --subscription {other}"


def test_a_disabled_subscription_is_refused(azure: Azure, arm: Arm) -> None:
    with azure.conditions(disabledSubscription=True):
        said, _ = refused(rights.subscription(arm, PATH))
    assert said == "Local stand-in is disabled: it can only be read"


@pytest.mark.parametrize(
    ("target", "namespace", "count"),
    [
        ("aci", "Microsoft.ContainerInstance", 9),
        ("aks", "Microsoft.ContainerService", 11),
        ("aks", "Microsoft.Compute", 11),
        ("aci", "Microsoft.KeyVault", 9),
    ],
)
def test_a_resource_provider_that_nobody_registered_is_refused_until_its_remedy(
    azure: Azure, arm: Arm, plan: Plan, target: str, namespace: str, count: int
) -> None:
    planned = plan(target=target)
    assert good(rights.providers(arm, planned)) == f"all {count} are registered"
    with azure.conditions(unregisteredProviders=[namespace.upper(), "Microsoft.Other"]):
        said, remedy = refused(rights.providers(arm, planned))
        assert said == f"not registered: {namespace}"
        assert remedy == f"az provider register --wait --namespace {namespace}"
        # Which asks for this.
        path = f"{PATH}/providers/{namespace}/register"
        assert azure.http.post(path, params={"api-version": "2021-04-01"}).is_success
        good(rights.providers(arm, planned))


def test_the_other_target_needs_no_registration(azure: Azure, arm: Arm, plan: Plan) -> None:
    with azure.conditions(unregisteredProviders=["Microsoft.Network"]):
        good(rights.providers(arm, plan()))
        refused(rights.providers(arm, plan(target="aks")))


@pytest.mark.parametrize("made", [(), (GROUP,)])
@pytest.mark.parametrize(
    "denied", ["Microsoft.Authorization/roleAssignments/write", "microsoft.authorization/*/Write"]
)
def test_a_login_that_may_not_write_role_assignments_is_refused(
    azure: Azure, arm: Arm, plan: Plan, made: tuple[str, ...], denied: str
) -> None:
    planned = plan(made=made)
    good(rights.role_assignments(arm, planned))
    with azure.conditions(deniedActions=["Microsoft.Storage/*/write"]):
        good(rights.role_assignments(arm, planned))
    with azure.conditions(deniedActions=[denied]):
        _, remedy = refused(rights.role_assignments(arm, planned))
    assert remedy == (
        f"az role assignment create --assignee-object-id {arm.caller()} --role "
        f'"Role Based Access Control Administrator" --scope {planned.group if made else PATH}'
    )


def give(azure: Azure, scope: str, role: str, principal: str) -> None:
    definition = f"{PATH}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    azure.put(
        f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}",
        {"properties": {"roleDefinitionId": definition, "principalId": principal}},
        "2022-04-01",
    )


def test_who_registers_models_needs_both_roles_on_the_storage_account(
    azure: Azure, arm: Arm, plan: Plan
) -> None:
    kind, account = azure_facts.STORAGE_ACCOUNT, name()
    planned = plan((kind, {"accountName": account}), made=(GROUP, kind))
    path = f"{planned.group}/providers/Microsoft.Storage/storageAccounts/{account}"
    azure.put(path, NAMES["storage name"][1][1])
    somebody, other = str(uuid4()), str(uuid4())
    said, remedy = refused(rights.registrar(arm, planned, somebody))
    assert "Storage Blob Data Contributor, Storage File Data Privileged Contributor" in said
    assert len(remedy.splitlines()) == 2
    give(azure, path, BLOB, somebody)
    give(azure, azure.group(), FILES, somebody)
    give(azure, path, FILES, other)
    said, remedy = refused(rights.registrar(arm, planned, somebody))
    assert said == f"{somebody} has not: Storage File Data Privileged Contributor"
    assert remedy == (
        f"az role assignment create --assignee-object-id {somebody} --role "
        f'"Storage File Data Privileged Contributor" --scope {path}'
    )
    give(azure, planned.group, FILES, somebody)
    assert (
        good(rights.registrar(arm, planned, somebody)) == f"{somebody} has both roles on {account}"
    )


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ("/", True),
        ("/providers/Microsoft.Management/managementGroups/all", True),
        (PATH.upper(), True),
        (f"{PATH}/resourceGroups/rg-of-another", False),
    ],
)
def test_a_role_counts_from_wherever_it_is_inherited(
    arm: Arm, plan: Plan, monkeypatch: pytest.MonkeyPatch, scope: str, counts: bool
) -> None:
    kind = azure_facts.STORAGE_ACCOUNT
    planned = plan((kind, {"accountName": "x"}), made=(kind,))
    held = [
        {"properties": {"scope": scope, "roleDefinitionId": f"/roles/{role.upper()}"}}
        for role in (azure_facts.STORAGE_BLOB_DATA_OWNER, FILES)
    ]
    monkeypatch.setattr(arm, "listed", lambda *_: iter(held))
    answer = rights.registrar(arm, planned, str(uuid4()))
    assert (answer.status is Status.GOOD) is counts


def test_nobody_who_registers_models_is_asked_for_unless_named(arm: Arm, plan: Plan) -> None:
    """An update needs nothing of it: a login that only deploys is not refused."""
    kind = azure_facts.STORAGE_ACCOUNT
    there = plan((kind, {"accountName": "x"}), made=(kind,))
    assert "--registrar" in not_asked(rights.registrar(arm, there, ""))
    assert "yet to be made" in not_asked(rights.registrar(arm, plan(), str(uuid4())))


@pytest.mark.parametrize("check", list(NAMES))
def test_a_name_that_somebody_else_has_is_refused(
    azure: Azure, arm: Arm, plan: Plan, check: str
) -> None:
    (kind, key), (azures, body) = NAMES[check]
    wanted = name()
    planned = plan((kind, {key: wanted}), prefix="digits")
    assert good(names.checks()[check](arm, planned)) == f"{wanted} is free"
    azure.put(f"{azure.group()}/providers/{azures}/{wanted}", body)
    said, remedy = refused(names.checks()[check](arm, planned))
    assert wanted in said
    assert remedy == "pulumi config set prefix digits2 --stack dev"
    own = plan((kind, {key: wanted}), made=(kind,))
    assert good(names.checks()[check](arm, own)) == f"{wanted} is the stack's own"
    renamed = plan((kind, {key: wanted}), made=(kind,), before={kind: {key: "another"}})
    refused(names.checks()[check](arm, renamed))


def test_what_a_cut_off_update_left_is_imported_and_its_name_is_its_own(
    azure: Azure, arm: Arm, plan: Plan
) -> None:
    """Another prefix, which a name that is taken asks for, would replace all the others."""
    (kind, key), (azures, body) = NAMES["registry name"]
    wanted = name()
    planned = plan((kind, {key: wanted}), made=(GROUP,))
    nothing = replace(planned, left=leftovers.find(arm, planned))
    assert good(leftovers.answer(nothing)) == "nothing that the update creates is there already"
    assert good(names.checks()["registry name"](arm, nothing)) == f"{wanted} is free"
    path = f"{planned.group}/providers/{azures}/{wanted}"
    azure.put(path, body)
    left = replace(planned, left=leftovers.find(arm, planned))
    assert refused(leftovers.answer(left)) == (
        "registry: declared and there, but in no state",
        f"pulumi import {kind} registry {path} --parent parent=urn:of-its-parent"
        " --protect=false --generate-code=false --yes --stack dev",
    )
    assert "own" in good(names.checks()["registry name"](arm, left))


def test_a_resource_group_that_is_in_no_state_is_imported_first(
    azure: Azure, arm: Arm, plan: Plan
) -> None:
    (kind, key), (azures, body) = NAMES["registry name"]
    planned = plan((kind, {key: (wanted := name())}))
    azure.put(f"{planned.group}/providers/{azures}/{wanted}", body)
    left = replace(planned, left=leftovers.find(arm, planned))
    _, remedy = refused(leftovers.answer(left))
    first, second = remedy.splitlines()
    assert f"{GROUP} resourcegroup {planned.group} " in first
    assert f"{kind} registry " in second


@pytest.mark.parametrize("kind", ["managed by the stack", "gone"])
def test_what_the_stack_has_or_nobody_is_left_by_nothing(
    azure: Azure, arm: Arm, plan: Plan, kind: str
) -> None:
    (token, key), (azures, body) = NAMES["registry name"]
    wanted = name()
    planned = plan((token, {key: wanted}), made=(GROUP, token) if kind != "gone" else (GROUP,))
    if kind != "gone":
        azure.put(f"{planned.group}/providers/{azures}/{wanted}", body)
    assert leftovers.find(arm, planned) == {}


@pytest.mark.parametrize(
    ("prefix", "other"),
    [("", "mnist2"), ("abcdefghij", "abcdefghi2"), ("abcdefghi2", "abcdefghi3")],
)
def test_another_prefix_is_a_prefix(
    azure: Azure, arm: Arm, plan: Plan, prefix: str, other: str
) -> None:
    (kind, key), (azures, body) = NAMES["storage name"]
    wanted = name()
    azure.put(f"{azure.group()}/providers/{azures}/{wanted}", body)
    planned = plan((kind, {key: wanted}), **({"prefix": prefix} if prefix else {}))
    _, remedy = refused(names.checks()["storage name"](arm, planned))
    assert remedy == f"pulumi config set prefix {other} --stack dev"


def soft_deleted(azure: Azure, path: str, body: dict[str, Any]) -> None:
    azure.put(path, body)
    azure.delete(path)


def test_a_vault_that_the_stack_deleted_is_recovered_and_imported(
    azure: Azure, arm: Arm, plan: Plan
) -> None:
    wanted = name()
    planned = plan((VAULT, {"vaultName": wanted}))
    path = f"{planned.group}/providers/{VAULTS}/{wanted}"
    soft_deleted(azure, path, NAMES["vault name"][1][1])
    said, remedy = refused(names.checks()["vault name"](arm, planned))
    assert said.startswith(f"{wanted} is soft-deleted and holds its name until 20")
    assert remedy.splitlines() == [
        "pulumi up --stack dev --exclude '**::vault' --exclude-dependents",
        f"az keyvault recover --name {wanted}",
        f"pulumi import azure-native:keyvault:Vault vault {path} --parent parent=urn:of-its-parent"
        " --protect=false --generate-code=false --yes --stack dev",
    ]


def test_a_deleted_vault_of_somebody_else_asks_for_another_prefix(
    azure: Azure, arm: Arm, plan: Plan
) -> None:
    wanted = name()
    soft_deleted(azure, f"{azure.group()}/providers/{VAULTS}/{wanted}", NAMES["vault name"][1][1])
    said, remedy = refused(names.checks()["vault name"](arm, plan((VAULT, {"vaultName": wanted}))))
    assert "soft-deleted" in said
    assert remedy.startswith("pulumi config set prefix ")


def test_a_deleted_workspace_holds_its_name_in_its_own_group_alone(
    azure: Azure, arm: Arm, plan: Plan
) -> None:
    kind, wanted = azure_facts.ML_WORKSPACE, name()
    planned = plan((kind, {"workspaceName": wanted}))
    check = names.checks()["workspace name"]
    body = {**PLACED, "identity": {"type": "SystemAssigned"}, "properties": {}}
    soft_deleted(azure, f"{azure.group()}/providers/{WORKSPACES}/{wanted}", body)
    assert good(check(arm, planned)) == f"no deleted workspace holds {wanted}"
    path = f"{planned.group}/providers/{WORKSPACES}/{wanted}"
    soft_deleted(azure, path, body)
    said, remedy = refused(check(arm, planned))
    assert said == f"{wanted} is soft-deleted and holds its name for 14 days"
    # What destroys says so, and is not the first choice.
    first, purge = remedy.splitlines()
    assert first.index("Recover") < first.index("DELETE")
    assert purge == (
        f"az rest --method delete --url '{path}?api-version=2024-10-01&forceToPurge=true'"
    )
    assert "own" in good(check(arm, plan((kind, {"workspaceName": wanted}), made=(kind,))))


def test_where_azure_lists_no_deleted_workspaces_that_is_said(
    azure: Azure, arm: Arm, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan((azure_facts.ML_WORKSPACE, {"workspaceName": "x"}))
    monkeypatch.setattr(names, "_WORKSPACES", "2000-01-01")
    assert "the portal does" in not_asked(names.checks()["workspace name"](arm, planned))


def test_a_label_that_another_group_has_in_the_region_is_refused(
    azure: Azure, arm: Arm, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, check = azure_facts.CONTAINER_GROUP, names.checks()["DNS label"]
    planned = plan((kind, a_group("label-1")))
    good(check(arm, planned))
    own = f"{planned.group}/providers/Microsoft.ContainerInstance/containerGroups/sklearn-mnist-svc"
    for path, place, refuses in (
        (own.upper(), "westeurope", False),
        (f"{own}-2", "eastus", False),
        (f"{own}-2", "WestEurope", True),
    ):
        one = {
            "id": path,
            "location": place,
            "properties": {"ipAddress": {"dnsNameLabel": "LABEL-1"}},
        }
        monkeypatch.setattr(arm, "listed", lambda *_, one=one: iter([one]))
        answer = check(arm, planned)
        assert (answer.status is Status.REFUSED) is refuses
    assert answer.remedy == "pulumi config set dnsLabel label-1-2 --stack dev"
    assert "no container group" in not_asked(check(arm, plan()))


def test_more_cores_than_the_quota_has_are_refused(azure: Azure, arm: Arm, plan: Plan) -> None:
    kind = azure_facts.CONTAINER_GROUP
    planned = plan((kind, a_group(cpu=2)))
    assert good(capacity.cores(arm, planned)) == "2 more are asked for, 0 of 100 used in westeurope"
    with azure.conditions(coreQuota=2):
        good(capacity.cores(arm, planned))
    with azure.conditions(coreQuota=1.5):
        said, remedy = refused(capacity.cores(arm, planned))
        assert said == "2 more are asked for, 0 of 1.5 used in westeurope"
        assert remedy.startswith("# raise StandardCores to 2: https://portal.azure.com/")
        # What the stack has already is counted as used: only what is more is asked for.
        before = {kind: a_group(cpu=1)}
        good(capacity.cores(arm, plan((kind, a_group(cpu=2)), made=(kind,), before=before)))
    with azure.conditions(coreQuota=0):
        good(capacity.cores(arm, plan((kind, a_group()), made=(kind,))))
    assert "is declared" in not_asked(capacity.cores(arm, plan()))


def test_what_asks_for_no_more_cores_is_good_also_beyond_the_quota(
    arm: Arm, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = azure_facts.CONTAINER_GROUP
    usage = {"name": {"value": "standardcores"}, "currentValue": 5, "limit": 2}
    monkeypatch.setattr(arm, "listed", lambda *_: iter([{"name": {"value": "Other"}}, usage]))
    good(capacity.cores(arm, plan((kind, a_group()), made=(kind,))))
    refused(capacity.cores(arm, plan((kind, a_group()))))
    monkeypatch.setattr(arm, "listed", lambda *_: iter([]))
    assert "tells no quota" in not_asked(capacity.cores(arm, plan((kind, a_group()))))


def test_what_is_gone_from_the_cloud_has_to_get_its_name_again(plan: Plan) -> None:
    """The state knows it, and the update makes it."""
    planned = plan((VAULT, {"vaultName": "kv"}), made=(VAULT,))
    assert planned.claimed(VAULT, "vaultName") == ""
    gone = replace(planned.steps[VAULT], op=Op.CREATE)
    planned = replace(planned, steps={**planned.steps, VAULT: gone})
    assert not planned.is_there(VAULT)
    assert planned.claimed(VAULT, "vaultName") == "kv"


def a_cluster(version: str | None = None) -> tuple[str, dict[str, Any]]:
    pool = {"vmSize": "Standard_D4s_v5", "minCount": 2, "count": 3}
    system = {"vmSize": "Standard_D2s_v5", "count": 1}
    return azure_facts.MANAGED_CLUSTER, {
        "kubernetesVersion": version,
        "agentPoolProfiles": [system, pool],
    }


def test_more_cores_of_nodes_than_the_quota_has_are_refused(
    azure: Azure, arm: Arm, plan: Plan
) -> None:
    planned = plan(a_cluster())
    assert good(capacity.cores(arm, planned)).startswith("10 more are asked for, 0 of 100")
    with azure.conditions(coreQuota=9):
        _, remedy = refused(capacity.cores(arm, planned))
    assert remedy.startswith("# raise cores to 10: ")


def test_a_version_that_the_region_has_not_is_refused(arm: Arm, plan: Plan) -> None:
    for version in (None, "1.36", "1.36.3"):
        good(capacity.kubernetes(arm, plan(a_cluster(version))))
    said, remedy = refused(capacity.kubernetes(arm, plan(a_cluster("1.20"))))
    assert said == "westeurope has not 1.20, but 1.36"
    assert remedy == "pulumi config set kubernetesVersion 1.36 --stack dev"


def pushed(server: str, platform: tuple[str, str], *, index: bool = False) -> str:
    """An image of a platform, alone or in an index; returns its digest."""
    os, architecture = platform
    oci = "application/vnd.oci.image"
    with (
        login.credential() as known,
        ContainerRegistryClient(f"https://{server}", known) as client,
    ):

        def upload(content: dict[str, Any]) -> dict[str, Any]:
            data = json.dumps(content).encode()
            client.upload_blob("svc", io.BytesIO(data))
            return {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}

        def manifest(content: dict[str, Any], kind: str) -> dict[str, Any]:
            data = json.dumps({"schemaVersion": 2, "mediaType": kind, **content}).encode()
            digest = client.set_manifest("svc", io.BytesIO(data), media_type=kind)
            return {"digest": digest, "size": len(data), "mediaType": kind}

        config = {
            **upload({"os": os, "architecture": architecture}),
            "mediaType": f"{oci}.config.v1+json",
        }
        one = manifest({"config": config, "layers": []}, f"{oci}.manifest.v1+json")
        if index:
            named = {**one, "platform": {"os": os, "architecture": architecture}}
            one = manifest({"manifests": [named]}, f"{oci}.index.v1+json")
    return one["digest"]


@pytest.fixture
def server(azure: Azure) -> str:
    path = f"{azure.group()}/providers/Microsoft.ContainerRegistry/registries/{name()}"
    return azure.put(path, {**PLACED, "sku": {"name": "Basic"}})["properties"]["loginServer"]


def configured(plan: Plan, image: str) -> Planned:
    kind = azure_facts.REGISTRY
    return plan((kind, {"registryName": "x"}), made=(kind,), image=image)


@pytest.mark.parametrize("index", [False, True])
def test_an_image_that_is_not_there_or_for_another_platform_is_refused(
    plan: Plan, server: str, index: bool
) -> None:
    right = pushed(server, ("linux", "amd64"), index=index)
    assert good(model.image(configured(plan, f"{server}/svc@{right}"))) == (
        "svc is there, for linux/amd64"
    )
    wrong = pushed(server, ("linux", "arm64"), index=index)
    said, remedy = refused(model.image(configured(plan, f"{server}/svc@{wrong}")))
    assert said == "svc is for linux/arm64, not for linux/amd64"
    build, configure = remedy.splitlines()
    assert "--platform linux/amd64 --image svc:1 out/image/context" in build
    assert configure.startswith(f'pulumi config set image "{server}/svc@$(az acr repository show')
    for missing in (f"svc@sha256:{'0' * 64}", f"other@{right}"):
        said, _ = refused(model.image(configured(plan, f"{server}/{missing}")))
        assert said == f"{server} has no {missing.partition('@')[0]} of the configured digest"


def test_an_image_in_a_registry_that_is_not_made_yet_is_refused(plan: Plan) -> None:
    image = f"crx.azurecr.io/svc@sha256:{'0' * 64}"
    _, remedy = refused(model.image(plan((azure_facts.REGISTRY, {}), image=image)))
    assert remedy == "pulumi config rm image --stack dev && pulumi up --stack dev"
    assert "no image is configured" in not_asked(model.image(plan()))


def test_a_registry_that_is_not_reached_is_no_refusal(plan: Plan) -> None:
    with pytest.raises(ArmError, match=r"^127.0.0.1:1 cannot be asked: "):
        model.image(configured(plan, f"127.0.0.1:1/svc@sha256:{'0' * 64}"))


def test_a_model_that_did_not_pass_the_gate_is_refused(plan: Plan, tmp_path: Path) -> None:
    image = f"crx.azurecr.io/svc@sha256:{'0' * 64}"
    planned = plan(image=image, modelSha256="a" * 64)

    def asked(file: Path) -> Answer:
        return model.gate(planned, file, 0.9)

    assert (
        good(asked(written(tmp_path))) == "aaaaaaaaaaaa has an accuracy of 0.9200, the gate is 0.9"
    )
    good(asked(written(tmp_path, accuracy=0.9)))
    said, _ = refused(asked(written(tmp_path, accuracy=0.8999)))
    assert said == "accuracy 0.8999 is below the gate of 0.9000"
    refused(asked(written(tmp_path, accuracy=float("nan"))))
    said, _ = refused(asked(written(tmp_path, model={"sha256": "b" * 64})))
    assert said.endswith("is of the model bbbbbbbbbbbb, the stack's is aaaaaaaaaaaa")
    for broken in (b"", b"[]", b"{}", b'{"model": 1}', b"\xff"):
        (tmp_path / "report.json").write_bytes(broken)
        said, remedy = refused(asked(tmp_path / "report.json"))
        assert said.endswith("report.json is no report of a validation")
        assert remedy == f"python -m model_eval validate --out {tmp_path}"
    _, remedy = refused(asked(tmp_path / "my folder" / "none.json"))
    assert remedy == f"python -m model_eval validate --out '{tmp_path / 'my folder'}'"
    assert "no image" in not_asked(model.gate(plan(), tmp_path / "none.json", 0.9))
