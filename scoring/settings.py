"""The service's settings: every environment variable, its range and its default, in one place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from scoring.errors import SettingsError
from scoring.manifest import is_sha256

_KEYS = frozenset({"key", "key_secondary", "key_file", "key_secondary_file"})
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^\s/,?#@]+")
ENTRY_SCRIPT = Path(__file__).with_name("score.py")
SHORTEST_KEY = 16


def _about(variable: str, meaning: str, low: float = 0, high: float = 0) -> dict[str, Any]:
    return {"variable": variable, "meaning": meaning, "low": low, "high": high}


def _setting(
    variable: str, meaning: str, default: Any = MISSING, *, low: float = 0, high: float = 0
) -> Any:
    return field(default=default, metadata=_about(variable, meaning, low, high))


def _secret(variable: str, meaning: str) -> Any:
    return field(default=None, metadata=_about(variable, meaning), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service is told from outside. Sizes are in bytes, times in seconds."""

    model_dir: Path = field(metadata=_about("AZUREML_MODEL_DIR", "the model directory"))
    model_sha256: str | None = _setting(
        "MODEL_SHA256", "the declared SHA-256 of the model file; unset: the manifest's own", None
    )
    script: Path = field(
        default=ENTRY_SCRIPT,
        metadata=_about("SCORING_SCRIPT", "the entry script with init() and run()"),
    )
    description: str | None = _setting(
        "SERVICE_DESCRIPTION",
        "what `/swagger.json` calls the service; unset: the manifest's description",
        None,
    )
    host: str = _setting("SCORING_HOST", "the address to bind", "127.0.0.1")
    port: int = _setting(
        "SCORING_PORT", "the port to bind; 0 takes a free one", 5001, low=0, high=65535
    )
    workers: int | None = _setting(
        "SCORING_WORKERS",
        "processes that answer; unset: one a core that the container may use",
        None,
        low=1,
        high=64,
    )
    key: str | None = _secret("SCORING_KEY", "a Bearer key; unset: none is asked for")
    key_secondary: str | None = _secret(
        "SCORING_KEY_SECONDARY", "a second key, valid at the same time, for rotation"
    )
    key_file: Path | None = field(
        default=None, metadata=_about("SCORING_KEY_FILE", "a file that holds the key")
    )
    key_secondary_file: Path | None = field(
        default=None,
        metadata=_about("SCORING_KEY_SECONDARY_FILE", "a file that holds the second key"),
    )
    max_body_bytes: int = _setting(
        "SCORING_MAX_BODY_BYTES",
        "the largest body, also after gunzip (413)",
        16 << 20,
        low=1024,
        high=1 << 30,
    )
    max_header_bytes: int = _setting(
        "SCORING_MAX_HEADER_BYTES",
        "the longest request head (431)",
        16 << 10,
        low=1024,
        high=1 << 20,
    )
    max_rows: int = _setting(
        "SCORING_MAX_ROWS", "the most rows in a request (413)", 20_000, low=1, high=10_000_000
    )
    max_connections: int = _setting(
        "SCORING_MAX_CONNECTIONS",
        "open connections of a worker (503 beyond)",
        1024,
        low=1,
        high=65_535,
    )
    max_buffered_bytes: int = _setting(
        "SCORING_MAX_BUFFERED_BYTES",
        "unfinished bodies and unread answers of all workers together (503 beyond)",
        128 << 20,
        low=1 << 20,
        high=1 << 36,
    )
    max_queue: int = _setting(
        "SCORING_MAX_QUEUE",
        "requests of a worker that wait for a slow script (429 beyond)",
        32,
        low=1,
        high=10_000,
    )
    read_timeout: float = _setting(
        "SCORING_READ_TIMEOUT", "time for a request to arrive (408)", 30.0, low=0.1, high=3600
    )
    idle_timeout: float = _setting(
        "SCORING_IDLE_TIMEOUT", "time a silent connection is kept", 75.0, low=0.1, high=3600
    )
    score_timeout: float = _setting(
        "SCORING_SCORE_TIMEOUT", "time for a slow script to answer (503)", 60.0, low=0.1, high=3600
    )
    drain_timeout: float = _setting(
        "SCORING_DRAIN_TIMEOUT", "time from SIGTERM to the end at most", 8.0, low=0.1, high=600
    )
    cors_origins: str | None = _setting(
        "SCORING_CORS_ORIGINS",
        "sites whose pages may call it from a browser, with commas, `*` for all; unset: none",
        None,
    )
    log_requests: bool = _setting(
        "SCORING_LOG_REQUESTS", "a line for each answered request; failed ones always have", True
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read every variable; a wrong or missing one is named with its range and the remedy.

        An empty variable counts as unset, but for a key's: who meant to set one must not be served
        without.
        """
        values: dict[str, Any] = {}
        for each in fields(cls):
            text = environment.get(each.metadata["variable"], "")
            if not text and each.name in _KEYS and each.metadata["variable"] in environment:
                raise SettingsError(
                    f"{each.metadata['variable']} is empty; set it to {each.metadata['meaning']},"
                    " or unset it"
                )
            if text:
                values[each.name] = _parse(each, text)
            elif each.default is MISSING:
                variable = each.metadata["variable"]
                raise SettingsError(f"{variable} is not set; set it to {each.metadata['meaning']}")
        settings = cls(**values)
        settings._check()
        return settings

    def keys(self) -> tuple[bytes, ...]:
        """The valid Bearer keys: none, one or two."""
        found = []
        for value, file in (
            (self.key, self.key_file),
            (self.key_secondary, self.key_secondary_file),
        ):
            key = value if file is None else _key_of(file)
            if key is not None:
                found.append(_checked_key(key))
        return tuple(found)

    def _check(self) -> None:
        if self.model_sha256 is not None and not is_sha256(self.model_sha256.lower()):
            raise SettingsError(
                f"MODEL_SHA256 is {self.model_sha256!r}; give 64 hexadecimal digits"
            )
        for origin in filter(None, map(str.strip, (self.cors_origins or "").split(","))):
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(
                    f"SCORING_CORS_ORIGINS has {origin!r}; give sites like https://example.com,"
                    " without a path, with commas, or *"
                )
        for one, other in (
            ("key", "key_file"),
            ("key_secondary", "key_secondary_file"),
        ):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise SettingsError(
                    f"{variable_of(one)} and {variable_of(other)} are both set; keep one of them"
                )
        self.keys()


def _parse(each: Field[Any], text: str) -> Any:
    kind = str(each.type).removesuffix(" | None")
    variable = each.metadata["variable"]
    if kind == "str":
        return text
    if kind == "Path":
        return Path(text)
    if kind == "bool":
        if text.lower() not in ("true", "false", "1", "0"):
            raise SettingsError(f"{variable} is {text!r}; give true or false")
        return text.lower() in ("true", "1")
    low, high = each.metadata["low"], each.metadata["high"]
    try:
        number = int(text) if kind == "int" else float(text)
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        if variable == "SCORING_PORT" and text.startswith("tcp://"):
            raise SettingsError(
                f"{variable} is {text!r}, which Kubernetes sets in every pod beside a Service named"
                " scoring; set enableServiceLinks to false in the pod, or give the variable"
                f" an integer from {low} to {high} there"
            )
        noun = "an integer" if kind == "int" else "a number of seconds"
        raise SettingsError(f"{variable} is {text!r}; give {noun} from {low} to {high}")
    return number


def _key_of(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"the key file {file} cannot be read: {reason}") from None


def _checked_key(key: str) -> bytes:
    """A key as bytes; the message never shows the value."""
    if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            f"a key of {len(key)} characters was given; it needs at least {SHORTEST_KEY} printable"
            " ASCII characters without spaces"
        )
    return key.encode("ascii")


def variable_of(name: str) -> str:
    """The environment variable that sets a field."""
    return next(each.metadata["variable"] for each in fields(Settings) if each.name == name)
