"""A scoring endpoint over HTTP: waits while it starts, then asks once."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from model_eval.errors import EndpointError

STARTING = frozenset({429, 502, 503, 504})
"""Answers of a service that is starting or busy: the only ones worth a second try."""

LONGEST_PAUSE_SECONDS = 2.0
SHA256_HEADER = "x-model-sha256"


@dataclass(frozen=True)
class Answer:
    """What the endpoint said: its predictions and the SHA-256 of the model that made them."""

    predictions: list[Any]
    model_sha256: str | None


@dataclass(frozen=True)
class Endpoint:
    """One scoring URI.

    Attributes:
        uri: The full address to POST to, such as `http://host:5001/score`.
        key: The Bearer key, or None.
        wait_seconds: How long a service may take to start.
        clock: Seconds, increasing; a test hands its own.
        pause: Waits for seconds; a test hands its own.
    """

    uri: str
    key: str | None = field(default=None, repr=False)
    wait_seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse what is no HTTP address.

        Raises:
            EndpointError: Not an absolute http or https URI.
        """
        parts = urlsplit(self.uri)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise EndpointError(f"{self.uri!r} is no http or https address of an endpoint")

    def identity(self) -> dict[str, Any]:
        """What `/ready` says of the model, once the service is ready.

        Raises:
            EndpointError: Not ready in time, or no such answer.
        """
        parts = urlsplit(self.uri)
        ready = urlunsplit((parts.scheme, parts.netloc, "/ready", "", ""))
        body = self._parsed(self._send("GET", ready))
        model = body.get("model") if isinstance(body, dict) else None
        if not isinstance(model, dict):
            raise EndpointError(f"{ready} does not name the model it serves: {_short(body)}")
        return model

    def predict(self, rows: list[list[float]]) -> Answer:
        """Send rows in one request, get one prediction each.

        Raises:
            EndpointError: Any answer but 200 with a JSON list of as many predictions.
        """
        response = self._send("POST", self.uri, json.dumps({"data": rows}).encode())
        body = self._parsed(response)
        if isinstance(body, str):
            # Azure ML's own server sends what run() returns, a JSON text, as a JSON string.
            with contextlib.suppress(ValueError):
                body = json.loads(body)
        if not isinstance(body, list) or len(body) != len(rows):
            raise EndpointError(f"{len(rows)} predictions expected, the answer is {_short(body)}")
        return Answer(body, response.headers.get(SHA256_HEADER))

    def _send(self, method: str, url: str, content: bytes | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        end = self.clock() + self.wait_seconds
        delay = 0.05
        with httpx.Client(timeout=httpx.Timeout(30, connect=5), trust_env=False) as client:
            while True:
                try:
                    response = client.request(method, url, content=content, headers=headers)
                    if response.status_code not in STARTING:
                        return response
                    reason = f"status {response.status_code}: {_short(response.text)}"
                except httpx.ConnectError as error:
                    reason = str(error) or "connection refused"
                except httpx.HTTPError as error:
                    raise EndpointError(
                        f"{method} {url} failed: {error or type(error).__name__}"
                    ) from error
                if self.clock() + delay > end:
                    raise EndpointError(
                        f"{method} {url} was not answered within {self.wait_seconds:g} s; "
                        f"the last try: {reason}"
                    )
                self.pause(delay)
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)

    def _parsed(self, response: httpx.Response) -> Any:
        where = f"{response.request.method} {response.request.url}"
        if response.status_code == 401 or response.status_code == 403:
            raise EndpointError(
                f"{where} answered {response.status_code}: "
                + ("the key was refused" if self.key else "it wants a key; name it with --key-env")
            )
        if response.status_code != 200:
            raise EndpointError(f"{where} answered {response.status_code}: {_short(response.text)}")
        try:
            return response.json()
        except ValueError as error:
            raise EndpointError(f"{where} did not answer JSON: {_short(response.text)}") from error


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 300 else text[:300] + "..."
