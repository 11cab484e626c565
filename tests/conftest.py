"""The order of the tests, and that what a test starts behaves alike wherever the tests run."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator

import pytest

IN_ORDER = ("stack", "slow", "drill", "aks")
"""Of these a file walks through a life, from its first test to its last."""

FROM_MAKE = ("ARGS", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")
"""What a make around the tests hands to every make below: `make test ARGS=-x` to `make up`."""


def pytest_configure() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts.

    And as under make, byte code is kept: without it a process takes three times as long.
    """
    for name in (*FROM_MAKE, "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    sys.dont_write_bytecode = False
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


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 at which nobody listens, nor can as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
