"""Whether a preview failed because nobody was signed in: every resource then says so."""

from __future__ import annotations

import re

from infra.preview.plan import Plan

_REFUSED = re.compile(
    r"\bAADSTS\d+|'Unauthorized'|\bStatus(?:Code)?[=:] ?401\b"
    r"|\b(?:Invalid|Expired)AuthenticationToken|\baz login\b"
    r"|\w+Credential(?:: | authentication failed)"
)
"""Microsoft Entra's codes, Azure Resource Manager's answers, and the clients' own words."""
_LONGEST = 200


def refusal(plan: Plan) -> str | None:
    """What Azure said where it refused the login, in one line; None where it did not."""
    for each in plan.diagnostics:
        if each.severity == "error" and _REFUSED.search(each.message):
            line = " ".join(each.message.split())
            return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
    return None
