"""The question that only this project can ask: does the endpoint serve the declared model?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from infra.disclosure import allow_list
from infra.disclosure.mask import HIDDEN, Mask
from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.sample import Sample

PATIENCE = 30.0
"""Seconds that an endpoint may take to answer: a container that just restarted is no drift."""

_LARGEST = 1_000_000
"""Bytes of an answer that are read."""

_TIMEOUT = 10.0
_PAUSE = 0.5


@dataclass(frozen=True)
class Declared:
    """What the stack says about its endpoint.

    Attributes:
        address: The base URL, such as `http://HOST:5001`, of the group as it is.
        sha256: The SHA-256 of the declared model.
        key: The Bearer key, or empty.
    """

    address: str
    sha256: str
    key: str = ""

    def __repr__(self) -> str:
        return f"Declared({self.address!r}, {self.sha256!r})"


@dataclass(frozen=True)
class _Answer:
    status: int
    content: Any


def check(
    declared: Declared,
    sample: Sample,
    mask: Mask,
    patience: float = PATIENCE,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Finding]:
    """Yield what the endpoint does not do as declared.

    Args:
        declared: Where it is and what it should serve.
        sample: What it is asked, with the right answers.
        mask: Finds secrets in what it answers.
        patience: Seconds to wait until it answers and is ready.
        pause: Waits for some seconds.

    Raises:
        DriftError: It cannot be reached.
    """
    # Proxies of the environment are for the way out; this asks the container itself.
    with httpx.Client(timeout=_TIMEOUT, trust_env=False) as client:
        ready = _patiently(client, f"{declared.address}/ready", patience, pause)
        if ready.status != 200:
            yield finding("ready", "HTTP 200", f"HTTP {ready.status}", Severity.CRITICAL)
            return
        served = _served(ready.content)
        if served != declared.sha256:
            yield finding(
                "model.sha256",
                declared.sha256,
                _shown(served, mask),
                Severity.CRITICAL,
                "another model answers",
            )
        yield from _score(client, declared, sample)


def _score(client: httpx.Client, declared: Declared, sample: Sample) -> Iterator[Finding]:
    headers = {"Authorization": f"Bearer {declared.key}"} if declared.key else {}
    answer = _ask(client, "POST", f"{declared.address}/score", {"data": sample.scaled}, headers)
    if answer.status == 401:
        yield finding(
            "key",
            "[secret]" if declared.key else "none is asked for",
            "refused" if declared.key else "one is asked for",
            Severity.CRITICAL,
            "clients are turned away",
        )
        return
    if answer.status != 200:
        yield finding("score", "HTTP 200", f"HTTP {answer.status}", Severity.CRITICAL)
        return
    count = len(sample.answers)
    given = answer.content if isinstance(answer.content, list) else []
    right = sum(one == other for one, other in zip(given, sample.answers, strict=False))
    if right != count or len(given) != count:
        yield finding(
            "answers",
            f"{count} of {count} right",
            f"{right} of {count} right",
            Severity.CRITICAL,
            "predictions are wrong",
        )


def _patiently(
    client: httpx.Client, url: str, patience: float, pause: Callable[[float], None]
) -> _Answer:
    """The first 200, or what came last when the patience is at its end."""
    deadline = time.monotonic() + patience
    while True:
        try:
            answer = _ask(client, "GET", url)
            if answer.status == 200 or time.monotonic() >= deadline:
                return answer
        except DriftError:
            if time.monotonic() >= deadline:
                raise
        pause(_PAUSE)


def _ask(
    client: httpx.Client,
    method: str,
    url: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> _Answer:
    try:
        with client.stream(method, url, json=body, headers=headers) as answer:
            content = bytearray()
            for part in answer.iter_bytes():
                content += part
                if len(content) > _LARGEST:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise DriftError(f"the endpoint {url} was not reached: {why}") from error
    return _Answer(answer.status_code, _json(bytes(content)))


def _json(content: bytes) -> Any:
    try:
        return httpx.Response(200, content=content).json()
    except (ValueError, RecursionError):
        return None


def _served(content: Any) -> str:
    model = content.get("model") if isinstance(content, dict) else None
    found = model.get("sha256") if isinstance(model, dict) else None
    return found if isinstance(found, str) else "(none)"


def _shown(text: str, mask: Mask) -> str:
    return text if text == "(none)" or allow_list.DIGEST(text, mask) else HIDDEN


def finding(path: str, declared: str, actual: str, severity: Severity, reason: str = "") -> Finding:
    """What is not as declared about the endpoint; `path` is one of its own names."""
    return Finding(
        question=Question.ENDPOINT,
        resource="endpoint",
        type="",
        path=path,
        label="",
        declared=declared,
        actual=actual,
        kind=Kind.CHANGED,
        severity=severity,
        reason=reason,
    )
