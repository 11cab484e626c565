"""What was changed is said before what follows from it, equal changes once, and not without end."""

from __future__ import annotations

from typing import Any

import pytest

from infra.azure_facts import GATEWAY, ROUTE, SERVICE
from infra.disclosure.display import LATER, NOTHING
from infra.preview.plan import Op
from infra.review.azure import Endpoint
from infra.review.causes import causes, groups
from infra.review.key_change import KeyChange
from infra.review.manifests import Manifest
from infra.review.model import ModelChange, Side
from infra.review.resource_change import ResourceChange, Row

GROUP = "containerinstance:ContainerGroup"
NUMBERS = ("one", "two", "three")


def row(path: str, before: str = "a", after: str = "b", label: str = "", **more: Any) -> Row:
    return Row(path, label, before, after, **more)


def change(name: str, *rows: Row, op: Op = Op.UPDATE, kind: str = "t", **more: Any) -> Any:
    known: dict[str, Any] = {"lost": "", "vanished": False, "digest": "", **more}
    return ResourceChange(name, kind, op, op, False, Endpoint.UNTOUCHED, (), rows, **known)


def told(*changes: ResourceChange, models: Any = (), key: Any = KeyChange.NONE) -> list[str]:
    return list(causes(changes, models, key))


@pytest.mark.parametrize("op", [Op.UPDATE, Op.REPLACE])
def test_what_forces_comes_first_then_what_most_have_in_common(op: Op) -> None:
    changes = [
        change("one", row("z"), row("common"), row("a"), op=op),
        change("two", row("common"), row("forcing", forces=True), op=op),
        change("three", row("a", "a", "c"), row("forcing"), op=op),
        change("new", row("common"), op=Op.CREATE),
    ]
    assert [(one.path, one.after, names) for one, names in groups(changes)] == [
        ("forcing", "b", ["two", "three"]),
        ("common", "b", ["one", "two"]),
        ("a", "b", ["one"]),
        ("a", "c", ["three"]),
        ("z", "b", ["one"]),
    ]


def test_a_change_forces_where_it_forces_on_any_resource() -> None:
    for forcing in ("one", "two", "three"):
        changes = [change(name, row("x", forces=name == forcing)) for name in NUMBERS]
        ((found, names),) = groups(changes)
        assert (found.forces, names) == (True, [*NUMBERS])


def test_changes_are_equal_by_place_label_and_both_values() -> None:
    rows = [row("x"), row("x", label="l"), row("x", "0"), row("x", "a", "0"), row("y")]
    assert len(groups([change("one", *rows), change("two", *rows)])) == 5


@pytest.mark.parametrize(
    ("count", "more"), [(3, []), (4, ["1 more property"]), (5, ["2 more properties"])]
)
def test_three_changes_are_told_and_the_rest_is_counted(count: int, more: list[str]) -> None:
    rows = [row(f"p{number}") for number in range(count)]
    shown = [f"`p{number}` `a` -> `b` on `s`" for number in range(3)]
    assert told(change("s", *rows)) == [*shown, *more]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (row("tags.team", NOTHING, "blue"), "`tags.team` `(none)` -> `blue` on `s`"),
        (
            row("x.env[3].value", "1", "2", "DEBUG"),
            "`x.env[3].value` of `DEBUG` `1` -> `2` on `s`",
        ),
        (row("x.env[3].name", "1", "2", "DEBUG"), "`x.env[3].name` `1` -> `2` on `s`"),
        (
            row("pin", "[hidden]", "[hidden]"),
            "`pin` changes, in a way that is not shown, on `s`",
        ),
    ],
)
def test_a_change_is_told_with_where_it_is(one: Row, said: str) -> None:
    assert told(change("s", one)) == [said]
    assert told(change("s", one), change("t", one)) == [said.replace("`s`", "2 resources")]


POD = "spec.template.spec.containers[0]"
FOLLOWS = [
    "containers[0].ports[0].port",
    "containers[0].livenessProbe.httpGet.port",
    "containers[1].readinessProbe.httpGet.port",
    "containers[0].livenessProbe.httpGet.scheme",
    "containers[0].image",
    "tags.modelSha256",
    "tags.modelVersion",
    f"{POD}.image",
    f"{POD}.ports[0].containerPort",
    "spec.template.metadata.annotations.modelSha256",
    "spec.template.metadata.annotations.modelVersion",
    "spec.ingress[0].ports[0].port",
    "spec.rules[0].backendRefs[0].port",
    "spec.hostnames[0]",
    f"{POD}.env[4].valueFrom.secretKeyRef.name",
]


