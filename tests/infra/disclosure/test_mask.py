"""Known secrets are found in any text, however many there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.disclosure.mask import HIDDEN, Mask


class Counted(frozenset[str]):
    """Counts how often all of it is gone through."""

    passes = 0

    def __iter__(self) -> Iterator[str]:
        type(self).passes += 1
        return super().__iter__()


def test_the_known_secrets_are_gone_through_once_for_all_texts() -> None:
    mask = Mask(Counted(f"secret-{number}-of-many" for number in range(100)))
    for number in range(100):
        assert mask.known_only(f"it is secret-{number}-of-many!") == f"it is {HIDDEN}!"
        assert mask.finds_known(f"<secret-{number}-of-many>")
        assert not mask.finds_known(f"secret-{number}-of-man")
    assert Counted.passes <= 2


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("open", f"{HIDDEN}"),
        ("reopened", f"re{HIDDEN}ed"),
        ("open-sesame", f"{HIDDEN}"),
        ("open sesame", f"{HIDDEN} sesame"),
        ("opopen", f"op{HIDDEN}"),
        ("openopen-sesame", f"{HIDDEN}{HIDDEN}"),
        ("abc ope", "abc ope"),
    ],
)
def test_the_longest_known_secret_is_taken_out_whole_wherever_it_is(text: str, hidden: str) -> None:
    mask = Mask(frozenset({"open", "open-sesame"}))
    assert mask.known_only(text) == hidden
    assert mask.finds_known(text) == (HIDDEN in hidden)


def test_a_secret_that_is_shorter_than_those_that_are_searched_for_is_still_found_if_given() -> (
    None
):
    assert Mask(frozenset({"xyz"})).known_only("wxyz") == f"w{HIDDEN}"
