"""The model directory: `manifest.json` beside one pickle, and the pickle's identity.

The one reader of a manifest: serving, building, evaluating and reviewing take it from here, so all
of them accept the same. Only the standard library is needed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scoring.errors import ModelError, message_of

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 64 << 20
"""Bytes: a confusion matrix of some thousand classes."""

# Names go into addresses, labels of images and a Dockerfile: no quotes, spaces or line breaks.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_COMMAND = "python -m model_eval manifest PICKLE --data FILE --name NAME"
_REMEDY = (
    "name a model directory with --model or AZUREML_MODEL_DIR, or write the manifest of a bare"
    f" pickle: {_COMMAND}"
)

Label = int | float | str | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known of a model. Unknown keys are allowed; `content` holds all, as they were read.

    Needed are `name`, `version` (a text, or a whole number), `file`, `sha256` (the pickle's, of
    either case) and `input.features`, the number of values in a row. The rest may be left out:
    `classes` are the labels in the model's order, none for a regressor; `accuracy` is 0 to 1;
    `confusion` has rows of true classes, columns of predicted ones; `data` names what it was
    trained on; `sample` is a row that the model answers, for one that takes no constant rows.
    """

    name: str
    version: str
    file: str
    sha256: str
    features: int
    estimator: str = ""
    description: str = ""
    data: str = ""
    classes: tuple[Label, ...] = ()
    accuracy: float | None = None
    rows: int | None = None
    data_md5: Mapping[str, str] = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()
    framework: Mapping[str, str] = field(default_factory=dict)
    image: tuple[int, int] | None = None
    sample: tuple[float, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Read and check `directory/manifest.json`.

        Raises:
            ModelError: There is none, or it is no manifest; one line.
        """
        path = directory / MANIFEST
        try:
            content = _regular(path, LARGEST_MANIFEST)
        except (FileNotFoundError, NotADirectoryError):
            raise ModelError(f"{directory} holds no {MANIFEST}; {_REMEDY}") from None
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
        try:
            return cls.parse(content)
        except ModelError as error:
            raise ModelError(f"{path} {error}") from None

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Check a manifest's bytes, JSON in UTF-8 with or without a byte order mark.

        Raises:
            ModelError: What is wrong, without the place.
        """
        try:
            content = json.loads(text.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            reason = message_of(error) or type(error).__name__
            raise ModelError(f"cannot be read as JSON: {reason}") from None
        try:
            return cls._from_content(content)
        except _WrongError as error:
            raise ModelError(f"is not a model manifest: {message_of(error)}") from None

    @classmethod
    def _from_content(cls, content: Any) -> Manifest:
        whole = _mapping(content, "the whole")
        taken = _mapping(_needed(whole, "input"), "input")
        metrics = _mapping(whole.get("metrics") or {}, "metrics")
        name = _text(whole, "name")
        if not _NAME.fullmatch(name):
            raise _WrongError(f"name {_short(name)} is not letters, digits, '_', '.' and '-'")
        version = _needed(whole, "version")
        version = str(version) if type(version) is int else version
        if not isinstance(version, str) or not _NAME.fullmatch(version):
            raise _WrongError(f"version {_short(version)} is not letters, digits, '_', '.' and '-'")
        file = _text(whole, "file")
        if not _NAME.fullmatch(file):
            raise _WrongError(f"file {_short(file)} is not a plain file name")
        sha256 = _text(whole, "sha256").lower()
        if not is_sha256(sha256):
            raise _WrongError(f"sha256 {_short(sha256)} is not 64 hexadecimal digits")
        features = _count(_needed(taken, "features", "input."), "input.features")
        return cls(
            name=name,
            version=version,
            file=file,
            sha256=sha256,
            features=features,
            estimator=_optional_text(whole, "estimator"),
            description=_optional_text(whole, "description"),
            data=_optional_text(whole, "data"),
            classes=_classes(whole.get("classes")),
            accuracy=_accuracy(metrics.get("accuracy")),
            rows=None if metrics.get("rows") is None else _count(metrics["rows"], "metrics.rows"),
            data_md5=_texts(metrics.get("data_md5"), "metrics.data_md5"),
            confusion=_matrix(metrics.get("confusion_matrix")),
            framework=_texts(whole.get("framework"), "framework"),
            image=_image(taken.get("image"), features),
            sample=_sample(taken.get("sample"), features),
            content=whole,
        )


class _WrongError(Exception):
    """Why a value is not allowed."""


def _needed(content: Mapping[str, Any], key: str, inside: str = "") -> Any:
    if content.get(key) is None:
        raise _WrongError(f"it lacks the key '{inside}{key}'; {_COMMAND} writes a whole one")
    return content[key]


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _WrongError(f"{key} {_short(value)} is not an object")
    return value


def _text(content: Mapping[str, Any], key: str) -> str:
    value = _needed(content, key)
    if not isinstance(value, str) or not value:
        raise _WrongError(f"{key} {_short(value)} is not a text")
    return value


def _optional_text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key) or ""
    if not isinstance(value, str) or not value.isprintable() or len(value) > 1000:
        raise _WrongError(f"{key} {_short(value)} is not a line of text")
    return value


def _texts(value: Any, key: str) -> dict[str, str]:
    found = _mapping(value or {}, key)
    for name, each in found.items():
        if not isinstance(each, str) or not f"{name}{each}".isprintable():
            raise _WrongError(f"{key}.{_short(name)} {_short(each)} is not a line of text")
    return dict(found)


def _count(value: Any, key: str) -> int:
    if type(value) is not int or not 1 <= value < 1 << 31:
        raise _WrongError(f"{key} {_short(value)} is not a positive integer")
    return value


def _accuracy(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise _WrongError(f"metrics.accuracy {_short(value)} is not a number from 0 to 1")
    return float(value)


def _classes(value: Any) -> tuple[Label, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _WrongError(f"classes {_short(value)} is not a list")
    for each in value:
        if not isinstance(each, int | float | str) or (
            isinstance(each, float) and not math.isfinite(each)
        ):
            raise _WrongError(f"the class {_short(each)} is no text, number, true or false")
    if len(set(value)) != len(value):
        raise _WrongError(f"classes {_short(value)} holds a label twice")
    return tuple(value)


def _matrix(value: Any) -> tuple[tuple[int, ...], ...]:
    if value is None:
        return ()
    if not is_matrix(value):
        raise _WrongError("metrics.confusion_matrix is not a square of counts")
    return tuple(tuple(row) for row in value)


def _image(value: Any, features: int) -> tuple[int, int] | None:
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or len(value) != 2
        or any(type(each) is not int or each < 1 for each in value)
        or value[0] * value[1] != features
    ):
        raise _WrongError(
            f"input.image {_short(value)} is not height and width of {features} values"
        )
    return value[0], value[1]


def _sample(value: Any, features: int) -> tuple[float, ...]:
    if value is None:
        return ()
    if (
        not isinstance(value, list)
        or len(value) != features
        or not all(type(each) in (int, float) and abs(each) < math.inf for each in value)
    ):
        raise _WrongError(f"input.sample {_short(value)} is not a row of {features} numbers")
    try:
        return tuple(float(each) for each in value)
    except OverflowError:
        raise _WrongError(f"input.sample {_short(value)} is too large for numbers") from None


def _short(value: Any) -> str:
    """A value in one short line of ASCII: a manifest's text must not write into a terminal."""
    shown = ascii(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."


def _regular(path: Path, largest: int | None = None) -> bytes:
    """A regular file's bytes; a pipe or a device would be waited for without an end.

    Raises:
        OSError: Not there, not regular, or too long.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "it is no regular file")
        if largest is not None and found.st_size > largest:
            raise OSError(0, f"it has {found.st_size} bytes, at most {largest} are read")
        return file.read()


def is_matrix(value: Any) -> bool:
    """Whether a value is a square of counts."""
    return isinstance(value, list) and all(
        isinstance(row, list)
        and len(row) == len(value)
        and all(type(each) is int and each >= 0 for each in row)
        for row in value
    )


def is_sha256(text: str) -> bool:
    """Whether a text is a SHA-256 in lower-case hex."""
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


_pinned: dict[tuple[Path, str], tuple[Manifest, bytes]] = {}


def pin(directory: Path, declared: str | None = None) -> None:
    """Read a model once for this process and all that it forks: `model_files` answers from it.

    So a directory that is swapped while the service runs never gives two models side by side.

    Raises:
        ModelError: As `verified_bytes` does.
    """
    manifest = Manifest.read(directory)
    content = verified_bytes(directory, manifest, declared)
    _pinned[directory.absolute(), (declared or "").lower()] = manifest, content


def model_files(directory: Path, declared: str | None = None) -> tuple[Manifest, bytes]:
    """The manifest and the checked bytes of the pickle: the pinned ones, or read now.

    Raises:
        ModelError: As `verified_bytes` does.
    """
    found = _pinned.get((directory.absolute(), (declared or "").lower()))
    if found is not None:
        return found
    manifest = Manifest.read(directory)
    return manifest, verified_bytes(directory, manifest, declared)


def verified_bytes(directory: Path, manifest: Manifest, declared: str | None = None) -> bytes:
    """Read the pickle and return its bytes only if they are the declared ones.

    `declared` is what the deployment says (MODEL_SHA256); the manifest's own value must agree. The
    bytes that were hashed are the bytes that are returned, so nothing can change in between.
    """
    wanted = (declared or manifest.sha256).lower()
    path = directory / manifest.file
    try:
        content = _regular(path)
    except OSError as error:
        raise ModelError(f"the model file {path} cannot be read: {error.strerror}") from None
    found = hashlib.sha256(content).hexdigest()
    for source, expected in (("declared", wanted), ("manifest's", manifest.sha256)):
        if found != expected:
            raise ModelError(
                f"the model file {path} is not the {source} one: sha256 {found}, expected"
                f" {expected}; it was not unpickled"
            )
    return content
