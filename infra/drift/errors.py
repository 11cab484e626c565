"""The one exception of the drift check, and those of the rooms below that break it, too."""

from infra.arm.errors import ArmError
from infra.preview.engine import PreviewError


class DriftError(Exception):
    """The check itself broke: whether there is drift is not known. The message is one line."""


BREAKING = (ArmError, DriftError, PreviewError)
"""What breaks a check; each message is one line."""
