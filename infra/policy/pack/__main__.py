"""The pack: `pulumi preview --policy-pack infra/policy/pack`. It only lists the rules."""

from __future__ import annotations

import sys
from pathlib import Path

# A pack is started in its own folder; the rules are imported as the package they are.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from infra.policy.pack_entries import policy_pack

policy_pack()
