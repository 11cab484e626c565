"""The few calls to GitHub's REST API that reviews and drift checks need."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

API = "https://api.github.com"
ATTEMPTS = 5
"""How often one call is tried."""

LONGEST_WAIT = 120.0
"""Seconds; a rate limit that lasts longer is an error."""


class GitHubError(Exception):
    """GitHub did not do what was asked; the message says why and what to do, in one line."""


class ServerError(GitHubError):
    """GitHub failed or was not reached: whether it did what was asked is not known."""


@dataclass(frozen=True)
class Access:
    """Where and as whom to call.

    Attributes:
        repository: `OWNER/NAME`.
        token: What proves who calls; never shown.
        api: The base URL.
    """

    repository: str
    token: str
    api: str = API

    @classmethod
    def from_environment(cls, repository: str = "") -> Self:
        """Read GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_API_URL, as a workflow sets them.

        Raises:
            GitHubError: One is missing or cannot be used.
        """
        token = os.environ.get("GITHUB_TOKEN", "").strip()
        if not token:
            raise GitHubError("GITHUB_TOKEN is not set; a workflow hands it over as github.token")
        repository = repository or os.environ.get("GITHUB_REPOSITORY", "")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
            raise GitHubError(
                f"the repository is {repository!r}; allowed: OWNER/NAME; "
                "set GITHUB_REPOSITORY or name it with --repository"
            )
        api = os.environ.get("GITHUB_API_URL", "").rstrip("/") or API
        address = urlsplit(api)
        if address.scheme != "https" and address.hostname not in {"127.0.0.1", "localhost"}:
            raise GitHubError(f"GITHUB_API_URL is {api!r}; the token is only sent over https")
        return cls(repository, token, api)

    def __repr__(self) -> str:
        return f"Access({self.repository!r}, api={self.api!r})"


class GitHub:
    """A client for one repository; use it as a context manager.

    Rate limits are waited for, and what can safely be asked again is, after a server error.
    """

    def __init__(self, access: Access, pause: Callable[[float], None] = time.sleep) -> None:
        """A client.

        Args:
            access: Where and as whom.
            pause: Waits for some seconds.
        """
        self._access = access
        self._pause = pause
        self._http = httpx.Client(
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {access.token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            timeout=30.0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call a path below the repository, return the JSON answer.

        A POST is not repeated after a server error, since it may have been done.

        Raises:
            ServerError: GitHub failed or was not reached.
            GitHubError: It refused.
        """
        return self._send(method, self._url(path), body).json()

    def pages(self, path: str) -> Iterator[Any]:
        """Yield every element of a list, page by page.

        Raises:
            GitHubError: As `call` does.
        """
        joint = "&" if "?" in path else "?"
        url: str | None = f"{self._url(path)}{joint}per_page=100"
        while url:
            answer = self._send("GET", url, None)
            yield from answer.json()
            url = answer.links.get("next", {}).get("url")
            if url and urlsplit(url)[:2] != urlsplit(self._access.api)[:2]:
                raise GitHubError("GitHub named a next page on another host; it was not followed")

    def _url(self, path: str) -> str:
        return f"{self._access.api}/repos/{self._access.repository}/{path.lstrip('/')}"

    def _send(self, method: str, url: str, body: Mapping[str, Any] | None) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                answer = self._http.request(method, url, json=body)
            except httpx.TransportError as error:
                if last or method == "POST":
                    raise ServerError(f"GitHub was not reached: {error}") from error
                self._pause(2.0 ** (attempt - 1))
                continue
            if answer.is_success:
                return answer
            wait = _limited(answer)
            if wait is None and answer.status_code < 500:
                raise GitHubError(_refusal(method, answer))
            if wait is None and (last or method == "POST"):
                raise ServerError(f"GitHub failed with HTTP {answer.status_code}; try again later")
            if last or (wait or 0) > LONGEST_WAIT:
                raise GitHubError("GitHub's rate limit is used up; try again later")
            self._pause(2.0 ** (attempt - 1) if wait is None else wait)
        raise AssertionError("the last attempt returns or raises")


def _limited(answer: httpx.Response) -> float | None:
    """Seconds to wait if a rate limit was hit; None for any other answer."""
    if answer.status_code not in {403, 429}:
        return None
    after = answer.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - time.time()) if reset.isdigit() else 60.0
    return 60.0 if answer.status_code == 429 else None


def _refusal(method: str, answer: httpx.Response) -> str:
    reasons = {
        401: "the token is wrong or has expired; check GITHUB_TOKEN",
        403: "the token may not do this; give the job the permission it needs",
        404: "there is no such thing, or the token may not see it; check repository and number",
        410: "it is switched off in this repository",
        422: "the request was not accepted as it is",
    }
    reason = reasons.get(answer.status_code, "the request was refused")
    return f"GitHub answered HTTP {answer.status_code} to {method} {answer.url.path}: {reason}"
