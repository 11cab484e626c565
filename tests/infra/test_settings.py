"""A wrong configuration value is one line: key, value, what is allowed, what to type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from infra.configuration.reader import Problem
from infra.naming import Names
from infra.settings import KEYS, SettingError, Settings, load

Run = Callable[..., Any]
PROJECT = "sklearn-mnist-svc"
REGISTRY = Names.of(
    "mnist", "00000000-0000-0000-0000-000000000001", "sklearn-mnist-svc", "test"
).registry
DIGEST = "sha256:" + "a" * 64
IMAGE = f"{REGISTRY}.azurecr.io/svc@{DIGEST}"
SERVICE = {"image": IMAGE, "modelSha256": "b" * 64}
KEY = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prefix", "Mnist"),
        ("prefix", "m"),
        ("prefix", "1mnist"),
        ("prefix", "mnist678901"),
        ("image", f"{REGISTRY}.azurecr.io/svc:latest"),
        ("image", f"{REGISTRY}.azurecr.io/svc"),
        ("image", f"{REGISTRY}.azurecr.io/svc@sha256:abc"),
        ("image", f"{REGISTRY}.azurecr.io/svc:1@{DIGEST}"),
        ("image", f"{REGISTRY}.azurecr.io/svc@sha512:{'a' * 128}"),
        ("image", f"{REGISTRY}.azurecr.io/Svc@{DIGEST}"),
        ("image", f"svc@{DIGEST}"),
        ("modelSha256", "xyz"),
        ("modelSha256", "B" * 64),
        ("modelVersion", "a b"),
        ("modelVersion", "1" * 65),
        ("cpu", "0.9"),
        ("cpu", "4.1"),
        ("cpu", "nan"),
        ("cpu", "two"),
        ("memoryGb", "0.9"),
        ("memoryGb", "16.1"),
        ("memoryGb", "1.25"),
        ("port", "1023"),
        ("port", "65536"),
        ("port", "5001.5"),
        ("dnsLabel", "-abcd"),
        ("dnsLabel", "abcd-"),
        ("dnsLabel", "abcd"),
        ("dnsLabel", "a" * 64),
        ("data", ""),
        ("data", "x" * 257),
        ("description", ""),
        ("description", "x" * 257),
        ("registrySku", "Cheap"),
        ("logRetentionDays", "29"),
        ("logRetentionDays", "731"),
        ("tags", "[1]"),
        ("tags", "{"),
        ("tags", "blue"),
        ("protect", "no"),
        ("target", "gke"),
    ],
)
def test_a_wrong_value_names_key_value_range_and_remedy(run: Run, key: str, value: str) -> None:
    with pytest.raises(SettingError) as raised:
        run({key: value})
    message = str(raised.value)
    assert f"sklearn-mnist-svc:{key}" in message
    assert repr(value)[:80] in message
    assert KEYS[key] in message
    assert "pulumi config set" in message
    assert "\n" not in message


def loaded(secrets: tuple[str, ...] = (), /, **config: str) -> Settings:
    """What a stack in West Europe with these keys is."""
    values = {f"{PROJECT}:{key}": value for key, value in config.items()}
    pulumi.runtime.set_all_config(
        {**values, "azure-native:location": "westeurope"},
        [f"{PROJECT}:{key}" for key in secrets],
    )
    try:
        project, azure = pulumi.Config(PROJECT), pulumi.Config("azure-native")
        return load(project, azure, lambda prefix: f"cr{prefix}")
    finally:
        pulumi.runtime.set_all_config({}, [])


def test_a_stack_that_configures_nothing_is_the_tutorials() -> None:
    """A changed default changes every stack that relies on it."""
    found = vars(loaded())
    assert vars(found.pop("kubernetes")) == {
        "min_replicas": 2,
        "max_replicas": 5,
        "cpu_target": 60,
        "rollout_seconds": 600,
        "node_size": "Standard_D4s_v5",
        "min_nodes": 2,
        "max_nodes": 5,
        **dict.fromkeys(("kubernetes_version", "hostname", "gateway_class", "kubeconfig")),
    }
    assert found == {
        "location": "westeurope",
        "prefix": "mnist",
        "cpu": 1.0,
        "memory_gb": 1.0,
        "port": 5001,
        "registry_sku": "Basic",
        "log_retention_days": 30,
        "tags": {},
        "target": "aci",
        "protect": True,
        **dict.fromkeys(("image", "model_sha256", "model_version", "dns_label", "data")),
        **dict.fromkeys(("description", "scoring_key", "scoring_key_secondary")),
    }


@pytest.mark.parametrize(
    ("key", "text", "attribute", "value"),
    [
        *(("prefix", text, "prefix", text) for text in ("m1", "mnist67890")),
        ("modelSha256", "0123456789abcdef" * 4, "model_sha256", "0123456789abcdef" * 4),
        *(("modelVersion", text, "model_version", text) for text in ("7", "v1.2-3", "a" * 64)),
        *(("cpu", text, "cpu", float(text)) for text in ("1", "1.5", "4")),
        *(("memoryGb", text, "memory_gb", float(text)) for text in ("1", "1.1", "3.3", "16")),
        *(("port", text, "port", int(text)) for text in ("1024", "65535")),
        *(("dnsLabel", text, "dns_label", text) for text in ("a-b-1", "a" * 63)),
        *(("data", text, "data", text) for text in ("x", "x\ny" * 85)),
        *(("description", text, "description", text) for text in ("x", "x\ny" * 85)),
        *(("registrySku", each, "registry_sku", each) for each in ("Basic", "Standard", "Premium")),
        *(("logRetentionDays", each, "log_retention_days", int(each)) for each in ("30", "730")),
        ("tags", '{"team": "ml", "a b": ""}', "tags", {"team": "ml", "a b": ""}),
        ("target", "aci", "target", "aci"),
        ("target", "aks", "target", "aks"),
        ("protect", "true", "protect", True),
        ("protect", "false", "protect", False),
    ],
)
def test_a_value_at_its_limit_is_taken_and_nothing_else_is_changed(
    key: str, text: str, attribute: str, value: object
) -> None:
    assert loaded(**{key: text}) == replace(Settings("westeurope"), **{attribute: value})


def test_an_image_of_the_stacks_own_registry_is_taken() -> None:
    image = f"crmnist.azurecr.io/svc@{DIGEST}"
    found = loaded(image=image, modelSha256="b" * 64)
    assert (str(found.image), found.model_sha256) == (image, "b" * 64)


@pytest.mark.usefixtures("run")  # which brings an event loop
@pytest.mark.parametrize("key", ["k" * 16, "k" * 256])
def test_two_keys_are_secrets_and_apart(key: str) -> None:
    both = ("scoringKey", "scoringKeySecondary")
    found = loaded(both, scoringKey=key, scoringKeySecondary=key)
    assert isinstance(found.scoring_key, pulumi.Output)
    assert isinstance(found.scoring_key_secondary, pulumi.Output)
    alone = loaded(both, scoringKey=key)
    assert alone.scoring_key is not None
    assert alone.scoring_key_secondary is None
    for wrong in ("k" * 15, "k" * 257, "k" * 8 + " " + "k" * 8, "k" * 16 + "\n"):
        with pytest.raises(SettingError, match=r"scoringKey is \[secret\]; allowed: a secret"):
            loaded(both, scoringKey=wrong)


def test_a_value_that_is_too_long_is_cut_so_that_what_is_allowed_is_seen() -> None:
    with pytest.raises(SettingError) as raised:
        loaded(data="x" * 300)
    shown = f"'{'x' * 79} ... {'x' * 19}' (300 characters)"
    assert f"{PROJECT}:data is {shown}; allowed: 1 to 256 characters; set it" in str(raised.value)
    with pytest.raises(SettingError) as raised:
        loaded(dnsLabel="-" + "x" * 117)
    assert f"dnsLabel is '-{'x' * 117}'; allowed" in str(raised.value)


def test_what_is_set_and_means_nothing_says_how_to_remove_it() -> None:
    with pytest.raises(SettingError) as raised:
        loaded(minReplicas="3")
    (problem,) = raised.value.problems
    assert problem == Problem(
        f"{PROJECT}:minReplicas",
        "is of the target aks, and the target is aci",
        "nothing",
        "remove it with: pulumi config rm minReplicas",
    )


def test_a_missing_location_says_how_to_set_it(run: Run) -> None:
    with pytest.raises(SettingError, match=r"azure-native:location is not set.*westeurope"):
        run(location=None)


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [("memoryGB", "memoryGb"), ("modelSha", "modelSha256"), ("Image", "image"), ("tag", "tags")],
)
def test_a_mistyped_key_is_refused_and_the_right_one_is_named(
    run: Run, mistyped: str, meant: str
) -> None:
    with pytest.raises(SettingError) as raised:
        run({mistyped: "2"})
    message = str(raised.value)
    assert f"sklearn-mnist-svc:{mistyped} is unknown; allowed: the keys prefix, image" in message
    assert f"did you mean {meant}? remove it with: pulumi config rm {mistyped}" in message


@pytest.mark.parametrize("key", ["zzz", "z:z"])
def test_a_key_like_no_other_is_refused_without_a_guess(run: Run, key: str) -> None:
    with pytest.raises(SettingError, match=f"{key} is unknown") as raised:
        run({key: "2"})
    assert "did you mean" not in str(raised.value)


def test_every_wrong_setting_is_named_at_once(run: Run) -> None:
    config = {
        "memoryGB": "2",
        "image": f"elsewhere.azurecr.io/svc@{DIGEST}",
        "cpu": "99",
        "tags": {"azure-x": "1", "cost": 4711},
        "scoringKey": KEY,
        "protect": "maybe",
    }
    with pytest.raises(SettingError) as raised:
        run(config, location="West Europe")
    first, *lines = str(raised.value).splitlines()
    assert first == "9 settings are wrong:"
    keys = [line.split()[1] for line in lines]
    project = "sklearn-mnist-svc"
    assert sorted(keys) == sorted(
        [
            "azure-native:location",
            f"{project}:memoryGB",
            f"{project}:image",
            f"{project}:cpu",
            f"{project}:tags",
            f"{project}:tags",
            f"{project}:scoringKey",
            f"{project}:protect",
            f"{project}:modelSha256",
        ]
    )
    assert KEY not in str(raised.value)


def test_one_wrong_setting_is_one_line(run: Run) -> None:
    with pytest.raises(SettingError) as raised:
        run({"cpu": "99"})
    assert str(raised.value) == (
        "configuration sklearn-mnist-svc:cpu is '99'; allowed: 1 to 4 cores; "
        "set it with: pulumi config set cpu VALUE"
    )


def test_a_wrong_prefix_is_not_blamed_on_the_image_too(run: Run) -> None:
    with pytest.raises(SettingError) as raised:
        run({**SERVICE, "prefix": "Mnist"})
    assert [each.key for each in raised.value.problems] == ["sklearn-mnist-svc:prefix"]


def test_an_image_without_its_models_sha256_is_refused(run: Run) -> None:
    with pytest.raises(SettingError, match="modelSha256 is not set"):
        run({"image": IMAGE})


def test_a_key_in_plain_text_is_refused_without_showing_it(run: Run) -> None:
    with pytest.raises(SettingError, match=r"scoringKey is not a secret; .* --secret") as raised:
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


@pytest.mark.parametrize(
    "server",
    [
        "elsewhere.azurecr.io",
        f"{REGISTRY}.azurecr.example",
        f"{REGISTRY}.example",
        f"x.{REGISTRY}.azurecr.io",
        "ghcr.io",
        "localhost",
    ],
)
def test_an_image_of_another_registry_is_refused_before_anything_is_touched(
    run: Run, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    registered: list[object] = []
    monkeypatch.setattr(pulumi.CustomResource, "__init__", lambda *a, **k: registered.append(a))
    with pytest.raises(SettingError, match=rf"{REGISTRY}\.azurecr\.io; push it there first"):
        run({**SERVICE, "image": f"{server}/svc@{DIGEST}"})
    assert registered == []


def test_another_prefix_is_another_registry_for_the_image_too(run: Run) -> None:
    with pytest.raises(SettingError, match="an image of the stack's own registry, crother"):
        run({**SERVICE, "prefix": "other"})


@pytest.mark.parametrize("domain", ["azurecr.io", "azurecr.cn", "azurecr.us", "AZURECR.io"])
def test_the_registry_of_any_azure_cloud_may_hold_the_image(run: Run, domain: str) -> None:
    server = f"{REGISTRY}.{domain}"
    recorded = run({**SERVICE, "image": f"{server}/svc@{DIGEST}"}, login_server=server)
    assert recorded.container["image"] == f"{server}/svc@{DIGEST}"


def test_a_host_with_a_port_is_held_against_what_the_resource_manager_answers(run: Run) -> None:
    config = {**SERVICE, "image": f"127.0.0.1:5000/svc@{DIGEST}"}
    assert run(config, login_server="127.0.0.1:5000").outputs["image"] == config["image"]
    with pytest.raises(SettingError, match=r"own registry, 127\.0\.0\.1:6000") as raised:
        run(config, login_server="127.0.0.1:6000")
    assert f"configuration image is '127.0.0.1:5000/svc@{DIGEST}'; " in str(raised.value)
