"""Names are shown, whatever they look like; a known secret is not, wherever it is."""

from __future__ import annotations

import pytest

from infra import azure_facts
from infra.disclosure import display
from infra.disclosure.display import HIDDEN
from infra.disclosure.mask import Mask
from infra.preview.paths import MISSING
from infra.preview.untold import SECRET, UNKNOWN

GROUP = azure_facts.CONTAINER_GROUP
DRAWN = "q7x9k2m4z8w1p5r3"
KNOWN = "open-sesame-street"
DIGEST = "a" * 64


@pytest.mark.parametrize(
    "steps",
    [
        ("tags", "modelSha256"),
        ("tags", "CostCenter2026"),
        ("tags", "costCenter4711"),
        ("tags", DRAWN),
        ("v1LegacyMode",),
        ("containers", 0, "environmentVariables", 2, "secureValue"),
    ],
)
def test_a_path_is_shown_as_it_is_and_can_be_named_again(steps: tuple[str | int, ...]) -> None:
    assert HIDDEN not in display.path(steps, Mask.of([KNOWN]))


def test_a_key_that_is_a_known_secret_is_hidden_and_a_property_never() -> None:
    mask = Mask.of([KNOWN, "location", "tags"])
    assert display.path(("tags", f"x-{KNOWN}"), mask) == f'tags["x-{HIDDEN}"]'
    assert display.path(("location",), mask) == "location"
    assert display.key(f"X_{KNOWN}", mask) == f"X_{HIDDEN}"


@pytest.mark.parametrize(
    ("path", "label", "value"),
    [
        (("containers", 0, "image"), "", f"cr.azurecr.io/team/svc@sha256:{DIGEST}"),
        (("containers", 0, "image"), "", "127.0.0.1:39999/sklearn-mnist-svc:2026.11-4f9a0c1d2e3b"),
        (("containers", 0, "image"), "", f"cr.azurecr.io/svc:{'4f9a0c1d2e' * 4}@sha256:{DIGEST}"),
        (("containers", 0, "environmentVariables", 0, "name"), "X", "costCenter4711"),
        (("ipAddress", "ip"), "", "20.50.2.53"),
        (("ipAddress", "ip"), "", "2603:1020:201:10::1"),
        (("azureApiVersion",), "", "2024-05-01-preview"),
        (("tags", "modelSha256"), "", DIGEST),
    ],
)
def test_images_addresses_and_versions_are_shown(
    path: tuple[str | int, ...], label: str, value: str
) -> None:
    assert display.property_value(GROUP, path, label, value, Mask()) == value
    assert display.property_value(GROUP, path, label, value, Mask.of([value])) == HIDDEN


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("containers", 0, "image"), f"https://x/{DRAWN}"),
        (("containers", 0, "image"), "cr.azurecr.io/SVC:1"),
        (("ipAddress", "ip"), f"at {DRAWN}"),
        (("azureApiVersion",), DRAWN),
        (("tags", "team"), DRAWN),
    ],
)
def test_what_only_stands_in_such_a_place_is_hidden(
    path: tuple[str | int, ...], value: str
) -> None:
    assert display.property_value(GROUP, path, "", value, Mask()) == HIDDEN


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (MISSING, "(none)"),
        (None, "(none)"),
        (SECRET, "[secret]"),
        (UNKNOWN, "(known after the update)"),
        (True, "true"),
        (False, "false"),
        ({}, "{}"),
        ([], "[]"),
        ({"a": 1}, HIDDEN),
        ([1], HIDDEN),
        (1.0, "1"),
        (0.25, "0.25"),
        (7, "7"),
        ("blue", "blue"),
        ("two words", "two words"),
        ("7", '"7"'),
        ("true", '"true"'),
        ("false", '"false"'),
        ("null", '"null"'),
        ('"a"', r'"\"a\""'),
        ("", '""'),
        (" a", '" a"'),
        ("a\nb", r'"a\nb"'),
        ("(none)", '"(none)"'),
        ("(known after the update)", '"(known after the update)"'),
        ("w " * 100, f'"{"w " * 49}w ...  {"w " * 24}" (202 characters)'),
        ("word " * 40 + "x", f"{'word ' * 20} ... ord {'word ' * 9}x (201 characters)"),
    ],
)
def test_a_value_is_told_from_what_looks_like_it(value: object, shown: str) -> None:
    assert display.property_value("t", ("tags", "team"), "", value, Mask()) == shown


def test_a_value_as_long_as_may_be_is_shown_whole() -> None:
    text = "word " * 39 + "fives"
    assert len(text) == display.MOST
    assert display.property_value("t", ("tags", "team"), "", text, Mask()) == text


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        (("fqdn",), "mnist.example", "mnist.example"),
        (("fqdn",), "no host", HIDDEN),
        (("scoring_uri",), "http://mnist.example:5001/score", "http://mnist.example:5001/score"),
        (("scoring_uri",), "http://u:p@mnist.example/score", HIDDEN),
        (("model_sha256",), DIGEST, DIGEST),
        (("other",), "x", HIDDEN),
        (("fqdn", "inner"), "mnist.example", HIDDEN),
        (("other",), MISSING, "(none)"),
    ],
)
def test_an_output_is_shown_where_it_is_what_it_should_be(
    path: tuple[str, ...], value: object, shown: str
) -> None:
    assert display.output_value(path, value, Mask()) == shown


def test_a_name_is_on_one_line_and_short() -> None:
    assert display.key("a\tb\x1b", Mask()) == r"a\tb\u001b"
    assert display.name(f"of {DRAWN}\n", Mask()) == rf"of {HIDDEN}\n"
    assert display.key(DRAWN, Mask()) == DRAWN
