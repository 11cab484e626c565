"""The one reader of manifests: what it takes, and that all else is one line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import ModelError
from scoring.manifest import MANIFEST, Manifest, verified_bytes

LEAST: dict[str, Any] = {
    "name": "own",
    "version": "1",
    "file": "model.pkl",
    "sha256": "a" * 64,
    "input": {"features": 4},
}


def parsed(**changes: Any) -> Manifest:
    return Manifest.parse(json.dumps({**LEAST, **changes}).encode())


def reason(text: bytes) -> str:
    with pytest.raises(ModelError) as refused:
        Manifest.parse(text)
    return str(refused.value)


def test_the_least_manifest_is_enough():
    found = parsed()
    assert (found.name, found.version, found.features) == ("own", "1", 4)
    assert (found.classes, found.accuracy, found.image, found.framework) == ((), None, None, {})


@pytest.mark.parametrize(
    ("changes", "attribute", "value"),
    [
        ({"version": 7}, "version", "7"),
        ({"sha256": "A" * 64}, "sha256", "a" * 64),
        ({"classes": [False, True]}, "classes", (False, True)),
        ({"classes": [0.5, 1.5]}, "classes", (0.5, 1.5)),
        ({"classes": None}, "classes", ()),
        ({"metrics": None}, "accuracy", None),
        ({"metrics": {"accuracy": 1}}, "accuracy", 1.0),
        ({"input": {"features": 4, "image": [2, 2]}}, "image", (2, 2)),
        ({"of somebody else": [1]}, "features", 4),
    ],
)
def test_what_tools_write_is_read(changes, attribute, value):
    assert getattr(parsed(**changes), attribute) == value


def test_a_byte_order_mark_is_no_error():
    assert Manifest.parse(b"\xef\xbb\xbf" + json.dumps(LEAST).encode()).name == "own"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": 'a"\nRUN rm -rf /'}, "letters, digits"),
        ({"name": "a b"}, "letters, digits"),
        ({"name": ""}, "is not a text"),
        ({"version": "1\nUSER root"}, "version"),
        ({"version": True}, "version"),
        ({"version": 1.5}, "version"),
        ({"file": "../model.pkl"}, "plain file name"),
        ({"file": "/etc/passwd"}, "plain file name"),
        ({"sha256": "b" * 63}, "64 hexadecimal digits"),
        ({"input": {"features": 0}}, "positive integer"),
        ({"input": {"features": True}}, "positive integer"),
        ({"input": [4]}, "not an object"),
        ({"input": {}}, "input.features"),
        ({"input": {"features": 4, "image": [3, 2]}}, "height and width"),
        ({"classes": "01"}, "not a list"),
        ({"classes": [[0], [1]]}, "no text, number"),
        ({"classes": [0, 0]}, "twice"),
        ({"metrics": {"accuracy": 1.01}}, "from 0 to 1"),
        ({"metrics": {"accuracy": "0.9"}}, "from 0 to 1"),
        ({"metrics": {"confusion_matrix": [[1, 2]]}}, "square"),
        ({"framework": {"scikit-learn": 1}}, "line of text"),
        ({"framework": {"scikit-learn": "1\nRUN x"}}, "line of text"),
        ({"estimator": "Tree\x1b[2J"}, "line of text"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(changes, words):
    said = reason(json.dumps({**LEAST, **changes}).encode())
    assert words in said
    assert said.isprintable()


@pytest.mark.parametrize("key", LEAST)
def test_a_key_that_is_missing_is_named(key):
    left = {name: value for name, value in LEAST.items() if name != key}
    assert f"'{key}'" in reason(json.dumps(left).encode())


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[" * 100_000, b"\xff\xfe{\x00", b"[1]", b"null", b'{"a": NaN}', b"1e999"]
)
def test_what_is_no_manifest_at_all_is_one_line(text):
    assert reason(text).isprintable()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*LEAST, "classes", "metrics", "features", "accuracy"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_a_manifest_of_any_shape_gives_a_manifest_or_one_line(value):
    for content in (value, {**LEAST, **(value if isinstance(value, dict) else {})}):
        said = ""
        try:
            Manifest.parse(json.dumps(content).encode())
        except ModelError as error:
            said = str(error)
        assert said.isprintable()


@pytest.mark.parametrize("name", [MANIFEST, "model.pkl"])
def test_a_pipe_is_waited_for_neither_as_manifest_nor_as_pickle(tmp_path: Path, name):
    os.mkfifo(tmp_path / name)
    if name != MANIFEST:
        (tmp_path / MANIFEST).write_text(json.dumps(LEAST))
    with pytest.raises(ModelError, match="no regular file"):
        verified_bytes(tmp_path, Manifest.read(tmp_path))


def test_a_directory_without_a_manifest_says_so(tmp_path: Path):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ModelError, match="holds no manifest"):
            Manifest.read(folder)
