"""The service on a real Kubernetes: what a stack gets, and how it is rolled out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from urllib.request import urlopen

from infra.scoring_service import NAME
from journey.stand import ROOT, Stand, until
from tests.aks.conftest import Deployed

OTHER = "0" * 64


def test_the_same_image_and_model_run_on_both_targets(deployed: Deployed) -> None:
    outputs = deployed.stand.outputs()
    for name in ("image", "model_sha256"):
        assert outputs[name] == deployed.group[name]
    assert "container_group" not in outputs
    pods = deployed.stand.ready()
    assert len(pods) == 2
    for pod in pods:
        (status,) = pod["status"]["containerStatuses"]
        assert status["image"] == outputs["image"]
        assert status["imageID"] == outputs["image"].partition("@")[2]
        assert pod["metadata"]["annotations"]["modelSha256"] == outputs["model_sha256"]
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2, "two pods share one node"
    assert "it serves" in deployed.said


def test_the_endpoint_answers_from_the_host_through_a_service(deployed: Deployed) -> None:
    with urlopen(deployed.uri.removesuffix("/score") + "/ready", timeout=10) as answer:  # noqa: S310
        assert answer.status == 200
    service = deployed.stand.get("service", NAME, "--namespace", NAME)
    assert service["status"]["loadBalancer"]["ingress"][0]["ip"] in deployed.uri


def test_a_second_up_remembers_the_target_and_changes_nothing(stand: Stand) -> None:
    before = {pod["metadata"]["uid"] for pod in stand.pods()}
    said = stand.journey("up")
    assert "unchanged" in said
    assert " created" not in said.split("Deploy the scoring service")[1]
    assert " updated" not in said
    assert {pod["metadata"]["uid"] for pod in stand.pods()} == before


def test_a_roll_out_loses_no_request(deployed: Deployed) -> None:
    before = {pod["metadata"]["uid"] for pod in deployed.stand.ready()}
    with deployed.load() as load:
        deployed.stand.up("description=rolled out")
        load.wait(20)
    assert load.failures == []
    after = deployed.stand.ready()
    assert len(after) == 2
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in after)


def test_a_model_of_another_sha256_never_gets_traffic_and_the_update_says_why(
    deployed: Deployed,
) -> None:
    stand = deployed.stand
    good = stand.outputs()["model_sha256"]
    before = {pod["metadata"]["uid"] for pod in stand.ready()}
    try:
        with deployed.load() as load:
            failed = stand.up(f"modelSha256={OTHER}", "rolloutSeconds=40", check=False)
            said = failed.stdout + failed.stderr
            load.wait(20)
        assert failed.returncode != 0
        assert load.failures == []
        assert f"expected {OTHER}" in said, said
        serving = {pod["metadata"]["uid"] for pod in stand.pods()}
        assert before <= serving
    finally:
        stand.up(f"modelSha256={good}")
    until(lambda: before == {pod["metadata"]["uid"] for pod in stand.ready()}, 120)


def test_an_interrupted_update_is_finished_by_the_next(deployed: Deployed) -> None:
    stand = deployed.stand
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    command += ["--config", "description=interrupted"]
    # Pods that still go would be taken for the new ones.
    until(lambda: len(stand.pods()) == 2, 120)
    with deployed.load() as load:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_azure", "exec", "--", *command],
            cwd=ROOT,
            env=stand.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Once the new pods are being made, pulumi waits for them.
        until(lambda: len(stand.pods()) > 2 or process.poll() is not None, 300)
        process.send_signal(signal.SIGINT)
        process.wait(300)
        stand.up()
    assert load.failures == []
    assert len(stand.ready()) == 2
    deployment = stand.get("deployment", NAME, "--namespace", NAME)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["SERVICE_DESCRIPTION"] == "interrupted"
    assert deployment["status"]["updatedReplicas"] == 2


def test_keys_are_rotated_without_losing_who_has_either(deployed: Deployed) -> None:
    stand = deployed.stand
    old, new = "the-old-key-of-16", "the-new-key-of-16"

    def keep(**keys: str) -> None:
        for name, value in keys.items():
            stand.inside("pulumi", "config", "set", "--secret", name, value)
        stand.up()

    try:
        keep(scoringKey=old)
        with deployed.load(key=old) as before:
            # Every pod that takes the new key alone comes after all pods that take both.
            keep(scoringKeySecondary=new)
            with deployed.load(key=new) as after:
                after.wait(20)
                before.stop()
                stand.inside("pulumi", "config", "rm", "scoringKeySecondary")
                keep(scoringKey=new)
        assert before.failures == []
        assert after.failures == []
        with deployed.load(key=old, callers=1) as refused:
            until(lambda: refused.failures, 60)
        assert refused.failures[0].startswith("401")
        shown = json.dumps(stand.get("pods", "--namespace", NAME))
        assert old not in shown
        assert new not in shown
    finally:
        stand.inside("pulumi", "config", "rm", "scoringKeySecondary", check=False)
        stand.inside("pulumi", "config", "rm", "scoringKey")
        stand.up()
    assert len(stand.get("secrets", "--namespace", NAME)["items"]) == 0
