"""The order of the tests, and that a test's processes hear Ctrl-C wherever it runs."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

IN_ORDER = ("stack", "slow", "drill", "aks")
"""Of these a file walks through a life, from its first test to its last."""


def pytest_configure() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Run the fast tier first, in any order: who broke something hears of it early.

    The rest stays in the order in which it is written.
    """
    written = {item: place for place, item in enumerate(items, start=1)}
    yield
    items.sort(key=lambda item: written[item] if _in_order(item) else 0)


def _in_order(item: pytest.Item) -> bool:
    return any(map(item.get_closest_marker, IN_ORDER))
