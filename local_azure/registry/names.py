"""The names of the distribution protocol: repositories, tags and digests.

Source: the OCI Distribution Specification 1.1, "Pulling manifests"; the OCI Image Specification,
"Digests".
"""

from __future__ import annotations

import hashlib
import re

from local_azure.registry.errors import RegistryError, invalid_digest

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = rf"{_COMPONENT}(?:/{_COMPONENT})*"
"""A regular expression of repository names."""

_REPOSITORY = re.compile(REPOSITORY)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST_REPOSITORY = 255


def repository(text: str) -> str:
    """A good repository name.

    Raises:
        RegistryError: 400 `NAME_INVALID`.
    """
    if len(text) <= _LONGEST_REPOSITORY and _REPOSITORY.fullmatch(text):
        return text
    raise RegistryError(
        400,
        "NAME_INVALID",
        f"'{text[:80]}' is no repository name: lower-case letters, digits and single separators "
        f"(. _ -) in parts joined by '/', at most {_LONGEST_REPOSITORY} characters.",
    )


def digest(text: str) -> str:
    """A good digest, `sha256:` and 64 hex digits.

    Raises:
        RegistryError: 400 `DIGEST_INVALID`.
    """
    if _DIGEST.fullmatch(text):
        return text
    raise invalid_digest(f"'{text[:80]}' is no digest: expected sha256: and 64 hex digits.")


def is_digest(reference: str) -> bool:
    """Whether a manifest's reference is a digest rather than a tag."""
    return ":" in reference


def reference(text: str) -> str:
    """A good tag or digest.

    Raises:
        RegistryError: 400 `DIGEST_INVALID` or `TAG_INVALID`.
    """
    if is_digest(text):
        return digest(text)
    if _TAG.fullmatch(text):
        return text
    raise RegistryError(
        400,
        "TAG_INVALID",
        f"'{text[:80]}' is no tag: 1 to 128 letters, digits and . _ -, not beginning with . or -.",
    )


def digest_of(content: bytes) -> str:
    """The digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