@pytest.mark.parametrize("path", FOLLOWS)
def test_what_follows_from_a_model_a_port_or_a_key_is_no_cause(path: str) -> None:
    assert told(change("s", row(path))) == []
    assert len(told(change("s", row(f"{path}.more")))) == 1
    assert len(told(change("s", row(f"more.{path}")))) == 1


@pytest.mark.parametrize(
    "one",
    [
        row("x.value", label="MODEL_SHA256"),
        row("x.value", label="SCORING_PORT"),
        row("x.value", label="SCORING_HOST"),
        row("x.secureValue", label="SCORING_KEY"),
        row("principalId", "a", LATER),
    ],
)
def test_what_is_told_elsewhere_or_only_known_later_is_no_cause(one: Row) -> None:
    assert told(change("s", one)) == []
    assert told(change("s", one, row("cpu"))) == ["`cpu` `a` -> `b` on `s`"]


@pytest.mark.parametrize(
    "name",
    [
        *("resourceGroupName", "accountName", "vaultName", "workspaceName", "registryName"),
        *("resourceName", "containerGroupName", "friendlyName", "roleAssignmentName"),
    ],
)
def test_another_name_is_told_as_one(name: str) -> None:
    assert told(change("s", row(name))) == ["names of 1 resource, such as `a` -> `b`"]


def test_other_names_are_one_cause_and_the_groups_name_stands_for_them() -> None:
    group = row("resourceGroupName", "rg-1", "rg-2")
    changes = [
        change("s", row("accountName", "s1", "s2", forces=True), group, row("cpu")),
        change("v", row("vaultName", "v1", "v2"), group),
    ]
    assert told(*changes) == [
        "names of 2 resources, such as `rg-1` -> `rg-2`",
        "`cpu` `a` -> `b` on `s`",
    ]


DNS = 'metadata.annotations["service.beta.kubernetes.io/azure-dns-label-name"]'


@pytest.mark.parametrize(
    ("kind", "path", "word"),
    [
        (GROUP, "ipAddress.dnsNameLabel", "host name"),
        (GROUP, "ipAddress.autoGeneratedDomainNameLabelScope", "host name's scope"),
        (GROUP, "ipAddress.ports[0].port", "port"),
        (GROUP, "containers[0].readinessProbe.httpGet.scheme", "scheme"),
        (SERVICE, DNS, "host name"),
        (SERVICE, "spec.ports[0].port", "port"),
        (SERVICE, "spec.type", "way in"),
        (GATEWAY, "spec.listeners[0].hostname", "host name"),
    ],
)
@pytest.mark.parametrize("op", [Op.UPDATE, Op.REPLACE])
def test_what_faces_callers_says_which_part_of_the_url_changes(
    kind: str, path: str, word: str, op: Op
) -> None:
    found = told(change("s", row("tags.team"), row(path), kind=kind, op=op))
    assert found[0] == f"**the URL changes**: {word} `a` -> `b`"
    both = change("s", row(path), row(path, "c", "d"), kind=kind, op=op)
    assert told(both)[0] == f"**the URL changes**: {word} `a` -> `b`, {word} `c` -> `d`"
    assert told(change("s", row(path), kind=ROUTE, op=op))[:1] != found[:1]
    assert told(change("s", row(path), kind=kind, op=Op.CREATE)) == ["newly declared: `s`"]


def test_what_comes_goes_and_vanished_is_named_up_to_three() -> None:
    changes = [
        *(change(f"d{number}", op=Op.DELETE) for number in range(3)),
        *(change(f"v{number}", op=Op.CREATE, vanished=True) for number in range(4)),
        *(change(f"n{number}", op=Op.CREATE) for number in range(5)),
    ]
    assert told(*changes) == [
        "gone from the cloud and made again: `v0`, `v1`, `v2` and 1 more",
        "no longer declared: `d0`, `d1`, `d2`",
        "newly declared: `n0`, `n1`, `n2` and 2 more",
    ]


def test_a_protection_that_is_removed_is_told_before_what_else_changes() -> None:
    found = causes([change("s", row("cpu"))], [], KeyChange.SET, ["store", "vault"])
    assert list(found) == [
        "a key is set: callers without it are refused",
        "**protection is removed** from `store`, `vault`: they can be deleted then",
        "`cpu` `a` -> `b` on `s`",
    ]


def side(sha256: str | None, version: str | None = None, **more: Any) -> Side:
    known: dict[str, Any] = {"images": ("cr.example/svc",), "url": "", "target": "aci", **more}
    return Side(sha256=sha256, version=version, manifest=None, **known)


