"""The root of every error that a user of the stand-in can cause or repair."""

from __future__ import annotations


class LocalAzureError(Exception):
    """One line: what is wrong, which value, what to do. Commands print it and exit with 1."""
