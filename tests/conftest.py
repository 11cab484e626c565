"""The order of the tiers, and that a test's processes hear Ctrl-C wherever it runs."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tier first: who broke something hears of it early."""
    items.sort(key=lambda item: any(map(item.get_closest_marker, ("stack", "slow"))))