def measured(sha256: str, accuracy: float | None, name: str = "digits") -> Side:
    known = Manifest(name, "1", sha256, accuracy, 10, {}, (), (), "")
    return Side((f"cr.example/{sha256}",), sha256, f"v-{sha256}", known, "", "aci")


def model(old: Side | None, new: Side | None, group: str = "svc") -> ModelChange:
    return ModelChange(group, old, new, (), "")


LONG = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (side("a"), None, "no image is configured any more: the service is removed"),
        (None, side("a", "3"), "first deployment of model `3`"),
        (None, side(LONG), "first deployment of model `0123456789ab`"),
        (None, side(None), "first deployment of model `(none)`"),
        (None, measured("a", 0.5), "first deployment of `digits` `v-a`, accuracy 0.5000"),
        (None, measured("a", None), "first deployment of `digits` `v-a`"),
        (None, measured("a", 0.5, ""), "first deployment of model `v-a`, accuracy 0.5000"),
        (side("a"), side("a", images=("x",)), "another image with the same model"),
        (
            side(LONG),
            side(None),
            "**another SHA-256 for the same image**, `0123456789ab` -> `(none)`: "
            "the container starts only if its model has it",
        ),
        (
            measured("a", 0.95),
            measured("b", 0.9412),
            "another model: `digits` `v-a` -> `digits` `v-b`, accuracy -0.0088",
        ),
        (
            measured("a", 0.0),
            measured("b", 0.25),
            "another model: `digits` `v-a` -> `digits` `v-b`, accuracy +0.2500",
        ),
        (
            measured("a", None),
            measured("b", 0.25),
            "another model: `digits` `v-a` -> `digits` `v-b`, accuracy not known",
        ),
        (
            measured("a", 0.25),
            side("b", "2", images=("x",)),
            "another model: `digits` `v-a` -> model `2`, accuracy not known",
        ),
        (
            side("a", target="aci"),
            side("a", target="aks"),
            "**the service moves from `aci` to `aks`**",
        ),
        (
            side("a", "1", target="aks"),
            side("b", "2", target="aci"),
            "**the service moves from `aks` to `aci`**, with another model: "
            "model `1` -> model `2`, accuracy not known",
        ),
    ],
)
def test_what_happens_to_the_model_is_the_first_cause(
    old: Side | None, new: Side | None, said: str
) -> None:
    found = told(change("s", row("cpu")), models=[model(old, new)], key=KeyChange.CHANGED)
    assert found[0] == said
    assert found[1:] == [
        "the key is changed: callers need the new one",
        "`cpu` `a` -> `b` on `s`",
    ]


def test_a_service_that_the_model_tells_of_is_not_told_again() -> None:
    removed, first = model(side("a"), None, "old"), model(None, side("b", "1"), "new")
    changes = [change("old", op=Op.DELETE), change("new", op=Op.CREATE), change("x", op=Op.DELETE)]
    assert told(*changes, models=[removed, first]) == [
        "no image is configured any more: the service is removed",
        "first deployment of model `1`",
        "no longer declared: `x`",
    ]
    again = change("new", op=Op.CREATE, vanished=True)
    assert told(again, models=[first]) == ["gone from the cloud and made again: `new`"]


def keyed(before: str, after: str) -> ResourceChange:
    return change("svc", row("x.secureValue", before, after, "SCORING_KEY_SECONDARY"))


@pytest.mark.parametrize(
    ("key", "second", "said"),
    [
        (KeyChange.NONE, (NOTHING, "x"), ["a second key is set: it is as good as the first"]),
        (KeyChange.NONE, ("x", NOTHING), ["the second key is removed: callers need the first"]),
        (KeyChange.CHANGED, ("x", "x"), ["the keys are changed: callers need one of the two"]),
        (KeyChange.CHANGED, (NOTHING, "x"), ["the keys are changed: callers need one of the two"]),
        (
            KeyChange.CHANGED,
            ("x", NOTHING),
            [
                "the key is changed: callers need the new one",
                "the second key is removed: callers need the first",
            ],
        ),
        (
            KeyChange.SET,
            (NOTHING, "x"),
            [
                "a key is set: callers without it are refused",
                "a second key is set: it is as good as the first",
            ],
        ),
        (
            KeyChange.REMOVED,
            ("x", NOTHING),
            ["**the key is removed: the endpoint is open to all**"],
        ),
    ],
)
def test_what_callers_have_to_send_is_said_of_both_keys(
    key: KeyChange, second: tuple[str, str], said: list[str]
) -> None:
    assert told(keyed(*second), key=key) == said
