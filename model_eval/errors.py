"""Errors of this room.

EvaluationError
├── DataError      test or training data that is missing, altered or of another shape
├── GateError      a model that is not good enough
├── EndpointError  a service that does not answer, or answers wrongly
└── RegistryError  a workspace that does not answer, or has no such model

A model directory that is incomplete, altered or unreadable is `scoring.errors.ModelError`.
"""

from __future__ import annotations


class EvaluationError(Exception):
    """Something the user can act on: the message is one line and says what to do."""


class DataError(EvaluationError):
    """Data that cannot be used."""


class GateError(EvaluationError):
    """A model below the gate."""


class EndpointError(EvaluationError):
    """An endpoint that failed a check."""


class RegistryError(EvaluationError):
    """A model registry that failed a request."""
