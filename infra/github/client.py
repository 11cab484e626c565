"""The few calls to GitHub's REST API that reviews and drift checks need.

GitHubError
+-- GoneError      what was asked for is not there, or not for this token
+-- ServerError    whether it was done is not known

Waiting follows GitHub's "Best practices for using the REST API": `retry-after`, then
`x-ratelimit-reset`, else a minute that doubles.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

API = "https://api.github.com"
ATTEMPTS = 5
"""How often one call is tried."""

LONGEST_WAIT = 600.0
"""Seconds that one call may wait in all; a rate limit that lasts longer is an error."""

SECONDARY_WAIT = 60.0
"""Seconds of the first wait where a limit does not say how long; each next one is twice that."""

REDIRECTS = 3
"""How often one call follows a repository that has moved."""

ACTIONS_LOGIN = "github-actions[bot]"
"""Who writes with the token of a workflow."""

_LONGEST_REASON = 300

Content = TypeVar("Content", dict[str, Any], list[Any])


class GitHubError(Exception):
    """GitHub did not do what was asked; the message says why and what to do, in one line."""


class GoneError(GitHubError):
    """What was asked for is not there, or the token may not see it."""


class ServerError(GitHubError):
    """GitHub failed, was not reached or not understood: what was asked may be done or not."""


@dataclass(frozen=True)
class Access:
    """Where and as whom to call.

    Attributes:
        repository: `OWNER/NAME`.
        token: What proves who calls; never shown.
        api: The base URL.
        login: Whom the token belongs to; empty where GitHub is to be asked.
    """

    repository: str
    token: str
    api: str = API
    login: str = ""

    @classmethod
    def from_environment(cls, repository: str = "") -> Self:
        """Read GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_LOGIN.

        A workflow sets all but the last, which only the token of an app of one's own needs.

        Raises:
            GitHubError: One is missing or cannot be used.
        """
        token = os.environ.get("GITHUB_TOKEN", "").strip()
        if not token:
            raise GitHubError("GITHUB_TOKEN is not set; a workflow hands it over as github.token")
        if not re.fullmatch(r"[!-~]+", token):
            raise GitHubError("GITHUB_TOKEN is no token: allowed are printable ASCII characters")
        repository = repository or os.environ.get("GITHUB_REPOSITORY", "")
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
            raise GitHubError(
                f"the repository is {repository!r}; allowed: OWNER/NAME; "
                "set GITHUB_REPOSITORY or name it with --repository"
            )
        api = os.environ.get("GITHUB_API_URL", "").rstrip("/") or API
        address = urlsplit(api)
        local = address.scheme == "http" and address.hostname in {"127.0.0.1", "localhost"}
        if not (address.scheme == "https" and address.hostname) and not local:
            raise GitHubError(f"GITHUB_API_URL is {api!r}; the token is only sent over https")
        return cls(repository, token, api, os.environ.get("GITHUB_LOGIN", "").strip())

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
        self._login = access.login
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

    def login(self) -> str:
        """Whom the token belongs to, asked once: what others wrote is never changed.

        The token of a workflow is no user's: GitHub refuses the question, and what is written with
        it is by `github-actions[bot]`.

        Raises:
            GitHubError: GitHub failed.
        """
        if not self._login:
            answer = self._send("GET", f"{self._access.api}/user", None, allowed={403})
            self._login = ACTIONS_LOGIN
            if answer.is_success:
                self._login = str(_object(answer).get("login") or ACTIONS_LOGIN)
        return self._login

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a path below the repository, return the JSON object that is answered.

        A POST is not repeated after a server error, since it may have been done.

        Raises:
            GoneError: It is not there.
            ServerError: GitHub failed, was not reached, or answered something else than JSON.
            GitHubError: It refused.
        """
        return _object(self._send(method, self._url(path), body))

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield every object of a list, page by page.

        Raises:
            GitHubError: As `call` does.
        """
        joint = "&" if "?" in path else "?"
        url: str | None = f"{self._url(path)}{joint}per_page=100"
        while url:
            answer = self._send("GET", url, None)
            content = _content(answer, list, "a list")
            yield from (one for one in content if isinstance(one, dict))
            url = answer.links.get("next", {}).get("url")
            if url and not self._is_own(url):
                raise GitHubError("GitHub named a next page on another host; it was not followed")

    def _url(self, path: str) -> str:
        return f"{self._access.api}/repos/{self._access.repository}/{path.lstrip('/')}"

    def _is_own(self, url: str) -> bool:
        return urlsplit(url)[:2] == urlsplit(self._access.api)[:2]

    def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        allowed: frozenset[int] | set[int] = frozenset(),
    ) -> httpx.Response:
        waited, limits, redirects, attempt = 0.0, 0, 0, 0
        while True:
            attempt += 1
            try:
                answer = self._http.request(method, url, json=body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if attempt >= ATTEMPTS or method == "POST":
                    raise ServerError(f"GitHub was not reached: {_line(str(error))}") from error
                self._pause(2.0 ** (attempt - 1))
                continue
            if answer.is_success:
                return answer
            if answer.status_code in {301, 302, 307, 308}:
                redirects += 1
                url = self._moved(answer, redirects)
                attempt -= 1
                continue
            wait = _limited(answer, limits)
            if wait is None and answer.status_code in allowed:
                return answer
            if wait is None and answer.status_code < 500:
                raise _refusal(method, answer)
            if wait is None and (attempt >= ATTEMPTS or method == "POST"):
                raise ServerError(f"GitHub failed with HTTP {answer.status_code}; try again later")
            if wait is not None:
                limits += 1
                waited += wait
                if attempt >= ATTEMPTS or waited > LONGEST_WAIT:
                    raise GitHubError(_used_up(answer))
            self._pause(2.0 ** (attempt - 1) if wait is None else wait)

    def _moved(self, answer: httpx.Response, count: int) -> str:
        """Where the same call is to be sent: a repository that was renamed answers so."""
        url = urljoin(str(answer.url), answer.headers.get("location", ""))
        if not self._is_own(url):
            raise GitHubError(
                f"GitHub sends {answer.url.path} on to another host; it was not followed"
            )
        if count > REDIRECTS:
            raise GitHubError(f"GitHub sends {answer.url.path} on again and again")
        return url


def _limited(answer: httpx.Response, before: int) -> float | None:
    """Seconds to wait if a rate limit was hit for the nth time; None for any other answer."""
    if answer.status_code not in {403, 429}:
        return None
    after = answer.headers.get("retry-after", "")
    if after.isdecimal():
        return float(after)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - time.time()) if reset.isdecimal() else SECONDARY_WAIT
    said = _reason(answer).lower()
    if answer.status_code == 429 or "rate limit" in said or "abuse detection" in said:
        return SECONDARY_WAIT * 2.0**before
    return None


def _used_up(answer: httpx.Response) -> str:
    reason = _reason(answer)
    return "GitHub's rate limit is used up; try again later" + (f" ({reason})" if reason else "")


def _content(answer: httpx.Response, kind: type[Content], wanted: str) -> Content:
    try:
        content = answer.json()
    except ValueError as error:  # UnicodeDecodeError is one, too
        raise ServerError(_not_understood(answer, "JSON")) from error
    if not isinstance(content, kind):
        raise ServerError(_not_understood(answer, wanted))
    return content


def _object(answer: httpx.Response) -> dict[str, Any]:
    return _content(answer, dict, "an object")


def _not_understood(answer: httpx.Response, wanted: str) -> str:
    kind = _line(answer.headers.get("content-type", "")) or "no content type"
    got = kind if answer.content else "an empty body"
    return (
        f"GitHub answered {got} in place of {wanted} to {answer.request.method} {answer.url.path}; "
        "is GITHUB_API_URL right, and is no proxy in between?"
    )


def _refusal(method: str, answer: httpx.Response) -> GitHubError:
    remedies = {
        401: "the token is wrong or has expired; check GITHUB_TOKEN",
        403: "the token may not do this; give the job the permission it needs",
        404: "there is no such thing, or the token may not see it; check repository and number",
        410: "it is switched off in this repository, or gone",
        422: "the request was not accepted as it is",
    }
    remedy = remedies.get(answer.status_code, "the request was refused")
    reason = _reason(answer)
    if "locked" in reason.lower():
        remedy = "the conversation is locked; unlock it, or read the report in the job's summary"
    told = f" ({reason})" if reason else ""
    text = (
        f"GitHub answered HTTP {answer.status_code} to {method} {answer.url.path}{told}: {remedy}"
    )
    return GoneError(text) if answer.status_code in {404, 410} else GitHubError(text)


def _reason(answer: httpx.Response) -> str:
    """What GitHub itself says, in one line; empty if it says nothing that can be read."""
    try:
        content = answer.json()
    except ValueError:
        return ""
    if not isinstance(content, dict):
        return ""
    parts = [content.get("message")]
    errors = content.get("errors")
    for each in errors if isinstance(errors, list) else []:
        if isinstance(each, dict):
            named = " ".join(str(each[name]) for name in ("field", "code") if each.get(name))
            parts.append(each.get("message") or named)
        else:
            parts.append(each)
    return _line("; ".join(one for one in parts if isinstance(one, str) and one))


def _line(text: str) -> str:
    plain = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return plain if len(plain) <= _LONGEST_REASON else f"{plain[:_LONGEST_REASON]}..."
