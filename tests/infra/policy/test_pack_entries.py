"""The pack as the engine meets it: a process that lists the rules and judges what it is sent."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import EnforcementLevel, PolicyResourceOptions, ResourceValidationArgs

from infra import azure_facts
from infra.policy.pack_entries import policy_of
from infra.policy.rule import Level
from infra.policy.rules import RULES

PACK = Path(__file__).resolve().parents[3] / "infra" / "policy" / "pack" / "__main__.py"
OPEN = {"adminUserEnabled": True}
OPTIONS = PolicyResourceOptions(
    protect=False,
    ignore_changes=[],
    delete_before_replace=None,
    aliases=[],
    custom_timeouts=None,  # pyright: ignore[reportArgumentType]
    additional_secret_outputs=[],
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """Asks the pack as an engine does that started it in a folder of its own."""
    with subprocess.Popen(
        [sys.executable, PACK],
        cwd=tmp_path_factory.mktemp("pack"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.send_signal(signal.SIGINT)


def test_the_pack_lists_every_rule_with_what_it_asks_for(engine: Any) -> None:
    info = engine.GetAnalyzerInfo(empty_pb2.Empty())
    assert info.name == "sklearn-mnist-svc"
    told = {one.name: (one.description, one.enforcementLevel) for one in info.policies}
    levels = {Level.MANDATORY: analyzer_pb2.MANDATORY, Level.ADVISORY: analyzer_pb2.ADVISORY}
    assert told == {one.name: (one.description, levels[one.level]) for one in RULES}


def test_the_pack_judges_what_it_is_sent(engine: Any) -> None:
    request = analyzer_pb2.AnalyzeRequest(type=azure_facts.REGISTRY, urn="urn:r", name="r")
    request.properties.update(OPEN)
    found = {one.policyName: one for one in engine.Analyze(request).diagnostics}
    assert "adminUserEnabled is true" in found["no-admin-account"].message
    assert found["no-admin-account"].enforcementLevel == analyzer_pb2.MANDATORY
    assert found["required-tags"].enforcementLevel == analyzer_pb2.ADVISORY


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        (azure_facts.REGISTRY, OPEN, ["adminUserEnabled is true"]),
        (azure_facts.REGISTRY, {"adminUserEnabled": False}, []),
        (azure_facts.VAULT, OPEN, []),
    ],
)
def test_a_policy_reports_what_its_rule_finds_of_its_own_types(
    kind: str, inputs: dict[str, Any], said: list[str]
) -> None:
    (rule,) = [one for one in RULES if one.name == "no-admin-account"]
    policy = policy_of(rule)
    assert (policy.name, policy.description) == (rule.name, rule.description)
    assert policy.enforcement_level is EnforcementLevel.MANDATORY
    reported: list[tuple[str, str | None]] = []
    args = ResourceValidationArgs(kind, inputs, "urn:r", "r", OPTIONS, None)
    policy.validate(args, lambda message, urn: reported.append((message, urn)))
    assert [(one.partition(";")[0], urn) for one, urn in reported] == [(one, None) for one in said]
