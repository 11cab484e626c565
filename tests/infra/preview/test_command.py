"""What the review reads beside the preview, from a `pulumi` that only this test knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.preview import command
from infra.preview.engine import PreviewError
from infra.preview.plan import Diagnostic, Op, Plan
from infra.preview.untold import SECRET
from tests.infra.preview.conftest import Pulumi

CONFIG = {
    "sklearn-mnist-svc:prefix": {"value": "mnist", "secret": False},
    "sklearn-mnist-svc:scoringKey": {"value": "open-sesame-street", "secret": True},
    "other:accounts": {
        "value": '{"a":["deep-in-an-object",7]}',
        "objectValue": {"a": ["deep-in-an-object", 7, True, None]},
        "secret": True,
    },
    "other:unset": {"secret": True},
}
ENDED = '{"summaryEvent": {"result": "succeeded"}}'
GROUP = "azure-native:containerinstance:ContainerGroup"
URN = f"urn:pulumi:dev::p::{GROUP}::scoring-group"
STREAMED = '[ "$PULUMI_ENABLE_STREAMING_JSON_PREVIEW" = true ] && '
SAVES = 'for each; do case "$each" in --save-plan=*) place="${each#*=}" ;; esac; done; '
"""Finds where the update plan goes."""


@pytest.fixture
def told(pulumi: Pulumi, tmp_path: Path) -> Pulumi:
    """Says its configuration, an empty state, and a preview without steps."""
    pulumi.says(**answers(config=written(tmp_path, "config", CONFIG)))
    return pulumi


def answers(**other: str) -> dict[str, str]:
    return {
        "config": f"echo '{json.dumps(CONFIG)}'",
        "stack": "echo '{}'",
        "preview": f"{STREAMED} echo '{ENDED}'",
        **other,
    }


def written(folder: Path, name: str, content: Any) -> str:
    """A script that writes this, if it runs in the folder."""
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return f"cat '{name}'"


def secret(content: Any) -> dict[str, str]:
    """A secret on the wire, in plain text."""
    return {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": json.dumps(content),
    }


def test_the_secrets_of_the_configuration_are_known_though_no_resource_has_them(
    told: Pulumi, tmp_path: Path
) -> None:
    secrets = command.run("dev", tmp_path).opened.secrets
    assert secrets == {"open-sesame-street", "deep-in-an-object", "7"}


@pytest.mark.parametrize("more", [{}, {"refresh": False}, {"refresh": True}])
def test_the_preview_looks_at_the_cloud_where_it_is_asked_to_and_writes_nothing(
    told: Pulumi, tmp_path: Path, more: dict[str, Any]
) -> None:
    command.run("dev", tmp_path, **more)
    (preview,) = [words for words in told.asked if words[0] == "preview"]
    assert ("--refresh" in preview) is any(more.values())
    assert {"--json", "--show-sames", "--show-secrets"} <= {*preview}
    assert not any(words[0] in {"up", "refresh", "destroy"} for words in told.asked)


def test_every_question_is_about_the_stack_and_reads_its_secrets(
    told: Pulumi, tmp_path: Path
) -> None:
    assert command.run("prod", tmp_path).plan().steps == ()
    shown = ["--show-secrets", "--stack", "prod", "--non-interactive", "--color", "never"]
    config, preview, state = sorted(told.asked)
    assert config == ["config", "--json", *shown]
    assert state == ["stack", "export", *shown]
    assert preview[preview.index("--stack") + 1] == "prod"


def state(*containers: dict[str, Any]) -> dict[str, Any]:
    """An exported stack with a group whose containers are secret as a whole."""
    inputs = {"containers": secret(list(containers)), "location": "westeurope"}
    return {"deployment": {"resources": [{"urn": URN, "type": GROUP, "inputs": inputs}]}}


def planned(*containers: dict[str, Any]) -> dict[str, Any]:
    """The update plan that changes them."""
    change = {"updates": {"containers": secret(list(containers))}}
    return {"resourcePlans": {URN: {"goal": {"inputDiff": change}}}}


def blinded() -> str:
    """The preview of that change as Pulumi tells it: nothing of the containers is said."""
    blind = secret("[secret]") | {"plaintext": "[secret]"}
    side = {"custom": True, "inputs": {"containers": blind, "location": "westeurope"}}
    step = {"op": "update", "urn": URN, "type": GROUP, "old": side, "new": side}
    return json.dumps({"resourcePreEvent": {"metadata": step}}) + f"\n{ENDED}\n"


def images(found: command.Preview) -> list[Any]:
    (step,) = found.plan().steps
    assert step.op is Op.UPDATE
    return [
        side and [(one["image"], one.get("secureValue")) for one in side.inputs["containers"]]
        for side in (step.old, step.new)
    ]


def test_what_a_secret_list_held_and_will_hold_is_known_from_the_state_and_the_update_plan(
    pulumi: Pulumi, tmp_path: Path
) -> None:
    """More of it than a pipe holds: whoever writes the plan must not wait for its end."""
    old, new = {"image": "cr.example/svc:1"}, {"image": "cr.example/svc:2", "secureValue": "pssst!"}
    plan = planned(new, {"image": "x" * 500_000})
    save = written(tmp_path, "plan", plan)
    pulumi.says(
        **answers(
            stack=written(tmp_path, "state", state(old)),
            preview=f'{SAVES} {save} > "$place"; {written(tmp_path, "events", blinded())}',
        )
    )
    found = command.run("dev", tmp_path)
    assert images(found) == [
        [("cr.example/svc:1", None)],
        [("cr.example/svc:2", SECRET), ("x" * 500_000, None)],
    ]
    assert found.opened.secrets > {"open-sesame-street", "pssst!"}
    assert "pssst!" not in repr(found)


@pytest.mark.parametrize("saved", ["", "half of {"])
def test_a_preview_without_an_update_plan_is_one_all_the_same(
    pulumi: Pulumi, tmp_path: Path, saved: str
) -> None:
    old = {"image": "cr.example/svc:1"}
    pulumi.says(
        **answers(
            stack=written(tmp_path, "state", state(old)),
            preview=f'{SAVES} printf %s "{saved}" > "$place"; '
            + written(tmp_path, "events", blinded()),
        )
    )
    (step,) = command.run("dev", tmp_path).plan().steps
    assert step.old
    assert step.new
    assert step.old.inputs["containers"] == [old]
    assert step.new.inputs["containers"] is SECRET


def test_a_state_that_is_known_already_is_not_asked_for(pulumi: Pulumi, tmp_path: Path) -> None:
    pulumi.says(**answers(stack="echo broken; exit 1"))
    known = {"image": "cr.example/svc:1", "secureValue": "pssst!"}
    found = command.run("dev", tmp_path, state=state(known))
    assert "pssst!" in found.opened.secrets
    assert "stack" not in [words[0] for words in pulumi.asked]


def test_what_is_unknown_and_comes_from_what_stays_is_settled_by_the_state(
    pulumi: Pulumi, tmp_path: Path
) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    source, user = "urn:pulumi:dev::p::t::registry", "urn:pulumi:dev::p::t::user"
    exported = {
        "deployment": {
            "resources": [
                {"urn": source, "propertyDependencies": {}},
                {"urn": user, "propertyDependencies": {"host": [source]}},
            ]
        }
    }
    steps = [
        {
            "urn": source,
            "old": {"inputs": {"tags": {}}, "outputs": {"host": "cr.example"}},
            "new": {"inputs": {"tags": {"a": "b"}}},
        },
        {
            "urn": user,
            "old": {"inputs": {"host": "cr.example"}},
            "new": {"inputs": {"host": unknown}},
            "detailedDiff": {"host": {"kind": "update"}},
        },
    ]
    events = [
        {"resourcePreEvent": {"metadata": {"op": "update", "type": "t", **one}}} for one in steps
    ]
    text = "\n".join([*map(json.dumps, events), ENDED])
    pulumi.says(**answers(preview=written(tmp_path, "events", text)))
    found = command.run("dev", tmp_path, state=exported).plan()
    assert [(one.name, one.op) for one in found.steps] == [
        ("registry", Op.UPDATE),
        ("user", Op.SAME),
    ]


def test_a_preview_that_failed_tells_so_in_its_events(pulumi: Pulumi, tmp_path: Path) -> None:
    said = {"diagnosticEvent": {"severity": "error", "message": "cpu is '99'"}}
    pulumi.says(**answers(preview=f"{written(tmp_path, 'events', said)}; exit 1"))
    plan = command.run("dev", tmp_path).plan()
    assert (plan.failed, plan.reason) == (True, "cpu is '99'")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            {"preview": "echo '{}'; echo 'error: no stack named dev' >&2; exit 255"},
            "`pulumi preview` failed: no stack named dev",
        ),
        ({"config": "echo 'error: wrong passphrase' >&2; exit 1"}, "`pulumi config` failed: wrong"),
        ({"stack": "echo words"}, "`pulumi stack` did not write JSON"),
    ],
)
def test_a_pulumi_that_fails_without_events_is_a_one_line_error(
    pulumi: Pulumi, tmp_path: Path, other: dict[str, str], said: str
) -> None:
    pulumi.says(**answers(**other))
    with pytest.raises(PreviewError, match=said) as caught:
        command.run("dev", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_preview_that_did_not_end_says_why_it_is_not_whole() -> None:
    said = Diagnostic("error", "", "error: cpu is 99")
    with pytest.raises(PreviewError, match=r"^`pulumi preview` failed: cpu is 99$"):
        command.whole(Plan(diagnostics=(said,), failed=True))
    with pytest.raises(PreviewError, match=r"^`pulumi preview` failed: it did not end$"):
        command.whole(Plan(failed=True))
    assert command.whole(Plan()) == Plan()
