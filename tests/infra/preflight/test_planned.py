"""What a plan and a configuration say of a stack."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.preflight import planned
from infra.preflight.planned import Configured, Planned
from infra.preview.plan import Op, Plan, State, Step

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
