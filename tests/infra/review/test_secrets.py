"""No secret appears in a report, wherever it was planted."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.disclosure.mask import HIDDEN, Mask
from infra.review.machine_formats import document
from infra.review.rendering import markdown
from infra.review.report import Report

Build = Callable[..., Report]
Make = Callable[..., Any]

PLAIN = "open-sesame-street"  # a secret that looks like a name: only its being known gives it away
GENERATED = [
    "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3A=",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "AKIAIOSFODNN7EXAMPLE",
    "S3cr3t!pass",
    "0d0a5cd5-6ec5-4f4f-9d2b-8a0d7f9a4f67",
]
SENTENCES = [
    "DefaultEndpointsProtocol=https;AccountName=st;AccountKey=abcd1234==;EndpointSuffix=x",
    "Server=tcp:db;Password=hunter2;",
    'the key "password": "hunter2" was refused',
    "https://user:hunter2@host.example/path",
    "https://host.example/blob?sv=2020&sig=hunter2",
    "Authorization: Bearer hunter2hunter2",
    "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
]


def whole(made: Report) -> str:
    return markdown(made) + document(made)


@pytest.mark.parametrize("secret", [*GENERATED, PLAIN])
def test_a_planted_secret_appears_nowhere(
    build: Build, step: Make, outputs: Make, group: Make, group_change: Make, secret: str
) -> None:
    # Names are shown unless they hold a known secret, and so is a well-formed image.
    known = secret == PLAIN
    key = secret if known else "key"
    new = group()
    new["tags"] |= {key: secret, "team": secret, "hint": f"see {secret}"}
    new["location"] = secret
    new["containers"][0]["command"] = ["run", secret]
    new["containers"][0]["environmentVariables"] += [
        {"name": "SERVICE_DESCRIPTION", "value": secret},
        {"name": f"X{key}", "value": secret},
    ]
    if known:
        new["containers"][0]["image"] = f"cr.azurecr.io/{secret}:1"
    made = build(
        group_change(group(), new),
        step("create", f"store-{secret}", new={"accountName": secret, "other": {key: secret}}),
        step("delete", secret, old={"accountName": secret}),
        step("same", f"same-{secret}", old={}, new={}),
        outputs({"fqdn": secret, "x": secret}, {"fqdn": f"{secret}.example", key: secret}),
        {
            "diagnosticEvent": {
                "severity": "error",
                "message": f"error: {secret} is wrong ('{secret}', \"{secret}\", x={secret})",
                "urn": f"urn:pulumi:dev::p::t::{secret}",
            }
        },
        known=[PLAIN],
    )
    assert secret not in whole(made)
    assert len(made.changes) == 3
    assert made.problems


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_secret_in_a_sentence_is_taken_out(sentence: str) -> None:
    shown = Mask().text(sentence)
    assert "hunter2" not in shown
    assert "abcd1234" not in shown
    assert HIDDEN in shown


def test_a_known_secret_is_found_in_its_encodings_too() -> None:
    secret = "correct horse battery"
    mask = Mask.of([secret])
    encoded = base64.b64encode(secret.encode()).decode()
    assert mask.text(f"{secret} {encoded} correct%20horse%20battery") == " ".join([HIDDEN] * 3)


def test_a_plain_value_of_a_variable_that_is_not_listed_is_hidden(
    build: Build, group: Make, group_change: Make
) -> None:
    new = group()
    new["containers"][0]["environmentVariables"].append({"name": "GREETING", "value": "hello"})
    (change,) = build(group_change(group(), new)).changes
    assert [row.after for row in change.rows] == ["GREETING", "[hidden]"]


def test_a_value_that_is_not_on_the_allow_list_is_hidden_however_plain(
    build: Build, step: Make
) -> None:
    made = build(step("create", "s", "random:index:Thing", new={"anything": "plain", "count": 3}))
    assert {row.after for row in made.changes[0].rows} == {"[hidden]"}


def test_what_a_reviewer_needs_is_shown(build: Build, group: Make, group_change: Make) -> None:
    (change,) = build(group_change(None, group(), "create")).changes
    hidden = {row.path for row in change.rows if row.after == "[hidden]"}
    assert hidden == set()
    assert {row.path for row in change.rows if row.after == "[secret]"} == {
        "containers[0].environmentVariables[2].secureValue"
    }


def test_a_tag_whose_name_says_secret_is_hidden(build: Build, step: Make) -> None:
    made = build(step("create", "s", new={"tags": {"db-password": "plain", "team": "blue"}}))
    assert [(row.path, row.after) for row in made.changes[0].rows] == [
        ("tags.db-password", "[hidden]"),
        ("tags.team", "blue"),
    ]


@given(st.binary(min_size=24, max_size=64))
def test_random_bytes_in_base64_or_hexadecimal_are_taken_for_a_secret(content: bytes) -> None:
    if len(set(content)) > 12:
        assert Mask().text(content.hex()) == HIDDEN


@given(st.text(max_size=200), st.text(min_size=4, max_size=30).map(str.strip))
def test_masking_never_fails_and_never_leaves_a_known_secret(text: str, secret: str) -> None:
    shown = Mask.of([secret]).text(f"{text} {secret} {text}")
    if len(secret) >= 4 and secret not in HIDDEN and not secret.startswith("]"):
        assert secret not in shown.replace(HIDDEN, "\0")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["a", "key", "?a", "a=", "://", "-----BEGIN ", "x' "])
def test_masking_a_megabyte_takes_no_more_than_seconds(piece: str) -> None:
    Mask.of([PLAIN]).text(piece * (1_000_000 // len(piece)))
