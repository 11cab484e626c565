"""Names are shown, whatever they look like; a known secret is not, wherever it is."""

from __future__ import annotations

import pytest

from infra import azure_facts
from infra.disclosure import display
from infra.disclosure.display import HIDDEN
from infra.disclosure.mask import Mask

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
