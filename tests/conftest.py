"""The order of the tiers."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tier first: who broke something hears of it early."""
    items.sort(key=lambda item: any(map(item.get_closest_marker, ("stack", "slow"))))
