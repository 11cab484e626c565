"""The one exception of the review."""


class ReviewError(Exception):
    """The review cannot be made; the message says in one line why and what to do."""
