"""Only a pull that is refused because the right is new is tried again, and not for ever."""

from __future__ import annotations

import asyncio

import pulumi

from infra.pull_retry import DELAYS_SECONDS, PullRetry


def ask(errors: list[str], operation: str = "create") -> tuple[bool, list[float]]:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    args = pulumi.ErrorHookArgs("urn", "", "n", "t", failed_operation=operation, errors=errors)
    return asyncio.run(PullRetry(pause)(args)), pauses


def test_an_inaccessible_image_is_tried_again_after_a_pause() -> None:
    assert ask(["InaccessibleImage: not accessible"]) == (True, [DELAYS_SECONDS[0]])


def test_any_other_error_is_final() -> None:
    assert ask(["InvalidContainerGroupUpdate: must delete it first"]) == (False, [])


def test_it_gives_up_after_three_minutes() -> None:
    assert sum(DELAYS_SECONDS) == 180
    assert ask(["InaccessibleImage"] * (len(DELAYS_SECONDS) + 1)) == (False, [])


def test_a_delete_is_never_tried_again() -> None:
    assert ask(["InaccessibleImage"], operation="delete") == (False, [])
