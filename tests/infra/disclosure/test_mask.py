"""Known secrets are found in any text, however many there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.disclosure.mask import HIDDEN, Mask, environment_secrets


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


PEM = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"
DRAWN = "q7x9k2m4z8w1p5r3"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {PEM} end", f"key {HIDDEN} end"),
        (PEM[:35], HIDDEN),
        ("Authorization: Bearer abc.def-ghi", f"Authorization: {HIDDEN}"),
        ("Basic dXNlcjpw", HIDDEN),
        ("a bearer of news", "a bearer of news"),
        ("password=x y", f"password={HIDDEN} y"),
        ("Passwd : 'x y' z", f"Passwd : {HIDDEN} z"),
        ('pwd="x y",', f"pwd={HIDDEN},"),
        ('{"token": "x"}', f'{{"token": {HIDDEN}}}'),
        (
            "passphrase=a;secret=b&signature=c",
            f"passphrase={HIDDEN};secret={HIDDEN}&signature={HIDDEN}",
        ),
        ("credential:a sig=b key=c", f"credential:{HIDDEN} sig={HIDDEN} key={HIDDEN}"),
        ("design=flat", "design=flat"),
        ("https://user:word@host/x", f"https://{HIDDEN}@host/x"),
        ("https://host/x?sv=1&se=2 y", f"https://host/x?{HIDDEN} y"),
        ("why? because", "why? because"),
        (f"cr.azurecr.io/svc@sha256:{'a1' * 32}", f"cr.azurecr.io/svc@sha256:{'a1' * 32}"),
        (f"sha256:{'a1' * 33}", HIDDEN),
        ("id 6f1c0d2e-0000-4000-8000-00000000ABCD", f"id {HIDDEN}"),
        (f"({DRAWN})", f"({HIDDEN})"),
        ("ghp_abc pul-0123abcd AKIAABCDEFGHIJKL eyJhbGciOiJI", " ".join([HIDDEN] * 4)),
        ("Pa55-word! Pa55-word", f"{HIDDEN} Pa55-word"),
        ("Aa1!xyz", "Aa1!xyz"),
        ("Aa1!xyzw", "[hidden]"),
        (f"svc#1@sha256:{'a1' * 32}", f"svc#1@sha256:{'a1' * 32}"),
        ("nothing of the kind", "nothing of the kind"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_any_text(text: str, shown: str) -> None:
    assert Mask().text(text) == shown


def test_a_secret_of_three_letters_is_in_too_many_words_to_be_searched_for() -> None:
    assert Mask.of(["abcd"]).known_only("xabcdx") == "x[hidden]x"
    assert Mask.of(["abc"]).known_only("xabcdx") == "xabcdx"


def test_a_mask_knows_each_line_in_base64_and_in_urls_too() -> None:
    mask = Mask.of(["first line\n second/line \nxyz", "abc"])
    assert mask.known == {
        "first line\n second/line \nxyz",
        "first line",
        "second/line",
        "Zmlyc3QgbGluZQogc2Vjb25kL2xpbmUgCnh5eg==",
        "Zmlyc3QgbGluZQ==",
        "c2Vjb25kL2xpbmU=",
        "first%20line%0A%20second%2Fline%20%0Axyz",
        "first%20line",
        "second%2Fline",
    }


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("MY_PASSWORD", "longenough", True),
        ("MY_PASSWORD", "8letters", True),
        ("MY_PASSWORD", "7letter", False),
        ("AZURE_STORAGE_KEY", "longenough", True),
        ("api_key", "longenough", True),
        ("SAS", "longenough", True),
        ("scoringKey", "longenough", True),
        ("primarykey", "longenough", True),
        ("instrumentation-key", "longenough", True),
        ("MONKEY", "longenough", False),
        ("HOME_SWEET", "longenough", False),
        ("TOKEN_FILE", "/etc/hostname", False),
        ("TOKEN", "x" * 5000, True),
    ],
)
def test_the_environments_secrets_are_known_by_their_names(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, known: bool
) -> None:
    monkeypatch.setenv(name, value)
    assert (value in environment_secrets()) is known
