"""The question that only this project can ask: does the endpoint serve the declared model?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

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

_REFUSED = frozenset({400, 413, 415, 422})
"""What a service answers to rows that are not its model's."""

MOST_FEATURES = 100_000
"""Values in a row that are asked for, whatever the endpoint says."""

_TIMEOUT = 10.0
_PAUSE = 0.5


class UnreachedError(DriftError):
    """Nobody answers there."""


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
    key: str = field(default="", repr=False)


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
    note: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """Yield what the endpoint does not do as declared.

    A sample that names no model, or this one, is asked with its answers. Of another model only the
    shape is known, from the endpoint itself: it is asked for some answer.

    Args:
        declared: Where it is and what it should serve.
        sample: What it is asked, with the right answers.
        mask: Finds secrets in what it answers.
        patience: Seconds to wait until it answers and is ready.
        pause: Waits for some seconds.
        note: Told what could not be asked.

    Raises:
        UnreachedError: It cannot be reached.
        DriftError: The sample does not fit the model.
    """
    # Proxies of the environment are for the way out; this asks the container itself.
    with httpx.Client(timeout=_TIMEOUT, trust_env=False) as client:
        ready = _patiently(client, f"{declared.address}/ready", patience, pause)
        if ready.status != 200:
            yield finding("ready", "HTTP 200", f"HTTP {ready.status}", Severity.CRITICAL)
            return
        served = _of_model(ready.content, "sha256")
        if served != declared.sha256:
            shown = served if allow_list.DIGEST(served, mask) else HIDDEN
            yield finding(
                "model.sha256",
                declared.sha256,
                shown if served else "(none)",
                Severity.CRITICAL,
                "another model answers",
            )
        name = _of_model(ready.content, "name")
        described = _describe(client, declared, name)
        if described.status == 401:
            yield _refused(declared)
            return
        features = _features(described.content)
        if sample.model in ("", name):
            sample.check(features)
            yield from _score(client, declared, sample.scaled, sample.answers)
        elif features is None:
            note(f"its predictions were not asked for: {sample.other}")
        else:
            note(f"its predictions were not compared: {sample.other}")
            yield from _score(client, declared, [[0.0] * features])


def answers(address: str) -> bool:
    """Whether anybody answers at an address now, whatever the answer."""
    with httpx.Client(timeout=_TIMEOUT, trust_env=False) as client:
        try:
            _ask(client, "GET", f"{address}/")
        except UnreachedError:
            return False
    return True


def _describe(client: httpx.Client, declared: Declared, name: str) -> _Answer:
    """How the endpoint describes its model; nothing where the model has no name."""
    if not name:
        return _Answer(404, None)
    url = f"{declared.address}/v2/models/{quote(name, safe='')}"
    return _ask(client, "GET", url, headers=_headers(declared))


def _features(description: Any) -> int | None:
    """How many values a row has; None if that is not said."""
    try:
        (one,) = description["inputs"]
        _, count = one["shape"]
    except (LookupError, TypeError, ValueError):
        return None
    return count if type(count) is int and 0 < count <= MOST_FEATURES else None


def _headers(declared: Declared) -> dict[str, str]:
    return {"Authorization": f"Bearer {declared.key}"} if declared.key else {}


def _score(
    client: httpx.Client,
    declared: Declared,
    rows: list[list[float]],
    answers: Sequence[object] | None = None,
) -> Iterator[Finding]:
    """Ask for predictions; without the right answers any is right, one a row."""
    url = f"{declared.address}/score"
    answer = _ask(client, "POST", url, {"data": rows}, _headers(declared))
    if answer.status == 401:
        yield _refused(declared)
        return
    if answer.status in _REFUSED:
        raise DriftError(
            f"the endpoint refused the sample with HTTP {answer.status}; name one that fits its"
            " model: --sample FILE"
        )
    if answer.status != 200:
        yield finding("score", "HTTP 200", f"HTTP {answer.status}", Severity.CRITICAL)
        return
    count = len(rows)
    given = answer.content if isinstance(answer.content, list) else []
    wanted = given if answers is None else answers
    right = sum(one == other for one, other in zip(given, wanted, strict=False))
    if right != count or len(given) != count:
        yield finding(
            "answers",
            f"{count} of {count} right",
            f"{right} of {count} right",
            Severity.CRITICAL,
            "predictions are wrong",
        )


def _refused(declared: Declared) -> Finding:
    return finding(
        "key",
        "[secret]" if declared.key else "none is asked for",
        "refused" if declared.key else "one is asked for",
        Severity.CRITICAL,
        "clients are turned away",
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
        except UnreachedError:
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
        raise UnreachedError(f"the endpoint {url} was not reached: {why}") from error
    return _Answer(answer.status_code, _json(bytes(content)))


def _json(content: bytes) -> Any:
    try:
        return httpx.Response(200, content=content).json()
    except (ValueError, RecursionError):
        return None


def _of_model(content: Any, member: str) -> str:
    model = content.get("model") if isinstance(content, dict) else None
    found = model.get(member) if isinstance(model, dict) else None
    return found if isinstance(found, str) else ""


def finding(path: str, declared: str, actual: str, severity: Severity, reason: str = "") -> Finding:
    """What is not as declared about the endpoint; `path` is one of its own names."""
    return Finding(
        question=Question.ENDPOINT,
        resource="endpoint",
        type="",
        path=path,
        declared=declared,
        actual=actual,
        kind=Kind.CHANGED,
        severity=severity,
        reason=reason,
    )
