"""The one exception of the drift check."""


class DriftError(Exception):
    """The check itself broke: whether there is drift is not known. The message is one line."""
