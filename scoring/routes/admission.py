"""What a request's head alone decides: who asks, with which key, for which media type."""

from __future__ import annotations

import hmac
import itertools
import json
import os
import re
from collections.abc import Iterator

from scoring.errors import Rejection, SettingsError
from scoring.routes.messages import Request
from scoring.settings import Settings

# https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags; zeros are no ids.
_TRACE = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ID = re.compile(rb"[!#-\[\]-~]{1,128}")  # printable ASCII without space, quote and backslash


def fresh_ids() -> Iterator[str]:
    """Request ids that no other process makes."""
    prefix = os.urandom(8).hex()
    return (f"{prefix}{number:016x}" for number in itertools.count())


def identify(request: Request, fresh: Iterator[str]) -> None:
    """Take the caller's own id, or the trace id of `traceparent`, or a fresh one."""
    headers = request.headers
    given = headers.get(b"x-ms-request-id")
    parent = headers.get(b"traceparent")
    if parent is not None and (trace := _TRACE.fullmatch(parent)):
        request.trace = parent.decode("ascii")
        request.id = trace[1].decode("ascii")
    if given is not None and _ID.fullmatch(given):
        request.id = given.decode("ascii")
    elif not request.id:
        request.id = next(fresh)


def check_media_type(header: bytes, allowed: tuple[str, ...]) -> None:
    """Refuse a body of another kind."""
    kind, _, parameters = header.decode("latin-1").partition(";")
    if kind.strip().lower() not in allowed:
        raise Rejection(
            415,
            "bad_content_type",
            f"content-type is {printable(kind)}; send {' or '.join(allowed)}",
        )
    name, _, value = parameters.strip().partition("=")
    if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
        raise Rejection(415, "bad_charset", f"charset is {printable(value)}; send UTF-8")


def printable(text: str) -> str:
    """A client's text, short and quoted, for a message."""
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")


class Keys:
    """The valid Bearer keys. A changed key file counts without a restart."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._files = [
            file for file in (settings.key_file, settings.key_secondary_file) if file is not None
        ]
        self._seen = self._state()
        self._keys = settings.keys()
        self._gone = False

    def check(self, header: bytes) -> None:
        """Refuse a request without a valid key, where any is set."""
        if not self._keys:
            return
        if self._gone:
            raise Rejection(
                503,
                "no_key",
                "a key file of the service is gone: no key is valid until it is back",
                retry_after=1,
            )
        scheme, _, given = header.partition(b" ")
        given = given.strip()
        # Every key is compared, each in constant time, so that time tells nothing.
        matches = [hmac.compare_digest(given, key) for key in self._keys]
        if scheme.lower() != b"bearer" or not any(matches):
            raise Rejection(
                401, "bad_key", "send a valid key in the header `Authorization: Bearer KEY`"
            )

    def refresh(self) -> str:
        """Read changed files again; says what went wrong.

        A file that cannot be read now is being written: the keys stay as they were. One that is
        gone was taken away: until it is back no key is valid.
        """
        if not self._files:
            return ""
        state = self._state()
        if state == self._seen:
            return ""
        self._seen = state
        self._gone = self._gone or None in state
        try:
            self._keys = self._settings.keys()
            self._gone = False
        except SettingsError as error:
            return str(error)
        return ""

    def _state(self) -> list[tuple[int, int, int] | None]:
        return [_file_state(file) for file in self._files]


def _file_state(file: os.PathLike[str]) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 (Path.stat() takes twice as long, four times a second)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
