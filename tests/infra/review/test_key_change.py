"""What happens to the key that callers must send, wherever the service runs."""

from __future__ import annotations

import pytest

from infra.azure_facts import DEPLOYMENT, SECRET
from infra.disclosure.display import HIDDEN, NOTHING, PULUMI_SECRET
from infra.preview.plan import Op
from infra.review.azure import Endpoint
from infra.review.key_change import SECOND, is_of_key, key_change
from infra.review.resource_change import ResourceChange, Row

GROUP = "containerinstance:ContainerGroup"
VALUE = "containers[0].environmentVariables[2].secureValue"
NAME = "spec.template.spec.containers[0].env[2].valueFrom.secretKeyRef.name"
THERE = PULUMI_SECRET


def row(
    before: str = THERE, after: str = THERE, path: str = VALUE, label: str = "SCORING_KEY"
) -> Row:
    return Row(path, label, before, after)


def change(op: Op, *rows: Row, name: str = "svc", kind: str = GROUP) -> ResourceChange:
    return ResourceChange(name, kind, op, op, False, Endpoint.RESTARTS, (), rows, "", False, "")


TAG = row("a", "b", "tags.team", "")
ANOTHER_VARIABLE = row(NOTHING, THERE, label="SCORING_KEY_ROTATION")


@pytest.mark.parametrize("op", [Op.UPDATE, Op.REPLACE])
@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(NOTHING, THERE)], "set"),
        ([row(THERE, NOTHING)], "removed"),
        ([row(THERE, THERE)], "changed"),
        ([row(NOTHING, THERE), row(NOTHING, "SCORING_KEY", "containers[0].x[2].name")], "set"),
        # Of two containers one gets a key and one loses it.
        ([row(NOTHING, THERE), row(THERE, NOTHING)], "changed"),
        ([row(THERE, NOTHING), TAG], "removed"),
        ([row(NOTHING, THERE, "spec.stringData.SCORING_KEY", "")], "set"),
        ([TAG], "none"),
        ([ANOTHER_VARIABLE], "none"),
        ([], "none"),
    ],
)
def test_a_service_that_stays_gets_another_key_keeps_it_or_loses_it(
    op: Op, rows: list[Row], told: str
) -> None:
    changes = [change(op, TAG, name="first"), change(op, *rows)]
    assert key_change(changes) == (told, "" if told == "none" else "svc")


@pytest.mark.parametrize("op", [Op.CREATE, Op.DELETE])
def test_a_service_that_comes_or_goes_alone_changes_no_key(op: Op) -> None:
    assert key_change([change(op, row())]) == ("none", "")


def test_each_of_the_two_keys_is_told_for_itself() -> None:
    changes = [change(Op.UPDATE, row(NOTHING, THERE, label="SCORING_KEY_SECONDARY"))]
    assert key_change(changes) == ("none", "")
    assert key_change(changes, SECOND) == ("set", "svc")
    moved = [change(Op.DELETE), change(Op.CREATE, row(label="SCORING_KEY_SECONDARY"), name="new")]
    assert key_change(moved) == ("none", "")
    assert key_change(moved, SECOND) == ("set", "new")


@pytest.mark.parametrize(
    ("secrets", "told"),
    [
        # A Secret is named after what is in it: another key of it gives it another name, too.
        ([[row(path="data.SCORING_KEY", label="")]], "changed"),
        ([[row(path="data.SCORING_KEY_SECONDARY", label="")]], "none"),
        ([[row(path="data.other", label="")], [row(path="data.SCORING_KEY", label="")]], "changed"),
        # Nothing is told of the Secret: it may be another key.
        ([], "changed"),
    ],
)
def test_pods_that_look_at_another_secret_have_another_key_where_that_of_the_secret_is_another(
    secrets: list[list[Row]], told: str
) -> None:
    pods = change(Op.UPDATE, row("keys-1", "keys-2", NAME), kind=DEPLOYMENT)
    others = [change(Op.REPLACE, *rows, name="keys", kind=SECRET) for rows in secrets]
    assert key_change([*others, pods])[0] == told


def test_pods_that_name_their_key_anew_have_another_one_whatever_the_secrets_say() -> None:
    whole = row("keys-1", "x", NAME.removesuffix(".name"))
    other = change(Op.CREATE, row(path="data.other", label=""), kind=SECRET)
    pods = change(Op.UPDATE, whole, row("a", "b", NAME), kind=DEPLOYMENT)
    assert key_change([other, pods]) == ("changed", "svc")


@pytest.mark.parametrize(
    ("had", "has", "told"),
    [(True, True, "none"), (True, False, "removed"), (False, True, "set"), (False, False, "none")],
)
@pytest.mark.parametrize("kinds", [(GROUP, DEPLOYMENT), (DEPLOYMENT, GROUP)])
def test_a_service_that_moves_takes_its_key_along_or_not(
    had: bool, has: bool, told: str, kinds: tuple[str, str]
) -> None:
    changes = [
        change(op, *([row()] if keyed else [TAG]), name=name, kind=kind)
        for op, keyed, name, kind in (
            (Op.DELETE, had, "old", kinds[0]),
            (Op.CREATE, has, "new", kinds[1]),
        )
    ]
    storage = change(Op.DELETE, row(), name="a-key-vault", kind="keyvault:Vault")
    assert key_change([storage, *changes]) == (told, "" if told == "none" else "new")


def test_which_key_goes_where_is_not_guessed_among_several_services() -> None:
    gone = [change(Op.DELETE, row(), name=name) for name in ("a", "b")]
    come = [change(Op.CREATE, name=name) for name in ("c", "d")]
    assert key_change([*gone, *come[:1]]) == ("none", "")
    assert key_change([*gone[:1], *come]) == ("none", "")
    assert key_change([*gone, *come]) == ("none", "")


@pytest.mark.parametrize(
    ("one", "of_key"),
    [
        (row(), True),
        (row(label="SCORING_KEY_SECONDARY"), True),
        (row(path="data.SCORING_KEY_SECONDARY", label=""), True),
        (row(path="spec.stringData.SCORING_KEY", label=""), True),
        (row(path="tags.SCORING_KEY", label=""), False),
        (row(HIDDEN, HIDDEN, label="SCORING_PORT"), False),
    ],
)
def test_what_is_said_of_a_key_is_told_from_the_rest(one: Row, of_key: bool) -> None:
    assert is_of_key(one) is of_key
