"""Finds what looks like a secret in text, and takes it out.

It works on any text: an error message, an allowed value. Whether a value may be shown at all is
decided elsewhere (`allow_list`); this is the second net.
"""

from __future__ import annotations

import base64
import os
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.disclosure.randomness import is_random

HIDDEN = "[hidden]"

SECRET_WORD = re.compile(
    r"(?i)passw(or)?d|passphrase|pwd|secret|token|credential|connection_?-?string"
    r"|(api|access|account|private|shared|storage|instrumentation|scoring|primary|secondary)_?-?key"
    r"|(^|[_.-])(key|sig|sas|auth)s?($|[_.-])"
)
"""A name that says that its value is secret."""

LEAST_KNOWN = 4
"""Known secrets shorter than this are not searched for: they would be found in every other word."""

_ASSIGNED = re.compile(
    r"(?i)((?:passw(?:or)?d|passphrase|pwd|secret|token|credential|signature|key|\bsig)"
    r"[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_QUERY = re.compile(r"(?<=\?)[\w%.~+-]+=[^\s\"'<>)]*")
_PEM = re.compile(r"-----BEGIN [^-]+-----.*?(-----END [^-]+-----|\Z)", re.DOTALL)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}(?![0-9a-f])")
_WORD = re.compile(r"[^\s\"'`<>(){}\[\],;|]+")
_ISSUED = re.compile(r"\b(gh[opsur]_|github_pat_|pul-[0-9a-f]{8}|AKIA[0-9A-Z]{12}|eyJ[\w-]{10})")
"""How tokens begin whose issuers mark them: GitHub, Pulumi, AWS, JSON web tokens."""
_GUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(frozen=True)
class Mask:
    """Takes secrets out of text.

    Attributes:
        known: Secrets in plain text, so that one that leaked into another place is found.
    """

    known: frozenset[str] = frozenset()

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Mask:
        """A mask that knows these secrets, each of their lines, and both in base64 and in URLs."""
        lines = {line.strip() for secret in secrets for line in [secret, *secret.splitlines()]}
        lines = {line for line in lines if len(line) >= LEAST_KNOWN}
        encoded = {base64.b64encode(line.encode()).decode() for line in lines}
        quoted = {urllib.parse.quote(line, safe="") for line in lines}
        return cls(frozenset(lines | encoded | quoted))

    def text(self, text: str) -> str:
        """The text with everything that looks like a secret replaced by `[hidden]`."""
        text = self.known_only(text)
        text = _PEM.sub(HIDDEN, text)
        text = _BEARER.sub(HIDDEN, text)
        text = _ASSIGNED.sub(rf"\g<1>{HIDDEN}", text)
        text = _USER_INFO.sub(HIDDEN, text)
        text = _QUERY.sub(HIDDEN, text)
        return _WORD.sub(lambda match: _word(match[0]), text)

    def finds_known(self, text: str) -> bool:
        """Whether a known secret is in the text."""
        return bool(self._in(text))

    def known_only(self, text: str) -> str:
        """The text without the known secrets: for names, which are none, however they look."""
        # Longest first, so that a secret that contains another is taken out whole.
        for secret in sorted(self._in(text), key=lambda one: (-len(one), one)):
            text = text.replace(secret, HIDDEN)
        return text

    def _in(self, text: str) -> set[str]:
        """The known secrets in a text. Stacks have thousands: each place is looked up once."""
        beginnings, short = self._beginnings
        places = ((at, text[at : at + LEAST_KNOWN]) for at in range(len(text)))
        found = {
            secret
            for at, beginning in places
            for secret in beginnings.get(beginning, ())
            if text.startswith(secret, at)
        }
        return found | {secret for secret in short if secret in text}

    @cached_property
    def _beginnings(self) -> tuple[dict[str, list[str]], list[str]]:
        """The known secrets by their first characters, and those that have not as many."""
        found: dict[str, list[str]] = {}
        short: list[str] = []
        for secret in self.known:
            if len(secret) < LEAST_KNOWN:
                short.append(secret)
            else:
                found.setdefault(secret[:LEAST_KNOWN], []).append(secret)
        return found, short


def _word(word: str) -> str:
    rest = _DIGEST.sub("", word)
    return HIDDEN if _GUID.search(rest) or looks_secret(rest) else word


def environment_secrets() -> frozenset[str]:
    """Values of environment variables whose names say that they are secret."""
    return frozenset(
        value
        for name, value in os.environ.items()
        if SECRET_WORD.search(name) and len(value) >= 8 and not _is_path(value)
    )


def looks_secret(word: str) -> bool:
    """Whether a word was made by a machine or a password generator rather than by a name giver."""
    kinds = [any(map(test, word)) for test in (str.islower, str.isupper, str.isdigit)]
    symbols = any(not one.isalnum() and one not in "-_./:@\\" for one in word)
    if len(word) >= 8 and all(kinds) and symbols:
        return True
    return bool(_ISSUED.search(word)) or is_random(word)


def _is_path(value: str) -> bool:
    """Whether a variable only says where a secret is; a long secret cannot even be asked for."""
    try:
        return Path(value).exists()
    except (OSError, ValueError):
        return False
