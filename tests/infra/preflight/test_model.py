"""What is to run: its image, and the evidence that its model is good enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.preflight import model
from infra.preflight.line import good, not_asked, refused
from infra.preflight.planned import Configured, Planned
from infra.preview.plan import Op, State, Step

SERVER = "cr.azurecr.io"
IMAGE = f"{SERVER}/svc@sha256:{'a' * 64}"
STATE = State({"registryName": "cr"})
THERE = Step(Op.SAME, "urn:r", azure_facts.REGISTRY, STATE, STATE)
BUILD = (
    "az acr build --registry cr --platform linux/amd64 --image svc:1 out/image/context\n"
    f'pulumi config set image "{SERVER}/svc@$(az acr repository show --name cr --image svc:1'
    ' --query digest --output tsv)" --stack dev'
)


def planned(*steps: Step, **config: str) -> Planned:
    values = {f"p:{key}": value for key, value in config.items()}
    return Planned(Configured("dev", values, "p"), "", {each.type: each for each in steps})


@pytest.mark.parametrize(
    ("platforms", "answer"),
    [
        (["linux/amd64"], good("svc is there, for linux/amd64")),
        (["linux/arm64", "linux/amd64"], good("svc is there, for linux/amd64")),
        ([], refused(f"{SERVER} has no svc of the configured digest", BUILD)),
        (
            ["linux/arm64", "windows/amd64"],
            refused("svc is for linux/arm64, windows/amd64, not for linux/amd64", BUILD),
        ),
    ],
)
def test_the_registry_has_the_image_for_where_it_will_run(
    monkeypatch: pytest.MonkeyPatch, platforms: list[str], answer: Any
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(model.registry, "platforms", lambda one: asked.append(one) or platforms)
    assert model.image(planned(THERE, image=IMAGE)) == answer
    assert [str(one) for one in asked] == [IMAGE]


@pytest.mark.parametrize("image", ["", "svc"])
def test_without_an_image_of_a_server_there_is_nothing_to_ask(image: str) -> None:
    assert model.image(planned(THERE, image=image)) == not_asked(
        "no image is configured: everything but the service is made"
    )


def test_before_there_is_a_registry_it_is_made_without_the_image() -> None:
    assert model.image(planned(image=IMAGE)) == refused(
        "the registry that should hold it is yet to be made",
        "pulumi config rm image --stack dev && pulumi up --stack dev",
    )


def gate(folder: Path, told: Any, least: float = 0.9) -> Any:
    report = folder / "re port.json"
    if told is not None:
        text = told if isinstance(told, str) else json.dumps(told)
        report.write_text(text, encoding="utf-8-sig")
    return model.gate(planned(image=IMAGE, modelSha256="b" * 64), report, least)


def evidence(accuracy: Any, sha256: Any = "b" * 64) -> dict[str, Any]:
    return {"accuracy": accuracy, "model": {"sha256": sha256}}


@pytest.mark.parametrize("accuracy", [0.9, 0.95, 1, "0.95"])
def test_a_model_that_reaches_the_gate_passes(tmp_path: Path, accuracy: Any) -> None:
    said = f"{'b' * 12} has an accuracy of {float(accuracy):.4f}, the gate is 0.9"
    assert gate(tmp_path, evidence(accuracy)) == good(said)


@pytest.mark.parametrize("accuracy", [0.8999, 0, float("nan")])
def test_one_below_it_does_not(tmp_path: Path, accuracy: float) -> None:
    assert gate(tmp_path, evidence(accuracy)) == refused(
        f"accuracy {accuracy:.4f} is below the gate of 0.9000", "python -m model_eval train"
    )


def test_the_evidence_is_of_the_model_that_the_stack_demands(tmp_path: Path) -> None:
    assert gate(tmp_path, evidence(1, "c" * 64)) == refused(
        f"{tmp_path}/re port.json is of the model {'c' * 12}, the stack's is {'b' * 12}",
        f"python -m model_eval validate --out {tmp_path} --model FOLDER",
    )


@pytest.mark.parametrize(
    "told",
    [
        *(None, "", "[]", "{}", "null", "[" * 100_000, {"accuracy": 1}, {"model": 7}),
        *(evidence("high"), evidence(None), {"accuracy": 1, "model": []}),
    ],
)
def test_what_is_no_report_is_refused_and_made_anew(tmp_path: Path, told: Any) -> None:
    assert gate(tmp_path, told) == refused(
        f"{tmp_path}/re port.json is no report of a validation",
        f"python -m model_eval validate --out {tmp_path}",
    )


def test_without_an_image_no_model_is_asked_for(tmp_path: Path) -> None:
    assert model.gate(planned(), tmp_path, 0.9) == not_asked("no image is configured")
    folder = tmp_path / "a b"
    answer = model.gate(planned(image=IMAGE), folder / "report.json", 0.9)
    assert answer.remedy == f"python -m model_eval validate --out '{folder}'"
