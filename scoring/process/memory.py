"""Gives memory back once the service rests.

Large bodies are fast because glibc keeps what they used (MALLOC_TRIM_THRESHOLD_ in the image);
without this it would keep it for good.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

REST_SECONDS = 1.0


class Heap:
    """Remembers whether there was work since memory was given back last."""

    def __init__(self) -> None:
        self._trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._given_back_at = 0.0

    def tend(self, now: float, last_active: float) -> None:
        """Give back what is free, once after each time of work; does nothing without glibc.

        Args:
            now: Seconds on any clock.
            last_active: When there was work last, on the same clock.
        """
        if self._given_back_at <= last_active and now - last_active >= REST_SECONDS:
            self._given_back_at = now
            if self._trim is not None:
                self._trim(0)
