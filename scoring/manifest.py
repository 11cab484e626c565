"""The model directory: `manifest.json` beside one pickle, and the pickle's identity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.errors import ModelError

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What serving and building need of a manifest; other keys are allowed and ignored.

    `sha256` is the pickle's, in hex. `features` is the number of values in a row.
    """

    name: str
    version: str
    file: str
    sha256: str
    estimator: str
    features: int
    classes: tuple[int | float | str, ...]
    accuracy: float | None
    framework: dict[str, str]

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Read and check `directory/manifest.json`."""
        path = directory / MANIFEST
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise ModelError(
                f"{directory} holds no {MANIFEST}; name a model directory with --model"
                " or AZUREML_MODEL_DIR"
            ) from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read as JSON: {error}") from None
        try:
            return cls._from_content(content)
        except KeyError as error:
            raise ModelError(f"{path} lacks the key {error}; train the model again") from None
        except (TypeError, ValueError) as error:
            raise ModelError(f"{path} is not a model manifest: {error}") from None

    @classmethod
    def _from_content(cls, content: Any) -> Manifest:
        file = _text(content, "file")
        if Path(file).name != file:
            raise ValueError(f"file {file!r} is not a plain file name")
        sha256 = _text(content, "sha256").lower()
        if not is_sha256(sha256):
            raise ValueError(f"sha256 {sha256!r} is not 64 hexadecimal digits")
        features = content["input"]["features"]
        if type(features) is not int or features < 1:
            raise ValueError(f"input.features {features!r} is not a positive integer")
        accuracy = content.get("metrics", {}).get("accuracy")
        return cls(
            name=_text(content, "name"),
            version=str(content["version"]),
            file=file,
            sha256=sha256,
            estimator=_text(content, "estimator"),
            features=features,
            classes=tuple(content.get("classes") or ()),
            accuracy=None if accuracy is None else float(accuracy),
            framework={str(key): str(value) for key, value in content["framework"].items()},
        )


def _text(content: Any, key: str) -> str:
    value = content[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} {value!r} is not a text")
    return value


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
        content = path.read_bytes()
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
