"""A digest of what is planned, hidden values too, that only who knows the secrets can compare."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence

from infra.preview.paths import Difference
from infra.preview.plan import Step
from infra.preview.untold import Mark


def key_of(secrets: Iterable[str]) -> bytes:
    """What digests are keyed with: who knows the stack's secrets can compare them, nobody else.

    Other secrets give another key, and with it another digest of everything.
    """
    inner = b"".join(sorted(hashlib.sha256(one.encode()).digest() for one in secrets))
    return hashlib.sha256(b"infra-review" + inner).digest()


def digest(step: Step, found: Sequence[Difference], key: bytes) -> str:
    """A keyed digest of everything that is planned for a resource, the hidden values too."""
    changes = [[list(one.path), one.old, one.new, one.forces] for one in found]
    content = json.dumps([str(step.op), step.urn, changes], sort_keys=True, default=_mark)
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()


def _mark(mark: Mark) -> dict[str, str]:
    return {"mark": repr(mark)}
