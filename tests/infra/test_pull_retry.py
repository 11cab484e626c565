"""Only what time heals is tried again, and not for ever; what was left can be got back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from infra.pull_retry import PullRetry

URN = (
    "urn:pulumi:dev::sklearn-mnist-svc::sklearn-mnist-svc:infra:ScoringGroup"
    "$azure-native:containerinstance:ContainerGroup::scoring-group"
)
REFUSED = 'Status=400 Code="InaccessibleImage" Message="The image is not accessible"'
ON_THE_NODE = "1 error occurred:\n\t* InaccessibleImage: the image is not accessible\n\n"
BUSY = 'Status=409 Code="ContainerGroupTransitioning"'


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    return said


def ask(errors: list[str], operation: str = "create") -> tuple[bool, list[float]]:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    args = pulumi.ErrorHookArgs(URN, "", "n", "t", failed_operation=operation, errors=errors)
    return asyncio.run(PullRetry("scoring", pause)(args)), pauses


def patience(error: str, operation: str) -> list[float]:
    """The pauses until it is given up."""
    pauses: list[float] = []
    while True:
        again, more = ask([error] * (len(pauses) + 1), operation)
        if not again:
            assert more == []
            return pauses
        pauses += more


@pytest.mark.parametrize("operation", ["create", "update"])
@pytest.mark.parametrize(
    ("error", "seconds"),
    [(REFUSED, 180), ("RegistryErrorResponse: try later", 180), (BUSY, 120)],
)
def test_what_time_heals_is_tried_again_for_minutes_after_longer_and_longer_pauses(
    error: str, seconds: float, operation: str
) -> None:
    """The documented propagation of a right takes one to two minutes."""
    pauses = patience(error, operation)
    assert sum(pauses) == seconds
    assert pauses == sorted(pauses)
    assert 5 <= pauses[0] <= 10
    assert pauses[-1] <= 40


def test_the_newest_error_decides() -> None:
    assert ask(["InvalidContainerGroupUpdate", REFUSED]) == (False, [])
    assert ask([BUSY, REFUSED])[1] == ask([BUSY, BUSY])[1] != ask([REFUSED, BUSY])[1]


@pytest.mark.parametrize("errors", [["InvalidContainerGroupUpdate: must delete it first"], []])
def test_any_other_error_is_final(errors: list[str]) -> None:
    assert ask(errors) == (False, [])


def test_a_delete_is_never_tried_again() -> None:
    assert ask([REFUSED], operation="delete") == (False, [])


def test_a_creation_that_failed_on_the_node_is_left_to_the_next_update(warned: list[str]) -> None:
    assert ask([ON_THE_NODE]) == (False, [])
    (said,) = warned
    assert "the state has it: run `pulumi up` again" in said


def test_an_update_that_failed_on_the_node_is_tried_again(warned: list[str]) -> None:
    assert ask([ON_THE_NODE], "update") == ask([REFUSED], "update")
    assert ask([ON_THE_NODE], "update")[0]
    assert warned == []


def test_a_group_that_no_state_has_is_said_with_the_command_that_imports_it(
    warned: list[str],
) -> None:
    assert ask(["cannot create already existing resource '/s/1/containerGroups/g'"]) == (False, [])
    (said,) = warned
    assert said.endswith(
        "pulumi import azure-native:containerinstance:ContainerGroup scoring-group "
        "'/s/1/containerGroups/g' --parent 'parent=urn:pulumi:dev::sklearn-mnist-svc"
        "::sklearn-mnist-svc:infra:ScoringGroup::scoring'"
    )


@pytest.mark.parametrize("version", ["3.223.0", "3.244.9"])
def test_a_cli_whose_hooks_would_not_see_the_refusal_is_refused(
    run: Callable[..., Any], version: str
) -> None:
    with pytest.raises(pulumi.RunError, match=r"needed: 3\.245\.0 or newer") as raised:
        run(cli=version)
    assert version in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_oldest_cli_is_good_enough(run: Callable[..., Any]) -> None:
    assert run(cli="3.245.0").outputs
