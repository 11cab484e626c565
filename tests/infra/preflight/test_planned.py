"""What a plan and a configuration say of a stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.preflight import planned
from infra.preflight.planned import Configured, Planned
from infra.preview.engine import PreviewError
from infra.preview.plan import Op, Plan, State, Step
from tests.infra.preview.conftest import Pulumi

KIND, GROUP = azure_facts.REGISTRY, azure_facts.RESOURCE_GROUP
CONFIG = Configured("dev", {"p:prefix": "mnist", "other:prefix": "x"}, "p")


def step(op: Op, old: Any, new: Any, kind: str = KIND) -> Step:
    states = [None if each is None else State({"registryName": each}) for each in (old, new)]
    return Step(op, f"urn:{new}", kind, states[0], states[1])


def of(*steps: Step, **more: Any) -> Planned:
    return Planned(CONFIG, "/subscriptions/s", {each.type: each for each in steps}, **more)


def test_a_key_is_the_programs_own() -> None:
    assert CONFIG.get("prefix") == "mnist"
    assert (CONFIG.get("image"), CONFIG.get("image", "none")) == ("", "none")
    assert CONFIG.set("prefix", "a") == "pulumi config set prefix a --stack dev"


@pytest.mark.parametrize(
    ("one", "there", "claimed"),
    [
        (step(Op.CREATE, None, "a"), False, "a"),
        (step(Op.CREATE, "a", "a"), False, "a"),
        (step(Op.SAME, "a", "a"), True, ""),
        (step(Op.UPDATE, "a", "a"), True, ""),
        (step(Op.REPLACE, "b", "a"), True, "a"),
        (step(Op.UPDATE, None, "a"), False, "a"),
    ],
)
def test_a_name_is_claimed_unless_the_resource_holds_it(
    one: Step, there: bool, claimed: str
) -> None:
    made = of(one)
    assert (made.is_there(KIND), made.claimed(KIND, "registryName")) == (there, claimed)
    assert made.claimed(KIND, "other") == ""
    assert of(one, left={KIND: "/id"}).claimed(KIND, "registryName") == ""
    assert (made.is_there(GROUP), made.claimed(GROUP, "x"), dict(made.new(GROUP))) == (
        False,
        "",
        {},
    )


def test_the_group_and_the_region_are_the_declared_ones() -> None:
    state = State({"resourceGroupName": "rg", "location": "westeurope"})
    made = of(Step(Op.CREATE, "urn:rg", GROUP, None, state))
    assert (made.group, made.location) == ("/subscriptions/s/resourceGroups/rg", "westeurope")
    assert (of().group, of().location) == ("/subscriptions/s/resourceGroups/", "")


def test_the_image_is_the_configured_one() -> None:
    text = f"cr.azurecr.io/svc@sha256:{'a' * 64}"
    made = Planned(Configured("dev", {"p:image": text}, "p"), "", {})
    assert str(made.image) == text
    assert of().image is None


def test_of_a_type_the_first_resource_that_will_be_there_counts() -> None:
    steps = (step(Op.DELETE, "a", None), step(Op.SAME, "b", "b"), step(Op.SAME, "c", "c"))
    made = planned.of(Plan(steps, outputs_after={"subscription_id": "s"}), CONFIG)
    assert (made.config, made.subscription) == (CONFIG, "/subscriptions/s")
    assert made.steps == {KIND: steps[1]}
    assert planned.of(Plan(), CONFIG) == Planned(CONFIG, "/subscriptions/", {})
    assert planned.of(Plan(outputs_after={}), CONFIG).subscription == "/subscriptions/"


@pytest.fixture
def project(pulumi: Pulumi, tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    return tmp_path


def test_the_configuration_is_read_without_what_is_secret(pulumi: Pulumi, project: Path) -> None:
    values = {"p:prefix": {"value": "mnist"}, "p:scoringKey": {"secret": True}}
    (project / "config").write_text(json.dumps(values))
    pulumi.says(config="cat config")
    found = planned.configured("dev", project)
    assert found == Configured("dev", {"p:prefix": "mnist"}, "p")
    (asked,) = pulumi.asked
    assert asked[:4] == ["config", "--json", "--stack", "dev"]
    assert "--show-secrets" not in asked


def test_a_stack_that_is_not_there_is_said_as_pulumi_says_it(pulumi: Pulumi, project: Path) -> None:
    pulumi.says(config="echo \"error: no stack named 'dev' found\" >&2; exit 1")
    with pytest.raises(PreviewError, match=r"^`pulumi config` failed: no stack named 'dev'"):
        planned.configured("dev", project)


def test_the_text_of_a_plan_shows_nothing_that_is_declared() -> None:
    """A preview shows more than a traceback should."""
    assert "hunter2" not in repr(of(step(Op.CREATE, None, "hunter2")))
