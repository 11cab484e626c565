"""A whole check: a `pulumi` that answers from files, Azure from a table, the endpoint over HTTP."""

from __future__ import annotations

import datetime
import json
import stat
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.arm.errors import ArmError
from infra.drift import check
from infra.drift.baseline import Entry
from infra.drift.finding import Question
from infra.drift.report import Report
from infra.drift.sample import Sample
from infra.preview.events import SECRET_SIGNATURE, SIGNATURE, STACK_TYPE
from tests.support.answering import answering
from tests.support.told_azure import Told

SUBSCRIPTION = "00000000-0000-0000-0000-00000000da7a"
TENANT = "00000000-0000-0000-0000-0000000adf50"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
CONTAINERS = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/g"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
PRINCIPAL = "00000000-0000-0000-0000-0000000000bb"
SHA256 = "a" * 64
IMAGE = f"r.azurecr.io/m@sha256:{'a' * 64}"
KEY = "the-key-of-the-door"
TODAY = datetime.date(2026, 11, 28)
RIGHTS = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments"
TOKENS = f"{IDENTITY}/federatedIdentityCredentials"


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:dev::p::{kind}::{name}"


class Pulumi:
    """What `pulumi` answers, and what there is of the stack."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder = folder
        self.outputs = {
            "scoring_uri": f"{uri}/score",
            "model_sha256": SHA256,
            "tenant_id": TENANT,
            "subscription_id": SUBSCRIPTION,
        }
        self.state: list[dict[str, Any]] = [
            {"urn": urn(STACK_TYPE, "p-dev"), "type": STACK_TYPE, "outputs": self.outputs}
        ]
        self.events: list[dict[str, Any]] = []
        self.ended: list[dict[str, Any]] = [{"summaryEvent": {"result": "succeeded"}}]
        self.has(azure_facts.RESOURCE_GROUP, "resource-group", GROUP, {"location": "westeurope"})
        self.has(azure_facts.IDENTITY, "pull-identity", IDENTITY, {"location": "westeurope"})
        identity = {"identity": {"type": "SystemAssigned", "principalId": PRINCIPAL}}
        self.has(azure_facts.ML_WORKSPACE, "workspace", WORKSPACE, {"kind": "Default"}, **identity)
        # One secure value makes the whole list a secret: the state has it, the events a mark.
        variables = [{"name": "SCORING_KEY", "secureValue": KEY}]
        containers = json.dumps([{"name": "s", "image": IMAGE, "environmentVariables": variables}])
        mark = {"osType": "Linux", "containers": "[secret]"}
        self.has(azure_facts.CONTAINER_GROUP, "scoring-group", CONTAINERS, mark)
        secret = {SIGNATURE: SECRET_SIGNATURE, "plaintext": containers}
        self.state[-1]["inputs"] = {**mark, "containers": secret}

    def has(
        self,
        kind: str,
        name: str,
        own: str,
        inputs: Mapping[str, Any],
        actual: Mapping[str, Any] | None = None,
        declared: Mapping[str, Any] | None = None,
        **outputs: Any,
    ) -> None:
        """A resource of the state; Azure's and the program's inputs where they are others."""
        there, wanted = actual or inputs, declared or inputs
        whole = {"urn": urn(kind, name), "type": kind, "id": own, "custom": True}
        self.state.append({**whole, "inputs": inputs, "outputs": {**inputs, **outputs}})
        self._event("resourcePreEvent", "refresh", whole, inputs, inputs)
        self._event("resOutputsEvent", "refresh", whole, inputs, there)
        self._event(
            "resourcePreEvent", "same" if there == wanted else "update", whole, there, wanted
        )

    def declares(self, kind: str, name: str, inputs: Mapping[str, Any]) -> None:
        """A resource that no state has."""
        self._event(
            *("resourcePreEvent", "create"),
            {"urn": urn(kind, name), "type": kind, "custom": True},
            *(None, inputs),
        )

    def _event(
        self, event: str, op: str, whole: Mapping[str, Any], old: Any, new: Mapping[str, Any]
    ) -> None:
        changed = {key for key in {*(old or {}), *new} if (old or {}).get(key) != new.get(key)}
        metadata = {
            **{key: whole[key] for key in ("urn", "type")},
            "op": op,
            "old": old and {**whole, "inputs": old, "outputs": old},
            "new": {**whole, "inputs": new, "outputs": new},
            "detailedDiff": {key: {"kind": "update"} for key in changed if old},
        }
        self.events.append({event: {"metadata": metadata}})

    def install(self) -> Path:
        """Make the executable; what follows is not seen by it."""
        answers = {
            "stack": {"version": 3, "deployment": {"resources": self.state}},
            "whoami": {"url": "https://pulumi.example.test"},
            "config": {"p:scoringKey": {"value": KEY, "secret": True}},
            # Nothing of what is secret as a whole is changed by the program.
            "plan": {"resourcePlans": {one["urn"]: {"goal": {}} for one in self.state}},
        }
        for name, content in answers.items():
            (self.folder / name).write_text(json.dumps(content))
        lines = [json.dumps(one) for one in [*self.events, *self.ended]]
        (self.folder / "preview").write_text("\n".join(lines))
        script = self.folder / "pulumi"
        script.write_text(
            f'#!/bin/sh\necho "$PWD $*" >> "{self.folder}/asked"\n'
            'if [ "$1 $2" = "stack ls" ]; then echo "[]"; exit 0; fi\n'
            'for each in "$@"; do case "$each" in --save-plan=*)\n'
            f'cat "{self.folder}/plan" > "${{each#--save-plan=}}";; esac; done\n'
            f'cat "{self.folder}/$1"\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return self.folder

    @property
    def asked(self) -> str:
        return (self.folder / "asked").read_text()


class Cloud(Told):
    """A container group that runs, and nothing that nobody declared."""

    def __init__(self) -> None:
        running = {"instanceView": {"state": "Running"}, "ipAddress": {"ip": "127.0.0.1"}}
        container = {"image": IMAGE, "environmentVariables": [{"name": "SCORING_KEY"}]}
        there = {**running, "containers": [{"name": "s", "properties": container}]}
        super().__init__(**{CONTAINERS: {"properties": there}})


class Service(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        self._answer({"model": {"sha256": SHA256}})

    def do_POST(self) -> None:
        good = self.headers["authorization"] == f"Bearer {KEY}"
        self._answer([1], 200 if good else 401)

    def _answer(self, content: Any, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulumi]:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    for name in ("PULUMI_BACKEND_URL", "ARM_ENVIRONMENT", "ARM_RESOURCE_MANAGER_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Service)) as server:
        yield Pulumi(folder, f"http://127.0.0.1:{server.server_address[1]}")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud = Cloud()
    monkeypatch.setattr(check, "Arm", lambda: cloud)
    return cloud


def checked(pulumi: Pulumi, *entries: Entry, said: list[str] | None = None) -> Report:
    folder = pulumi.install()
    told = said if said is not None else []
    sample = Sample(rows=[[0]], answers=[1])
    return check.run("dev", folder, sample, entries, told.append, TODAY)


def rows(report: Report) -> set[tuple[str, str, str, str]]:
    return {(one.question, one.resource, one.path, one.kind) for one in report.findings}


CLOUD, PROGRAM, IN_GROUP = Question.CLOUD, Question.PROGRAM, Question.GROUP


def test_a_stack_in_sync_is_asked_four_questions_and_all_are_answered(
    pulumi: Pulumi, cloud: Cloud
) -> None:
    said: list[str] = []
    report = checked(pulumi, said=said)
    assert report == Report(
        "dev",
        asked=dict.fromkeys((CLOUD, PROGRAM, IN_GROUP, Question.ENDPOINT), "answered"),
        endpoint="The endpoint answers.",
    )
    assert said == ["reading the state", "cloud, program, resource group and endpoint"]
    (previewed,) = [line for line in pulumi.asked.splitlines() if " preview " in line]
    assert previewed.startswith(f"{pulumi.folder} ")
    assert " --stack dev " in previewed
    assert " --refresh " in previewed


def test_each_question_finds_what_is_its_own_and_nothing_is_said_twice(
    pulumi: Pulumi, cloud: Cloud
) -> None:
    hot, cool, cold = ({"accessTier": tier} for tier in ("Hot", "Cool", "Cold"))
    pulumi.has(azure_facts.STORAGE_ACCOUNT, "storage", ACCOUNT, hot, actual=cool, declared=cold)
    # Closed by the state and the program, open in Azure, and declared nowhere.
    answered = {"kind": "Default", "allowPublicAccessWhenBehindVnet": True}
    pulumi.has(azure_facts.ML_WORKSPACE, "other", f"{WORKSPACE}2", answered)
    pulumi.declares(azure_facts.VAULT, "key-vault", {"vaultName": "kv"})
    pulumi.declares(azure_facts.REGISTRY, "registry", {"registryName": "cr"})
    cloud.lists(
        f"{GROUP}/resources",
        {"id": ACCOUNT.upper(), "type": "Microsoft.Storage/storageAccounts", "name": "ST"},
        {"id": VAULT, "type": "Microsoft.KeyVault/vaults", "name": "KV"},
        {"id": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet",
         "type": "Microsoft.Network/virtualNetworks", "name": "vnet"},
    )  # fmt: skip
    right = {"scope": ACCOUNT, "principalId": TENANT, "roleDefinitionId": azure_facts.OWNER}
    cloud.lists(
        RIGHTS,
        {"id": f"{ACCOUNT}/right", "name": "right", "properties": right},
        {"id": f"{ACCOUNT}/own", "properties": {**right, "principalId": PRINCIPAL}},
    )
    cloud.lists(TOKENS, {"id": f"{TOKENS}/outside", "name": "outside"})
    report = checked(pulumi)
    assert rows(report) == {
        (CLOUD, "storage", "accessTier", "changed"),
        (PROGRAM, "storage", "accessTier", "changed"),
        (PROGRAM, "registry", "", "missing"),
        (IN_GROUP, "key-vault", "", "in no state"),
        (IN_GROUP, "vnet", "", "unexpected"),
        (IN_GROUP, "right", "", "unexpected"),
        (IN_GROUP, "outside", "", "unexpected"),
    }
    severities = [one.severity for one in report.findings]
    assert severities == sorted(severities, reverse=True)
    links = {one.resource: one.link for one in report.findings}
    assert links["storage"] == f"https://portal.azure.com/#@{TENANT}/resource{ACCOUNT}"
    assert any(one.command.startswith("pulumi import ") for one in report.repair)
    assert (report.code, report.broken) == (7, "")


def test_what_only_azures_answer_tells_is_found(pulumi: Pulumi, cloud: Cloud) -> None:
    """State and Azure agree that it is open, for a refresh took it over; nothing declares it."""
    open_, wanted = {"isSftpEnabled": True, "kind": "x"}, {"kind": "x"}
    pulumi.has(azure_facts.STORAGE_ACCOUNT, "storage", ACCOUNT, open_, declared=wanted)
    (found,) = checked(pulumi).findings
    assert (found.path, found.undeclared) == ("isSftpEnabled", True)


def test_containers_are_compared_with_what_azure_answers(pulumi: Pulumi, cloud: Cloud) -> None:
    for event in pulumi.events:
        metadata = event.get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("type") == azure_facts.CONTAINER_GROUP:
            metadata["detailedDiff"] = {"containers[0].image": {"kind": "update"}}
    (container,) = cloud.answers[CONTAINERS]["properties"]["containers"]
    container["properties"]["image"] = IMAGE.replace("a" * 64, "b" * 64)
    report = checked(pulumi)
    assert rows(report) == {(CLOUD, "scoring-group", "containers[0].image", "changed")}
    assert KEY not in report.json()


def test_a_refusal_of_azures_leaves_what_was_found_and_asks_the_endpoint(
    pulumi: Pulumi, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "opensesame-1")
    inputs, actual = {"accessTier": "Hot"}, {"accessTier": "Cool"}
    pulumi.has(azure_facts.STORAGE_ACCOUNT, "storage", ACCOUNT, inputs, actual=actual)
    cloud.answers[RIGHTS] = ArmError(f"Azure answered HTTP 403 {KEY} opensesame-1")
    unmatched = Entry(resource="x", accepts="x", reason="x", expires=TODAY)
    report = checked(pulumi, unmatched)
    assert report.broken == "Azure answered HTTP 403 [hidden] [hidden]"
    assert rows(report) == {(CLOUD, "storage", "accessTier", "changed")}
    assert set(report.asked) == {CLOUD, PROGRAM, Question.ENDPOINT}
    assert (report.repair, report.stale, report.code) == ((), (), 1)
    assert report.endpoint == "The endpoint answers."


def test_of_two_errors_the_one_that_says_most_is_told(pulumi: Pulumi, cloud: Cloud) -> None:
    cloud.answers[CONTAINERS] = ArmError("Azure refused the login")
    cloud.answers[RIGHTS] = ArmError("Azure answered HTTP 403")
    pulumi.ended = [
        {"diagnosticEvent": {"severity": "error", "message": "error: no\nprovider"}},
        {"summaryEvent": {"result": "failed"}},
    ]
    assert checked(pulumi).broken == "Azure refused the login"


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        (
            [{"diagnosticEvent": {"severity": "error", "message": "error: no provider"}}],
            "`pulumi preview` failed: no provider",
        ),
        ([], "`pulumi preview` failed: it did not end"),
        ([7], "line 13 of the preview is not an event of Pulumi's"),
    ],
)
def test_a_preview_that_fails_breaks_the_check(
    pulumi: Pulumi, cloud: Cloud, ended: list[Any], why: str
) -> None:
    pulumi.ended = ended
    report = checked(pulumi)
    assert (report.broken, report.findings) == (why, ())
    assert set(report.asked) == {Question.ENDPOINT}


def test_a_preview_that_cannot_be_made_breaks_the_check(pulumi: Pulumi, cloud: Cloud) -> None:
    pulumi.install()
    script = pulumi.folder / "pulumi"
    failing = 'if [ "$1" = preview ]; then echo "error: no plugin" >&2; exit 255; fi\n'
    script.write_text(script.read_text().replace("echo", failing + "echo", 1))
    report = check.run("dev", pulumi.folder, Sample(rows=[[0]], answers=[1]), today=TODAY)
    assert report.broken == "`pulumi preview` failed: no plugin"


def test_without_a_readable_state_nothing_else_is_asked(pulumi: Pulumi, cloud: Cloud) -> None:
    pulumi.state = []
    report = checked(pulumi)
    assert report.broken == "the stack dev is empty; deploy it first: pulumi up --stack dev"
    assert (report.findings, dict(report.asked), report.repair) == ((), {}, ())
    assert report.endpoint == "Whether the endpoint answers is not known."


def test_a_state_that_changes_meanwhile_breaks_the_check(
    pulumi: Pulumi, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pulumi.install()

    def say(what: str) -> None:
        if what.startswith("cloud"):
            other = {"version": 3, "deployment": {"resources": pulumi.state[:1]}}
            (folder / "stack").write_text(json.dumps(other))

    report = check.run("dev", folder, Sample(rows=[[0]], answers=[1]), (), say, TODAY)
    assert report.broken == "the stack dev was updated while it was checked; check it again"


def test_what_is_wrong_with_the_endpoint_is_found_beside_the_rest(
    pulumi: Pulumi, cloud: Cloud
) -> None:
    pulumi.outputs["model_sha256"] = "b" * 64
    report = checked(pulumi)
    assert rows(report) == {(Question.ENDPOINT, "endpoint", "model.sha256", "changed")}
    assert report.endpoint == "The endpoint answers, but not as declared."
    (restart, *_) = [one.command for one in report.repair if one.command]
    assert restart.startswith("az container restart --name g ")


def test_an_endpoint_that_is_not_reached_breaks_the_check_at_last(
    pulumi: Pulumi, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check.serving.endpoint, "PATIENCE", 0.0)
    pulumi.outputs["scoring_uri"] = "http://127.0.0.1:1/score"
    report = checked(pulumi)
    assert report.broken.startswith("the endpoint http://127.0.0.1:1/ready was not reached")
    assert (report.asked[IN_GROUP], report.asked[Question.ENDPOINT]) == ("answered", "not reached")


def test_the_baseline_excuses_until_its_day_and_what_matches_nothing_is_stale(
    pulumi: Pulumi, cloud: Cloud
) -> None:
    inputs, actual = {"accessTier": "Hot"}, {"accessTier": "Cool"}
    pulumi.has(azure_facts.STORAGE_ACCOUNT, "storage", ACCOUNT, inputs, actual=actual)
    entry = Entry(
        resource="storage", path="accessTier", accepts="Cool", reason="cheaper", expires=TODAY
    )
    other = entry.model_copy(update={"resource": "registry"})
    report = checked(pulumi, entry, other)
    assert [one.reason for one in report.accepted] == ["cheaper"]
    assert [(one.resource, one.why) for one in report.stale] == [("registry", "matches nothing")]
    assert (report.findings, report.repair) == ((), ())
    late = entry.model_copy(update={"expires": TODAY - datetime.timedelta(1)})
    assert len(checked(pulumi, late).findings) == 1
