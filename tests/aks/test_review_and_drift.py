"""The review and the drift check of a stack on a real Kubernetes, and what they print, run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.scoring_service import NAME
from journey.stand import Stand, until
from tests.aks.conftest import Deployed, asked

HERE = ("--namespace", NAME)
OTHER = f"sha256:{'d' * 64}"


def in_sync(stand: Stand, folder: Path) -> None:
    code, report = asked(stand, "drift", folder / "in-sync.json")
    assert (code, report["findings"]) == (0, []), json.dumps(report["findings"] or report)
    assert report["headline"] == "The endpoint answers. In sync."


def test_what_kubectl_did_is_found_and_the_printed_commands_take_it_back(
    stand: Stand, tmp_path: Path
) -> None:
    image = stand.outputs()["image"].partition("@")[0]
    stand.kubectl("set", "image", f"deployment/{NAME}", f"scoring={image}@{OTHER}", *HERE)
    local = json.dumps({"spec": {"externalTrafficPolicy": "Local"}})
    stand.kubectl("patch", "service", NAME, *HERE, "--type=merge", f"--patch={local}")
    code, report = asked(stand, "drift", tmp_path / "drift.json")
    assert code == 7
    assert {(one["resource"], one["path"], one["kind"]) for one in report["findings"]} == {
        ("deployment", "spec.template.spec.containers[0].image", "changed"),
        ("service", "spec.externalTrafficPolicy", "unexpected"),
    }
    # The last good version serves on: the image is nowhere.
    assert report["endpoint"] == "The endpoint answers."
    fix = stand.inside("python", "-m", "infra.drift", "--stack", "local", "--fix", check=False)
    yes = "PULUMI_SKIP_CONFIRMATIONS=true"
    stand.inside("env", yes, "bash", "-euc", fix.stdout)
    in_sync(stand, tmp_path)
    assert stand.outputs()["image"] in json.dumps(stand.get("deployment", NAME, *HERE))


def test_a_number_of_pods_that_the_autoscaler_set_is_no_drift_and_its_least_is(
    stand: Stand, tmp_path: Path
) -> None:
    least = json.dumps({"spec": {"minReplicas": 3}})
    stand.kubectl("patch", "hpa", NAME, *HERE, "--type=merge", f"--patch={least}")
    until(lambda: stand.get("deployment", NAME, *HERE)["spec"]["replicas"] == 3, 60)
    code, report = asked(stand, "drift", tmp_path / "drift.json")
    assert code == 7
    (one,) = report["findings"]
    assert (one["resource"], one["path"]) == ("autoscaler", "spec.minReplicas")
    fix = stand.inside("python", "-m", "infra.drift", "--stack", "local", "--fix", check=False)
    stand.inside("env", "PULUMI_SKIP_CONFIRMATIONS=true", "bash", "-euc", fix.stdout)
    in_sync(stand, tmp_path)


def test_a_deployment_that_is_gone_is_critical_and_comes_back(stand: Stand, tmp_path: Path) -> None:
    stand.kubectl("delete", "deployment", NAME, *HERE)
    code, report = asked(stand, "drift", tmp_path / "drift.json")
    assert code == 7
    (one,) = [each for each in report["findings"] if each["resource"] == "deployment"]
    assert (one["kind"], one["severity"]) == ("missing", "critical")
    fix = stand.inside("python", "-m", "infra.drift", "--stack", "local", "--fix", check=False)
    stand.inside("env", "PULUMI_SKIP_CONFIRMATIONS=true", "bash", "-euc", fix.stdout)
    in_sync(stand, tmp_path)


@pytest.mark.parametrize("known", [False, True])
def test_a_new_version_is_reviewed_as_rolling_and_its_update_replaces_nothing(
    deployed: Deployed, tmp_path: Path, known: bool
) -> None:
    """An image that is nowhere is only reviewed; another version of the model is rolled out."""
    stand = deployed.stand
    before = stand.outputs()["image"]
    key, value = (
        ("modelVersion", "2") if known else ("image", f"{before.partition('@')[0]}@{OTHER}")
    )
    old = stand.inside("pulumi", "config", "get", key).stdout.strip()
    stand.inside("pulumi", "config", "set", key, value)
    try:
        code, report = asked(stand, "review", tmp_path / "review.json")
        assert (code, report["endpoint"], report["counts"]) == (0, "rolls", {"update": 1})
        assert "Rolling, no downtime" in report["verdict"]
        if known:
            said = stand.up().stdout
            assert "1 updated" in said
            assert "replaced" not in said
        else:
            assert "Another image with the same model" in report["verdict"]
    finally:
        stand.inside("pulumi", "config", "set", key, old)
        if known:
            stand.up()
