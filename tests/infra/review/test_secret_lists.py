"""A list that is secret as a whole, because one variable in it is, can still be reviewed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from infra.disclosure.mask import Mask
from infra.policy.limits import Limits
from infra.preview import events, secret_lists
from infra.preview.secret_lists import Opened
from infra.review import report
from infra.review.azure import Endpoint
from infra.review.machine_formats import document
from infra.review.manifests import Manifests
from infra.review.rendering import markdown
from infra.review.report import Report

Make = Callable[..., Any]
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
PATH = "containers[0].environmentVariables[2].secureValue"
URN = (
    "urn:pulumi:dev::sklearn-mnist-svc::azure-native:containerinstance:ContainerGroup"
    "::scoring-group"
)


def wire(content: Any) -> dict[str, str]:
    return {
        "4dabf18193072939515e22adb298388d": SECRET_SIGNATURE,
        "plaintext": json.dumps(content),
    }


def plain(inputs: dict[str, Any], secret: str) -> dict[str, Any]:
    copied = copy.deepcopy(inputs)
    copied["containers"][0]["environmentVariables"][2]["secureValue"] = secret
    return copied


def opened(old: dict[str, Any], new: dict[str, Any]) -> Opened:
    """What the exported state and the update plan of a change tell."""
    state = {"deployment": {"resources": [{"urn": URN, "inputs": _wired(old)}]}}
    changed = {name: each for name, each in _wired(new).items() if old.get(name) != new[name]}
    gone = [name for name in old if name not in new]
    update = {
        "resourcePlans": {URN: {"goal": {"inputDiff": {"updates": changed, "deletes": gone}}}}
    }
    return secret_lists.read(state, update)


def _wired(inputs: dict[str, Any]) -> dict[str, Any]:
    return {**inputs, "containers": wire(inputs["containers"])}


def made(event: Any, known: Opened, text: Make) -> Report:
    plan = secret_lists.open_lists(events.read(text(event)), known)
    return report.build("dev", plan, Manifests({}), Limits(), Mask.of(known.secrets))


def test_the_cores_show_although_the_key_hides_the_whole_list(
    group: Make, group_change: Make, text: Make, blind: dict[str, str]
) -> None:
    old, new = plain(group(), "old-door-key"), plain(group(cpu=2), "new-door-key")
    event = group_change(
        {**old, "containers": blind},
        {**new, "containers": blind},
        diff={PATH: "update", "containers[0].resources.requests.cpu": "update"},
    )
    whole = made(event, opened(old, new), text)
    assert [(row.path, row.before, row.after) for row in whole.changes[0].rows] == [
        (PATH, "[secret]", "[secret]"),
        ("containers[0].resources.requests.cpu", "1", "2"),
    ]
    assert whole.endpoint is Endpoint.INTERRUPTED
    assert whole.undecided == ()
    shown = markdown(whole) + document(whole)
    assert "door-key" not in shown


def test_the_model_is_found_in_the_opened_list(
    group: Make, group_change: Make, text: Make, blind: dict[str, str]
) -> None:
    old, new = plain(group(), "a-door-key"), plain(group("c" * 64), "a-door-key")
    event = group_change({**old, "containers": blind}, {**new, "containers": blind})
    (model,) = made(event, opened(old, new), text).models
    assert model.new
    assert str(model.new.images[0]).endswith("@sha256:" + "c" * 64)
    assert model.same_model


def test_a_key_that_leaked_elsewhere_is_known_and_masked(
    group: Make, group_change: Make, text: Make, blind: dict[str, str]
) -> None:
    old, new = plain(group(), "old-door-key"), plain(group(), "new-door-key")
    new["tags"]["hint"] = "it was old-door-key"
    new["containers"][0]["environmentVariables"].append(
        {"name": "SERVICE_DESCRIPTION", "value": "opens with new-door-key"}
    )
    event = group_change({**old, "containers": blind}, {**new, "containers": blind})
    whole = made(event, opened(old, new), text)
    assert "door-key" not in markdown(whole) + document(whole)


def test_without_the_state_the_list_stays_closed_and_its_rules_undecided(
    group: Make, group_change: Make, text: Make, blind: dict[str, str]
) -> None:
    event = group_change(
        {**group(), "containers": blind},
        {**group(), "containers": blind},
        diff={"containers[0].image": "update"},
    )
    whole = made(event, Opened(), text)
    assert [(row.path, row.after) for row in whole.changes[0].rows] == [
        ("containers[0].image", "[hidden]")
    ]
    assert len(whole.undecided) == 4
    assert "### Policies that are not decided" in markdown(whole)


def test_another_secret_list_is_not_opened(
    group: Make, group_change: Make, text: Make, blind: dict[str, str]
) -> None:
    old = {**plain(group(), "x"), "volumes": [{"name": "plain"}]}
    state = {
        "deployment": {
            "resources": [{"urn": URN, "inputs": {**_wired(old), "volumes": wire(old["volumes"])}}]
        }
    }
    event = group_change({**old, "volumes": blind}, None, "delete")
    plan = secret_lists.open_lists(events.read(text(event)), secret_lists.read(state, {}))
    assert plan.steps[0].old
    assert repr(plan.steps[0].old.inputs["volumes"]) == "SECRET"


def test_what_is_known_does_not_show_itself(group: Make) -> None:
    known = opened(plain(group(), "old-door-key"), plain(group(), "new-door-key"))
    assert known.secrets == {"old-door-key", "new-door-key"}
    assert "door-key" not in repr(known)
