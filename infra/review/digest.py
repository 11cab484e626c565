"""A digest of what is planned, hidden values too, that only who knows the secrets can compare."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra.preview.changes import Change
from infra.preview.paths import MISSING
from infra.preview.plan import Step
from infra.preview.untold import SECRET, UNKNOWN


def key_of(secrets: Iterable[str]) -> bytes:
    """What digests are keyed with: who knows the stack's secrets can compare them, nobody else.

    Other secrets give another key, and with it another digest of everything.
    """
    inner = b"".join(sorted(hashlib.sha256(one.encode()).digest() for one in secrets))
    return hashlib.sha256(b"infra-review" + inner).digest()


def digest(step: Step, found: Sequence[Change], key: bytes) -> str:
    """A keyed digest of everything that is planned for a resource, the hidden values too."""
    content = [
        str(step.op),
        step.urn,
        [[list(one.path), _plain(one.old), _plain(one.new), one.forces] for one in found],
    ]
    return hmac.new(key, json.dumps(content, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _plain(value: Any) -> Any:
    if value is MISSING or value is SECRET or value is UNKNOWN:
        return {"mark": repr(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
