"""The whole local life cycle, once, with the real CLI: the tests run in this order."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
SHA256 = json.loads(
    (ROOT / "model_eval" / "models" / "sklearn_mnist" / "1" / "manifest.json").read_text()
)["sha256"]


def stack_files() -> dict[Path, bytes]:
    """The project's and the stacks' settings, which a journey must neither add to nor change."""
    found = [*ROOT.glob("Pulumi*"), *(ROOT / "infra").rglob("Pulumi*")]
    return {path: path.read_bytes() for path in found}


STACK_FILES = stack_files()


@pytest.fixture(scope="module")
def first(machine: Any) -> subprocess.CompletedProcess[str]:
    """The first `make up`."""
    return machine.make("up")


def uri_in(output: str) -> str:
    found = re.search(r"Scoring URI:\s+(http://\S+)", output)
    assert found, output
    return found[1]


def test_a_failed_gate_stops_before_anything_is_deployed(machine: Any) -> None:
    done = machine.make("up", "ARGS=--min-accuracy 0.99")
    assert done.returncode != 0
    assert "below the gate of 0.9900" in done.stdout
    assert "Infrastructure" not in done.stdout
    outputs = machine.inside("pulumi", "stack", "output", "--json")
    assert json.loads(outputs.stdout) == {}
    for check in ("review", "drift"):
        nothing = machine.make(check)
        assert nothing.returncode != 0
        assert "error: nothing is deployed here; deploy it with: make up" in nothing.stderr


def test_make_up_ends_with_accuracy_plots_uri_and_a_curl_line(
    machine: Any, first: subprocess.CompletedProcess[str]
) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Overall accuracy: 0.9205" in first.stdout
    for name in ("conf.png", "results.png"):
        assert (machine.state / "out" / name).read_bytes().startswith(b"\x89PNG")
    assert "not Azure" in first.stdout


def test_the_printed_curl_line_works_when_pasted(
    first: subprocess.CompletedProcess[str],
) -> None:
    line = re.search(r"curl .*", first.stdout)
    assert line
    done = subprocess.run(
        shlex.split(line[0]), cwd=ROOT, capture_output=True, text=True, check=False
    )
    (digit,) = json.loads(done.stdout)
    assert digit in range(10)


def test_the_endpoint_answers_the_identity_of_the_committed_model(
    first: subprocess.CompletedProcess[str],
) -> None:
    uri = uri_in(first.stdout)
    ready = httpx.get(uri.replace("/score", "/ready"), trust_env=False, timeout=60)
    assert ready.json()["model"]["sha256"] == SHA256


def test_a_second_make_up_changes_nothing(
    machine: Any, first: subprocess.CompletedProcess[str]
) -> None:
    again = machine.make("up")
    assert again.returncode == 0, again.stdout
    assert "pulumi: 14 unchanged" in again.stdout
    assert "already there" in again.stdout
    assert uri_in(again.stdout) == uri_in(first.stdout)


def test_make_up_ends_with_a_page_that_asks_the_endpoint(
    machine: Any, first: subprocess.CompletedProcess[str]
) -> None:
    found = re.search(r"^Look: +(\S+index\.html) +(http://\S+)$", first.stdout, re.MULTILINE)
    assert found, first.stdout
    file, origin = Path(found[1]), found[2]
    text = file.read_text(encoding="utf-8")
    for shown in ("scoring-group", "accuracy 0.9205 on 10000 rows", "Running.", "validation.html"):
        assert shown in text
    with httpx.Client(base_url=origin, trust_env=False, timeout=30) as client:
        assert client.get("/").text == text
        assert client.get("/smoke.html").status_code == 200
        sample = (machine.state / "out" / "sample.json").read_text(encoding="utf-8")
        headers = {"Origin": origin, "Content-Type": "application/json"}
        answer = client.post("/predict", content=sample, headers=headers)
    assert answer.json()["prediction"] in range(10)


@pytest.mark.usefixtures("first")
def test_review_and_drift_are_told_on_the_page(machine: Any) -> None:
    for target, said in (("review", "Nothing changes."), ("drift", "In sync.")):
        done = machine.make(target)
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout
        assert (machine.state / "out" / f"{target}.html").is_file()
        assert said in (machine.state / "out" / "index.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("first")
def test_the_preview_of_an_unchanged_program_is_empty(machine: Any) -> None:
    done = machine.inside("pulumi", "preview", "--refresh", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("first")
def test_a_changed_setting_is_previewed_as_what_azure_will_do(machine: Any) -> None:
    changed = machine.inside("pulumi", "preview", "--json", "--config", "cpu=2")
    steps = {
        step["urn"].split("::")[-1]: step["op"] for step in json.loads(changed.stdout)["steps"]
    }
    assert steps["scoring-group"] == "replace"
    assert steps.get("storage", "same") == "same"
    assert machine.inside("pulumi", "config", "rm", "cpu").returncode == 0
    tagged = machine.inside(
        "pulumi", "preview", "--json", "--config-path", "--config", "tags.team=ml"
    )
    steps = {step["urn"].split("::")[-1]: step["op"] for step in json.loads(tagged.stdout)["steps"]}
    assert steps["scoring-group"] == "update"
    assert machine.inside("pulumi", "config", "rm", "--path", "tags").returncode == 0


@pytest.mark.usefixtures("first")
def test_a_wrong_setting_is_one_line_and_no_traceback(machine: Any) -> None:
    done = machine.inside("pulumi", "preview", "--config", "cpu=9")
    assert done.returncode != 0
    assert "configuration sklearn-mnist-svc:cpu is '9'; allowed: 1 to 4 cores" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert machine.inside("pulumi", "config", "rm", "cpu").returncode == 0


@pytest.mark.usefixtures("first")
def test_make_smoke_tests_the_endpoint_again(machine: Any) -> None:
    done = machine.make("smoke")
    assert done.returncode == 0, done.stdout
    assert "all answered as the local model does" in done.stdout


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("command", [("up", "--source"), ("smoke", "--model")])
def test_a_model_that_is_not_there_is_one_line_and_leaves_the_results(machine: Any, command: Any):
    out = machine.state / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    done = machine.run(sys.executable, "-m", "journey", *command, "/absent")
    assert done.returncode == 1
    assert done.stderr.startswith("error: /absent holds no manifest.json; ")
    assert done.stderr.count("\n") == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.usefixtures("first")
def test_no_secret_of_the_stand_in_is_in_the_state_or_the_logs(machine: Any) -> None:
    secrets = [path.read_text().strip() for path in (machine.state / "private").iterdir()]
    secrets = [each for each in secrets if each and "BEGIN" not in each]
    assert secrets
    for path in machine.state.rglob("*"):
        if path.is_file() and "private" not in path.parts and path.stat().st_size < 10**6:
            content = path.read_bytes()
            assert not [each for each in secrets if each.encode() in content], path


@pytest.mark.usefixtures("first")
def test_service_down_removes_the_container_group_alone(
    machine: Any, first: subprocess.CompletedProcess[str]
) -> None:
    done = machine.make("service-down")
    assert done.returncode == 0, done.stdout
    outputs = json.loads(machine.inside("pulumi", "stack", "output", "--json").stdout)
    assert "workspace" in outputs
    assert "scoring_uri" not in outputs
    with pytest.raises(httpx.ConnectError):
        httpx.get(uri_in(first.stdout), trust_env=False, timeout=60)
    assert "without the service" in (machine.state / "out" / "index.html").read_text("utf-8")
    assert not (machine.state / "look.json").exists()


@pytest.mark.usefixtures("first")
def test_down_removes_everything(machine: Any) -> None:
    done = machine.make("down")
    assert done.returncode == 0, done.stdout
    assert not machine.state.exists()
    assert machine.make("down").stdout.strip() == "There is nothing to remove."


def test_the_checkout_is_as_it_was() -> None:
    assert stack_files() == STACK_FILES
