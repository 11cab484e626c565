"""The one exception of the preview."""


class PreviewError(Exception):
    """What Pulumi plans cannot be had or read; the message says in one line why and what to do."""
