"""How an image is named: `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`, one grammar for every reader.

Source: the grammar of distribution's `reference` package and of the OCI distribution specification:
`a__b` and `a--b` are legal in a repository, upper case is not; a first part without a dot, a port
or an upper-case letter is no host, but for `localhost`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<server>{_HOST})/)??(?P<repository>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
)
_LONGEST = 255
"""Characters of host and repository together."""


@dataclass(frozen=True)
class ImageReference:
    """An image's name in its parts; `str()` gives the name back.

    Attributes:
        server: The registry's host with its port, as it was written; None names Docker Hub.
        repository: The repository, such as `team/sklearn-mnist-svc`.
        tag: The tag, or None.
        digest: `sha256:` and 64 hexadecimal digits (or `sha512:` and 128), or None.
    """

    server: str | None
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference | None:
        """The parts of a name; None where it is malformed."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            return None
        server, repository = match["server"], match["repository"]
        first, slash, rest = repository.partition("/")
        if server is None and slash and _is_host(first):
            server, repository = first, rest
        if server is not None and not _is_host(server):
            return None
        if len(f"{server or ''}/{repository}") > _LONGEST:
            return None
        return cls(server, repository, match["tag"], match["digest"])

    def in_registry(self, server: str) -> bool:
        """Whether the image is of a registry: hosts are compared without regard to case."""
        return self.server is not None and self.server.lower() == server.lower()

    def __str__(self) -> str:
        name = f"{self.server}/{self.repository}" if self.server else self.repository
        tag = f":{self.tag}" if self.tag else ""
        return f"{name}{tag}@{self.digest}" if self.digest else f"{name}{tag}"


def _is_host(first: str) -> bool:
    return first == "localhost" or bool({".", ":"} & set(first)) or first != first.lower()
