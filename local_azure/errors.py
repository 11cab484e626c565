"""The root of every error that a user of the stand-in can cause or repair."""

from __future__ import annotations


class LocalAzureError(Exception):
    """One line: what is wrong, which value, what to do. Commands print it and exit with 1."""


class StackInUseError(LocalAzureError):
    """A running `pulumi` holds the stack: wait for it, never work around it."""


class DamagedStateError(LocalAzureError):
    """A file of the state folder that cannot be made again from anything else.

    Attributes:
        reason: Which file, and what is wrong with it, without the remedy.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; start afresh: python -m local_azure reset")
        self.reason = reason
