"""A wrong configuration value is one line: key, value, what is allowed, what to type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from infra.settings import KEYS, SettingError

Run = Callable[..., Any]
IMAGE = f"registry.example/svc@sha256:{'a' * 64}"
KEY = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prefix", "Mnist"),
        ("prefix", "m"),
        ("image", "registry.example/svc:latest"),
        ("image", "registry.example/svc@sha256:abc"),
        ("modelSha256", "xyz"),
        ("cpu", "0"),
        ("cpu", "5"),
        ("cpu", "nan"),
        ("cpu", "two"),
        ("memoryGb", "17"),
        ("port", "80"),
        ("port", "5001.5"),
        ("dnsLabel", "-a"),
        ("description", ""),
        ("registrySku", "Cheap"),
        ("logRetentionDays", "7"),
        ("tags", "[1]"),
        ("tags", "{"),
        ("tags", '{"a": 1}'),
    ],
)
def test_a_wrong_value_names_key_value_range_and_remedy(run: Run, key: str, value: str) -> None:
    with pytest.raises(SettingError) as raised:
        run({key: value})
    message = str(raised.value)
    assert f"sklearn-mnist-svc:{key}" in message
    assert repr(value) in message
    assert KEYS[key] in message
    assert "pulumi config set" in message
    assert "\n" not in message


def test_a_missing_location_says_how_to_set_it(run: Run) -> None:
    with pytest.raises(SettingError, match=r"azure-native:location is not set.*westeurope"):
        run(location=None)


def test_a_mistyped_key_is_refused_and_the_known_ones_are_named(run: Run) -> None:
    with pytest.raises(SettingError, match=r"memoryGB.*memoryGb"):
        run({"memoryGB": "2"})


def test_an_image_without_its_models_sha256_is_refused(run: Run) -> None:
    with pytest.raises(SettingError, match="modelSha256 is not set"):
        run({"image": IMAGE})


def test_a_key_in_plain_text_is_refused_without_showing_it(run: Run) -> None:
    with pytest.raises(SettingError, match="--secret scoringKey") as raised:
        run({"scoringKey": KEY})
    assert KEY not in str(raised.value)


def test_a_short_key_is_refused_without_showing_it(run: Run) -> None:
    with pytest.raises(SettingError, match="16 to 256") as raised:
        run({"scoringKey": "hunter2"}, secrets=("scoringKey",))
    assert "hunter2" not in str(raised.value)


def test_tags_that_the_program_sets_are_reserved(run: Run) -> None:
    with pytest.raises(SettingError, match="modelSha256"):
        run({"tags": {"modelSha256": "x"}})


def test_no_resource_is_registered_when_a_value_is_wrong(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[object] = []
    monkeypatch.setattr(pulumi.CustomResource, "__init__", lambda *a, **k: registered.append(a))
    with pytest.raises(SettingError):
        run({"cpu": "99"})
    assert registered == []


def test_an_image_of_another_registry_is_refused(run: Run) -> None:
    image = f"elsewhere.example/svc@sha256:{'a' * 64}"
    with pytest.raises(SettingError, match=r"registry\.example"):
        run({"image": image, "modelSha256": "b" * 64})
